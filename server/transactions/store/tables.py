"""The tables of the back end's keys, of transactions, and of their steps.

A transaction that is not over has a ``due_time``: waiting for a step, when it expires; confirmed, when it may be tried
again to execute it. So what is to be done at some time is found without looking at all that is stored.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from server.identity import CertifiedKeyTable
from server.storage import Instant, metadata

_STATES: Final = "('proposed', 'signed', 'confirmed', 'executed', 'rejected', 'expired', 'failed')"

back_end_keys = CertifiedKeyTable("back_end_keys")

transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("signer", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("terminal", Text, nullable=False),
    Column("transaction_der", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("end", Instant, nullable=False),
    Column("binding", LargeBinary, nullable=False),
    Column("binding_der", LargeBinary, nullable=False),
    Column("wrong_codes", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    Column("due_time", Instant),
    UniqueConstraint("signer", "request_id"),
    CheckConstraint(f"state IN {_STATES}", name="state"),
    Index(None, "create_time", "transaction_id"),
    Index(None, "signer", "create_time", "transaction_id"),
    Index(None, "terminal", "create_time", "transaction_id"),
)
_is_open = transactions.c.due_time.is_not(None)
Index(
    "ix_transactions_due",
    transactions.c.state,
    transactions.c.due_time,
    sqlite_where=_is_open,
)
Index(
    "ix_transactions_open",
    transactions.c.terminal,
    transactions.c.signer,
    sqlite_where=_is_open,
)

transaction_steps = Table(
    "transaction_steps",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    CheckConstraint(f"state IN {_STATES}", name="state"),
)
