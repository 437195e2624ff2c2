"""The ledger: who may not give, and where nothing can be given."""

from __future__ import annotations

from typing import Final

from wire.catalogue.entry import DENIED, FORMATS, INVALID, PRECONDITION, Entry

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("POSTING_MALFORMED", INVALID, "The posting is refused: {problem}.", FORMATS),
    Entry(
        "PAYER_NOT_SIGNER",
        DENIED,
        "The transaction would take from the account {payer}, which does not sign it.",
        "Propose it to the device of the account that pays.",
    ),
    Entry(
        "LEDGER_ACCOUNT_NOT_OPEN",
        PRECONDITION,
        "The account {name} is not open in {currency}.",
        "Have the operator open it: fourseal-server ledger open.",
    ),
)
