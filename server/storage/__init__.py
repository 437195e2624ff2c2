"""The database: one writer that groups commits, readers, migrations, paging.

Nothing above this package knows which database it is. The tables stand with the rules that use them, all in one
``metadata``.
"""

from server.storage.database import Database
from server.storage.lookup import Lookup
from server.storage.paging import Page, PageCursor
from server.storage.staging import BeforeCommit, staged_in
from server.storage.tables import Instant, metadata, row_values
from server.storage.threads import Handover, Threads
from server.storage.turns import NOBODY, current_caller
from server.storage.writer import GroupWork

__all__ = [
    "NOBODY",
    "BeforeCommit",
    "Database",
    "GroupWork",
    "Handover",
    "Instant",
    "Lookup",
    "Page",
    "PageCursor",
    "Threads",
    "current_caller",
    "metadata",
    "row_values",
    "staged_in",
]
