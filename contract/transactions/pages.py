"""Reading a transaction at the device: page by page, and nothing can be confirmed before the last one was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from contract import der
from contract.errors import TransactionRefused
from contract.transactions.display import Block, describe
from contract.transactions.transaction import Transaction

MIN_HEIGHT: Final = 3
"""Lines of the lowest display."""

Page = tuple[str, ...]
"""Lines that are shown at once."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the user has come. From ``begin``; ``forward`` and ``back`` return what comes next.

    A display that changes its size begins anew: pages are other ones then.

    Args:
        transaction: digest of what is shown, 32 bytes.
        pages: all of it.
        current: index of the page that is shown.
        shown: index of the last page that was ever shown.
    """

    transaction: bytes
    pages: tuple[Page, ...]
    current: int = 0
    shown: int = 0

    @classmethod
    def begin(
        cls, transaction: Transaction, names: Mapping[str, str], size: tuple[int, int], known: Mapping[str, str]
    ) -> Self:
        """Show the first page.

        Args:
            transaction: to be shown.
            names: display name of every account in it, as the device verified them by certificates.
            size: of the display, cells and lines; at least 26 and 3.
            known: display names of accounts that the user knows already; may be empty.

        Raises:
            TransactionRefused: PARTY_UNVERIFIED.
            MalformedInput: DISPLAY_TOO_SMALL.
        """
        width, height = size
        der.require_that(height >= MIN_HEIGHT, f"lower than {MIN_HEIGHT} lines", reason="DISPLAY_TOO_SMALL")
        return cls(transaction.digest, paginate(describe(transaction, names, width, known), height))

    @property
    def page(self) -> Page:
        """What is to be shown now."""
        return self.pages[self.current]

    @property
    def is_complete(self) -> bool:
        """Whether every page was shown."""
        return self.shown == len(self.pages) - 1

    def forward(self) -> Self:
        """The next page; on the last one, the same."""
        current = min(self.current + 1, len(self.pages) - 1)
        return replace(self, current=current, shown=max(self.shown, current))

    def back(self) -> Self:
        """The page before; on the first one, the same."""
        return replace(self, current=max(self.current - 1, 0))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The user pressed confirm, or entered the PIN, after having read all of it. What ``device`` shows a code for.

    Args:
        reading: complete.

    Raises:
        TransactionRefused: TRANSACTION_UNREAD: pages were not shown yet.
    """

    reading: Reading

    def __post_init__(self) -> None:
        left = len(self.reading.pages) - 1 - self.reading.shown
        if left:
            raise TransactionRefused("TRANSACTION_UNREAD", f"{left} pages were not shown yet", pages=left)


def paginate(blocks: Iterable[Block], height: int) -> tuple[Page, ...]:
    """Fill pages with blocks. A block is divided only if it is higher than a page.

    Args:
        blocks: of lines.
        height: most lines of a page.
    """
    pages: list[list[str]] = [[]]
    for block in blocks:
        if pages[-1] and len(pages[-1]) + len(block) > height:
            pages.append([])
        for line in block:
            if len(pages[-1]) == height:
                pages.append([])
            pages[-1].append(line)
    return tuple(map(tuple, pages))
