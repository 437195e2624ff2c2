"""One-time codes by time (RFC 6238): SHA-1, 30 seconds, 6 digits, which every authenticator app can do.

A code works once: the time step of the last one that was accepted is kept, and only later steps are looked at (RFC 6238
section 5.2). Clocks may be one step apart in either direction.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from typing import Final

from pyotp import TOTP

SECRET_BYTES: Final = 20
"""As long as the hash (RFC 4226 section 4, R6)."""
NEVER_USED: Final = 0
"""The counter of a factor of which no code was used: the time step of 1970."""
_STEP_SECONDS: Final = 30
_DRIFT: Final = (-1, 0, 1)
_ISSUER: Final = "Fourseal"


def new_secret(random: Callable[[int], bytes]) -> bytes:
    """The secret of a new factor."""
    return random(SECRET_BYTES)


def uri_of(secret: bytes, account: str) -> str:
    """The otpauth URI that authenticator apps read."""
    return _totp(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def accepted_step(secret: bytes, code: str, last_step: int, now: datetime) -> int | None:
    """The time step that a code belongs to, if it is later than the last that was accepted; else None."""
    totp = _totp(secret)
    present = int(now.timestamp()) // _STEP_SECONDS
    accepted = None
    for step in (present + drift for drift in _DRIFT):
        same = compare_digest(totp.generate_otp(step).encode(), code.encode())
        if same and step > last_step and accepted is None:
            accepted = step
    return accepted


def _totp(secret: bytes) -> TOTP:
    return TOTP(base64.b32encode(secret).decode())
