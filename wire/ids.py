"""Names that travel: request ids, key ids, agent ids, ids of sessions and envelopes."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Final

from mpc.errors import MalformedInput

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_KEY_ID: Final = re.compile(r"key-[a-z2-7]{26}", re.ASCII)
_SESSION_ID: Final = re.compile(r"session-[a-z2-7]{26}", re.ASCII)
_ENVELOPE_ID: Final = re.compile(r"envelope-[a-z2-7]{26}", re.ASCII)
_AGENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_RANDOM_BYTES: Final = 16


def new_request_id() -> str:
    """A fresh request id, 22 characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_key_id() -> str:
    """A fresh key id: "key-" and 26 characters of lower-case base32."""
    return f"key-{_random_name()}"


def new_session_id() -> str:
    """A fresh session id: "session-" and 26 characters of lower-case base32."""
    return f"session-{_random_name()}"


def new_envelope_id() -> str:
    """A fresh envelope id: "envelope-" and 26 characters of lower-case base32."""
    return f"envelope-{_random_name()}"


def check_request_id(request_id: str) -> str:
    """Return it. Raises MalformedInput (REQUEST_ID_MALFORMED) unless it is 16 to 64 characters of [A-Za-z0-9_-]."""
    if not _REQUEST_ID.fullmatch(request_id):
        raise MalformedInput("REQUEST_ID_MALFORMED", "a request id has 16 to 64 characters of [A-Za-z0-9_-]")
    return request_id


def check_key_id(key_id: str) -> str:
    """Return it. Raises MalformedInput (KEY_ID_MALFORMED) unless it looks like one of ``new_key_id``."""
    if not _KEY_ID.fullmatch(key_id):
        raise MalformedInput("KEY_ID_MALFORMED", 'a key id is "key-" and 26 characters of [a-z2-7]')
    return key_id


def check_session_id(session_id: str) -> str:
    """Return it. Raises MalformedInput (SESSION_ID_MALFORMED) unless it looks like one of ``new_session_id``."""
    if not _SESSION_ID.fullmatch(session_id):
        raise MalformedInput("SESSION_ID_MALFORMED", 'a session id is "session-" and 26 characters of [a-z2-7]')
    return session_id


def check_envelope_id(envelope_id: str) -> str:
    """Return it. Raises MalformedInput (ENVELOPE_ID_MALFORMED) unless it looks like one of ``new_envelope_id``."""
    if not _ENVELOPE_ID.fullmatch(envelope_id):
        raise MalformedInput("ENVELOPE_ID_MALFORMED", 'an envelope id is "envelope-" and 26 characters of [a-z2-7]')
    return envelope_id


def check_agent_id(agent_id: str) -> str:
    """Return it. Raises MalformedInput (AGENT_ID_MALFORMED) unless 1 to 63 characters of [a-z0-9._-]."""
    if not _AGENT_ID.fullmatch(agent_id):
        raise MalformedInput(
            "AGENT_ID_MALFORMED",
            "an agent's name has 1 to 63 characters of [a-z0-9._-] and starts with one of [a-z0-9]",
        )
    return agent_id


def _random_name() -> str:
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=").lower()
