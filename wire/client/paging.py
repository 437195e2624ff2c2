"""Lists that come in pages, read to their end. A server that cheats could let them have none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from wire.client.blame import answer_malformed

MAX_PAGES: Final = 10_000
"""More are not asked for: of the default size, that is a million entries."""

_Entry = TypeVar("_Entry")


async def all_pages(fetch: Callable[[str], Awaitable[tuple[Iterable[_Entry], str]]]) -> list[_Entry]:
    """All entries of a list.

    Args:
        fetch: gets the page that a token names, and the token of the next one. Empty tokens: the first, and the end.

    Raises:
        PeerMisbehaved: ANSWER_MALFORMED: a token came twice, or there are more than ``MAX_PAGES``; the culprit is the
            server.
        FoursealError: what ``fetch`` raises.
    """
    found: list[_Entry] = []
    tokens = {""}
    token = ""
    while len(tokens) <= MAX_PAGES:
        page, token = await fetch(token)
        found += page
        if not token:
            return found
        if token in tokens:
            raise answer_malformed("a page of it leads back to one before")
        tokens.add(token)
    raise answer_malformed("its pages do not end")
