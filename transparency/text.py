"""The few kinds of value that stand in the texts: each is read in one spelling, and refused in any other."""

from __future__ import annotations

import base64
import re
from typing import Final

from mpc.errors import MalformedInput
from transparency.errors import require_that

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def write_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def read_base64(text: str, what: str, *, reason: str) -> bytes:
    """Read ``write_base64``.

    Args:
        text: all of it.
        what: it is, for the error.
        reason: of the error.

    Raises:
        MalformedInput: with ``reason``; also for base64 with other padding, or with bits behind the data.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    require_that(write_base64(data) == text, f"{what} is not in base64", reason=reason)
    return data


def read_number(text: str, what: str, *, reason: str) -> int:
    """Read a decimal number of at most 19 digits, without leading zeroes. Its range is for the caller to check.

    Raises:
        MalformedInput: with ``reason``.
    """
    require_that(_DECIMAL.fullmatch(text), f"{what} is not in decimal", reason=reason)
    return int(text)


def read_utf8(data: bytes, maximum: int, *, reason: str) -> str:
    """Decode UTF-8.

    Args:
        data: the text.
        maximum: longest that is looked at, bytes.
        reason: of the error.

    Raises:
        MalformedInput: with ``reason``.
    """
    require_that(len(data) <= maximum, f"longer than {maximum} bytes", reason=reason)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedInput(reason, "not UTF-8", problem="not UTF-8") from None
