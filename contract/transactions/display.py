"""What the device shows of a transaction: all of it, line by line, as wide as its display is.

- Amounts stand in full, in one line, with the code of their currency.
- Accounts stand with the display name that was verified, and with their own name below, which is ASCII.
- The transaction's text is the only thing that its terminal words; each of its lines begins with "> ", and no other
  line does. So it cannot pass for an amount or a name.
- What may be taken for something else has a line below that says so, beginning with "! ".

Widths are those of terminals: ideographs take two cells. Characters of ambiguous width (Unicode Standard Annex 11)
count two here, whatever they take: a line is never wider than the display.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from rich.cells import cell_len

from contract import der
from contract.errors import TransactionRefused
from contract.transactions.look_alikes import Caution, find_cautions, looks_like_another
from contract.transactions.transaction import Transaction

MIN_WIDTH: Final = 26
"""Cells of the narrowest display: every amount fits in a line."""

Block = tuple[str, ...]
"""Lines that belong together."""

_TEXT: Final = "> "
_CAUTION: Final = "! "
_INDENT: Final = "  "
_UNICODE: Final = "latest"  # the table: without it, rich asks the environment which


def describe(
    transaction: Transaction, names: Mapping[str, str], width: int, known: Mapping[str, str]
) -> tuple[Block, ...]:
    """All of a transaction, in blocks of lines.

    Args:
        transaction: to be shown.
        names: display name of every account in it, as the device verified them by certificates.
        width: of the display, in cells, 26 or more.
        known: display names of accounts that the user knows already, by account; may be empty.

    Returns:
        Blocks of lines, none wider than ``width``.

    Raises:
        TransactionRefused: PARTY_UNVERIFIED: a name is missing.
        MalformedInput: DISPLAY_TOO_SMALL.
    """
    der.require_that(width >= MIN_WIDTH, f"narrower than {MIN_WIDTH} cells", reason="DISPLAY_TOO_SMALL")
    for account in transaction.parties:
        if not names.get(account):
            raise TransactionRefused("PARTY_UNVERIFIED", f"the name of {account} was not verified", name=account)
    painter = _Painter(names, width, known)
    count = len(transaction.transfers)
    blocks = [painter.block("Transaction", transaction.kind), painter.block("Done by", transaction.back_end)]
    for number, transfer in enumerate(transaction.transfers, start=1):
        blocks += [
            painter.block(f"Transfer {number} of {count}", transfer.amount.in_full()),
            painter.party("From", transfer.payer),
            painter.party("To", transfer.payee),
        ]
    if transaction.text:
        blocks.append(painter.text(transaction.text))
    blocks += [
        painter.party("Signed by", transaction.signer),
        painter.block("Made", f"{transaction.create_time:%Y-%m-%d %H:%M:%S UTC}"),
        painter.block("Ends", f"{transaction.end:%Y-%m-%d %H:%M:%S UTC}"),
        painter.block("Request", transaction.request_id),
    ]
    return tuple(blocks)


class _Painter:
    def __init__(self, names: Mapping[str, str], width: int, known: Mapping[str, str]) -> None:
        self._names = names
        self._width = width
        self._known = known

    def block(self, label: str, *values: str, cautions: frozenset[Caution] = frozenset()) -> Block:
        """A label, and below it what it says; each of the values begins a line."""
        lines = [f"{label}:"]
        for value in values:
            lines += self._wrap(value, _INDENT)
        for caution in sorted(cautions):
            lines += self._wrap(caution, _CAUTION)
        return tuple(lines)

    def party(self, label: str, account: str) -> Block:
        """An account with its verified name."""
        name = self._names[account]
        cautions = find_cautions(name)
        if self._known and looks_like_another(account, name, self._known):
            cautions |= {Caution.LOOKS_LIKE_ANOTHER}
        return self.block(label, name, account, cautions=cautions)

    def text(self, text: str) -> Block:
        """The transaction's text."""
        lines = self._wrap(text, _TEXT)
        return ("Text:", *lines, *(line for each in sorted(find_cautions(text)) for line in self._wrap(each, _CAUTION)))

    def _wrap(self, text: str, prefix: str) -> list[str]:
        return [prefix + line for line in wrap(text, self._width - len(prefix))]


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines: after spaces where it can be, which then are left out; else anywhere but before a mark.

    Args:
        text: without control characters.
        width: most cells of a line, 2 or more.
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        if cells(line + word.rstrip(" ")) <= width:
            line += word
            continue
        if line:
            lines.append(line.rstrip(" "))
        *full, line = _pieces(word, width)
        lines += full
    return [*lines, line.rstrip(" ")] if line else lines


def cells(text: str) -> int:
    """How many cells a text takes at most."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.east_asian_width(character) == "A" and not unicodedata.category(character).startswith("M"):
        return 2
    return cell_len(character, _UNICODE)


def _words(text: str) -> Iterator[str]:
    """Words, each with the space behind it."""
    rest = text
    while rest:
        word, space, rest = rest.partition(" ")
        yield word + space


def _pieces(word: str, width: int) -> list[str]:
    """A word in pieces that fit into a line. A mark takes no cell, so it stays with its character."""
    pieces = [""]
    for character in word:
        if character != " " and cells(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
