"""Limits of drafting, and what they are for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contract.drafting.made import MAX_DOCUMENT_BYTES

MAX_FILE_BYTES: Final = MAX_DOCUMENT_BYTES
"""Of a draft or document: a message has room for it (``wire.limits``)."""
CONTRACTS_PER_DAY: Final = 100
"""That an account makes. None is ever deleted, so they count themselves."""


@dataclass(frozen=True, slots=True)
class DraftingTerms:
    """What the configuration says.

    Args:
        versions: most of a contract.
        draft_bytes: of all versions of a contract together.
        signers: most parties of a contract, 2 to 10.
        clock_difference: by which a statement's time may be off.
    """

    versions: int
    draft_bytes: int
    signers: int
    clock_difference: timedelta
