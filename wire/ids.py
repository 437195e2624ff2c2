"""Names that travel: request ids, key ids, agent ids. Those of contract sessions: ``contract.names``."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Final

from mpc.errors import MalformedInput

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_KEY_ID: Final = re.compile(r"key-[a-z2-7]{26}", re.ASCII)
_AGENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_RANDOM_BYTES: Final = 16


def new_request_id() -> str:
    """A fresh request id, 22 characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def new_key_id() -> str:
    """A fresh key id: "key-" and 26 characters of lower-case base32."""
    return "key-" + base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=").lower()


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


def check_agent_id(agent_id: str) -> str:
    """Return it. Raises MalformedInput (AGENT_ID_MALFORMED) unless 1 to 63 characters of [a-z0-9._-]."""
    if not _AGENT_ID.fullmatch(agent_id):
        raise MalformedInput(
            "AGENT_ID_MALFORMED",
            "an agent's name has 1 to 63 characters of [a-z0-9._-] and starts with one of [a-z0-9]",
        )
    return agent_id
