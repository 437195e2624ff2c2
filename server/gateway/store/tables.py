"""The tables of a gateway."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text

from server.storage import Instant, metadata
from server.storage.tables import Sequence

facts = Table(
    "gateway_facts",
    metadata,
    Column("side", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("destination", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("certificate", LargeBinary, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("first_time", Instant, nullable=False),
    Column("last_time", Instant, nullable=False),
    Column("count", BigInteger, nullable=False),
    CheckConstraint("side IN ('sender', 'receiver')", name="side"),
)

alarms = Table(
    "gateway_alarms",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("delivers", Boolean, nullable=False),
    Column("block", LargeBinary, nullable=False),
    Column("decision", LargeBinary, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state IN ('told', 'blocked', 'released')", name="state"),
    Index(None, "state", "update_time"),
)

notices = Table(
    "gateway_notices",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("envelope_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("notice", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("release_number", BigInteger, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state IN ('held', 'released', 'quarantined')", name="state"),
    Index(None, "session_id", "recipient", "state", "release_number"),
    Index(None, "recipient", "author", "state"),
    Index(None, "state", "update_time"),
)

refused = Table(
    "gateway_refused",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("certificate", LargeBinary, primary_key=True),
    Column("alarm_id", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
)
"""A key, or an agent's channel; what a row does not say is empty in it."""

taken = Table(
    "gateway_taken",
    metadata,
    Column("role", Text, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
"""The last control message of each issuer."""

said = Table(
    "gateway_said",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""The number of the last control message to each recipient."""

served = Table(
    "gateway_served",
    metadata,
    Column("account", Text, primary_key=True),
    Column("time", Instant, nullable=False),
    Index(None, "time"),
)
"""Accounts whose agents watch their mailboxes here."""

unreported = Table(
    "gateway_unreported",
    metadata,
    Column("number", Sequence, primary_key=True, autoincrement=True),
    Column("announcement", LargeBinary, nullable=False),
    Column("agent", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Index(None, "agent"),
    Index(None, "time"),
    sqlite_autoincrement=True,
)
"""Announcements that the guard was not told of yet."""

cases = Table(
    "gateway_cases",
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
    Column("proof", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint("state IN ('checking', 'undetermined', 'released')", name="state"),
    Index(None, "state", "create_time"),
    Index(None, "destination", "state"),
)
"""Alarms of peer mode that were asked for here."""

answers = Table(
    "gateway_answers",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("control", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    CheckConstraint("side IN ('sender', 'receiver')", name="side"),
)
"""What gateways have answered about them, signed."""

tellings = Table(
    "gateway_tellings",
    metadata,
    Column("alarm_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("create_time", Instant, nullable=False),
)
"""Who is still to be told of a decision: the address of a gateway; empty: the guard."""
