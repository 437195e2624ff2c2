"""What the certifications of a session's moduli are bound to: server and agents compute it, each by itself."""

from __future__ import annotations

from typing import Final

from contract.names import check_session_id
from mpc.four_prime_rsa import Purpose
from mpc.four_prime_rsa.integers import hash_fields

_DOMAIN: Final = "fourseal/v1/session"


def session_certification_context(session_id: str, purpose: Purpose) -> bytes:
    """The context of the certification of one of a session's two moduli, 32 bytes.

    A certification made for one session or purpose says nothing in another.

    Args:
        session_id: see ``names``.
        purpose: of the session's share.

    Raises:
        MalformedInput: SESSION_ID_MALFORMED.
    """
    return hash_fields(_DOMAIN, check_session_id(session_id).encode(), purpose.encode())
