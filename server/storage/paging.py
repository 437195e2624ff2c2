"""Pages of a list: the one way in which every list of the server is cut.

A list is ordered by (time, name). A page token is the last row of the page before, so that rows that come and go in
the meantime neither repeat nor hide others. It is no secret and gives no right: every query still filters by caller.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from server.storage.tables import from_microseconds, microseconds
from wire.catalogue import ServiceError
from wire.limits import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

MAX_TOKEN_LENGTH = 256
MAX_PAGE_BYTES = 3 << 20
"""Of rows that vary in size: below what a message may have."""
_PREFIX = struct.Struct(">q")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageCursor:
    """Where a page ended: time and name of its last row."""

    time: datetime
    name: str

    def to_token(self) -> str:
        """The cursor as callers carry it."""
        return base64.urlsafe_b64encode(_PREFIX.pack(microseconds(self.time)) + self.name.encode()).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> PageCursor | None:
        """Read a caller's token; an empty one means the first page.

        Raises:
            ServiceError: PAGE_TOKEN_INVALID.
        """
        if not token:
            return None
        if len(token) > MAX_TOKEN_LENGTH:
            raise ServiceError("PAGE_TOKEN_INVALID")
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            cursor = cls(from_microseconds(_PREFIX.unpack_from(data)[0]), data[_PREFIX.size :].decode())
        except (ValueError, OverflowError, binascii.Error, struct.error):
            raise ServiceError("PAGE_TOKEN_INVALID") from None
        if cursor.to_token() != token or not (cursor.name.isascii() and cursor.name.isprintable() and cursor.name):
            raise ServiceError("PAGE_TOKEN_INVALID")
        return cursor


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page, and the token of the next; empty on the last."""

    rows: Sequence[T]
    next_token: str


def page_limit(page_size: int) -> int:
    """Rows that a page of ``page_size`` has: 0 means 100.

    Raises:
        ServiceError: FIELD_INVALID unless 0 to 1000.
    """
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        raise ServiceError("FIELD_INVALID", field="page_size", problem=f"not in 0 to {MAX_PAGE_SIZE}")
    return page_size or DEFAULT_PAGE_SIZE


def cut_page(rows: Sequence[T], limit: int, cursor_of: Callable[[T], PageCursor]) -> Page[T]:
    """Make a page of the first ``limit`` of ``rows``, of which the query asked for one more."""
    if len(rows) <= limit:
        return Page(rows, "")
    return Page(rows[:limit], cursor_of(rows[limit - 1]).to_token())


def take_fitting(rows: Iterable[T], limit: int, size_of: Callable[[T], int]) -> tuple[list[T], int]:
    """Of rows that vary in size: those that fit into an answer, and one more if there is one; for ``cut_page``.

    Args:
        rows: of which the query asked for one more than ``limit``; taken one by one.
        limit: most rows of the page.
        size_of: bytes that a row takes, about.

    Returns:
        The rows, and how many of them the page has: at least one, if there are any.
    """
    taken, size = list[T](), 0
    for row in rows:
        size += size_of(row)
        taken.append(row)
        if len(taken) > limit or (len(taken) > 1 and size > MAX_PAGE_BYTES):
            return taken, len(taken) - 1
    return taken, limit
