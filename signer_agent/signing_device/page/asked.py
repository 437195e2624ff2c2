"""What the page asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

MAX_CONTENT: Final = 8 * 1024
"""Bytes of what comes with it: a passphrase of 1024 bytes in JSON's longest writing has room."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks.

    Args:
        action: name of it.
        revision: of the view that its user looks at.
        pin: secret; may be empty.
    """

    action: str
    revision: int
    pin: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.action!r}, {self.revision})"


def read_asked(action: str, content: dict[str, Any]) -> Asked | None:
    """Read it; None: it is malformed."""
    match content:
        case {"revision": int(revision), **more} if not isinstance(revision, bool):
            pin = more.pop("pin", "")
            return Asked(action, revision, pin) if isinstance(pin, str) and not more else None
    return None
