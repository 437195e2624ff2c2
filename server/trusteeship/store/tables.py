"""The tables of grants, orders about them, and uses.

A use that is under way, or was recorded a while ago, has an ``end_time``, and its sealed result once there is a record.
It has no number until there is one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from server.storage import Instant, metadata

trust_grants = Table(
    "trust_grants",
    metadata,
    Column("grant_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    UniqueConstraint("digest"),
    CheckConstraint("state IN ('requested', 'active', 'suspended', 'refused', 'revoked')", name="state"),
    Index(None, "organisation", "create_time", "grant_id"),
    Index(None, "user", "create_time", "grant_id"),
)

trust_orders = Table(
    "trust_orders",
    metadata,
    Column("grant_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("administrator", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    CheckConstraint("action IN ('approve', 'refuse', 'suspend', 'revoke')", name="action"),
)

trust_uses = Table(
    "trust_uses",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("grant_id", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("refusal", Text, nullable=False),
    Column("request", LargeBinary),
    Column("number", BigInteger),
    Column("user_number", BigInteger),
    Column("record", LargeBinary),
    Column("record_time", Instant),
    Column("log_index", BigInteger),
    Column("end_time", Instant),
    Column("result", LargeBinary),
    UniqueConstraint("key_id", "number"),
    UniqueConstraint("key_id", "user", "user_number"),
    Index(None, "organisation", "record_time", "key_id", "number"),
    Index(None, "user", "record_time", "key_id", "number"),
    Index(None, "key_id", "record_time", "number"),
    Index(None, "key_id", "user", "record_time", "number"),
)
_is_open = trust_uses.c.end_time.is_not(None)
Index("ix_trust_uses_open", trust_uses.c.end_time, sqlite_where=_is_open)
