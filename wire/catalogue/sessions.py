"""Contract sessions: membership, times, statements, decryption."""

from __future__ import annotations

from typing import Final

from wire.catalogue.entry import Entry

ENTRIES: Final[tuple[Entry, ...]] = ()
