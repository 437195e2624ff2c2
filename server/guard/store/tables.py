"""The tables of the guard.

An alarm that waits for something has a ``due_time``; an order that was not acknowledged has no ``acknowledge_time``. So
what is to be done is found without looking at all that is stored.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text

from server.identity import CertifiedKeyTable
from server.storage import Instant, metadata
from server.storage.tables import Sequence

_STATES: Final = "('raised', 'blocked', 'checking', 'named', 'undetermined', 'decided', 'released')"
_KINDS: Final = "('block', 'check', 'feedback', 'decision', 'unblock', 'warning')"

guard_keys = CertifiedKeyTable("guard_keys")

gateways = Table(
    "guard_gateways",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("taken_number", BigInteger, nullable=False),
    Column("taken_digest", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("seen_time", Instant, nullable=False),
    Index(None, "seen_time"),
)

announcements = Table(
    "guard_announcements",
    metadata,
    Column("number", Sequence, primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("announcement", LargeBinary, nullable=False),
    Column("brought_by", Text, nullable=False),
    Column("first_time", Instant, nullable=False),
    Column("seen_time", Instant, nullable=False),
    Column("keeper", LargeBinary, nullable=False),
    Index(None, "place"),
)
"""Rows are added at the end, and the one index is of small integers: it stays in memory. There is none of times: each
announcement that comes again would change another page of it.
"""

alarms = Table(
    "guard_alarms",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("keys", LargeBinary, nullable=False),
    Column("first_time", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("genuine", LargeBinary, nullable=False),
    Column("impostors", LargeBinary, nullable=False),
    Column("decider", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    Column("due_time", Instant),
    CheckConstraint(f"state IN {_STATES}", name="state"),
    Index(None, "create_time", "alarm_id"),
    Index(None, "user", "create_time", "alarm_id"),
    Index(None, "destination", "create_time", "alarm_id"),
    Index(None, "state"),
)
Index("ix_guard_alarms_due", alarms.c.due_time, sqlite_where=alarms.c.due_time.is_not(None))

alarm_keys = Table(
    "guard_alarm_keys",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("announcement", LargeBinary, nullable=False),
)

orders = Table(
    "guard_orders",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("alarm_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("sign_time", Instant),
    Column("acknowledge_time", Instant),
    Column("delivers", Boolean, nullable=False),
    CheckConstraint(f"kind IN {_KINDS}", name="kind"),
    Index(None, "alarm_id", "kind"),
)
Index(
    "ix_guard_orders_waiting",
    orders.c.gateway,
    orders.c.number,
    sqlite_where=orders.c.acknowledge_time.is_(None),
)
Index("ix_guard_orders_unsigned", orders.c.number, sqlite_where=orders.c.sign_time.is_(None))

held = Table(
    "guard_held",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("notices", BigInteger, nullable=False),
)
"""How many notices a gateway says it holds by an alarm; no row: none."""

records = Table(
    "guard_records",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("alarm_id", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("time", Instant, nullable=False),
    CheckConstraint(f"kind IN {_KINDS}", name="kind"),
    Index(None, "alarm_id", "log_index"),
)

entries = Table(
    "guard_entries",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("time", Instant, nullable=False),
    CheckConstraint("kind IN ('key-change', 'gateway', 'account-alarm')", name="kind"),
    Index(None, "kind", "name", "log_index"),
    Index(None, "kind", "time"),
)

account_alarms = Table(
    "guard_account_alarms",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("alarm", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state IN ('open', 'proven', 'decided')", name="state"),
    Index(None, "create_time", "alarm_id"),
    Index(None, "account", "state"),
    Index(None, "state"),
)
