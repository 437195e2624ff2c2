"""The transparency log: one Merkle tree of everything that this server vouches for, in its database.

* What enters it, enters it in the transaction of what it records (``stage``). Before the commit the staged entries get
  hashed and one signed checkpoint covers them all: so no index is used twice, and whatever was committed is covered.
* It only grows. An entry, once committed, is proven by O(log n) rows, and every earlier checkpoint can be proven to be
  a state of the same log.

The tree itself, proofs and checkpoints are ``transparency``'s; here is where they are kept.
"""

from server.journal.log.appender import LogAppender
from server.journal.log.checking import Entries, EntryCheck, Finding, Progress, check_log
from server.journal.log.keys import LogKey, open_log_key
from server.journal.log.reader import LogReader
from server.journal.log.staging import StagedEntry, stage
from server.journal.log.store import CheckpointRow, put_time_stamp

__all__ = [
    "CheckpointRow",
    "Entries",
    "EntryCheck",
    "Finding",
    "LogAppender",
    "LogKey",
    "LogReader",
    "Progress",
    "StagedEntry",
    "check_log",
    "open_log_key",
    "put_time_stamp",
    "stage",
]
