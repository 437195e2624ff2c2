"""The tables of contract sessions.

What a signature has to look up is found by primary key or index, however many sessions and statements there are.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from server.sessions.states import MemberState, SessionState
from server.storage import Instant, metadata

_STATES = ", ".join(f"'{state.value}'" for state in SessionState)
_MEMBER_STATES = ", ".join(f"'{state.value}'" for state in MemberState)


def _session_id() -> Column[str]:
    return Column("session_id", Text, ForeignKey("contract_sessions.session_id"), primary_key=True)


contract_sessions = Table(
    "contract_sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("half_bits", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("begin_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("creator", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sign_modulus", LargeBinary, nullable=False),
    Column("encrypt_modulus", LargeBinary, nullable=False),
    Column("sign_roots", LargeBinary, nullable=False),
    Column("encrypt_roots", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("close_time", Instant),
    Column("all_is_evidence", Boolean, nullable=False),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint("scheme IN ('joint', 'separate')", name="scheme"),
    Index(None, "state", "end_time"),
    Index(None, "create_time", "session_id"),
)

session_members = Table(
    "session_members",
    metadata,
    _session_id(),
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sign_fingerprint", LargeBinary),
    Column("encrypt_fingerprint", LargeBinary),
    Column("last_sequence", BigInteger, nullable=False),
    Column("session_time", Instant, nullable=False),
    CheckConstraint(f"state IN ({_MEMBER_STATES})", name="state"),
    Index(None, "name", "session_time", "session_id"),
)

session_joinings = Table(
    "session_joinings",
    metadata,
    _session_id(),
    Column("sign_fingerprint", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("encrypt_fingerprint", LargeBinary, nullable=False),
    Column("sign_certificate", LargeBinary, nullable=False),
    Column("encrypt_certificate", LargeBinary, nullable=False),
    Column("join_time", Instant, nullable=False),
    Index(None, "session_id", "name"),
)

session_revisions = Table(
    "session_revisions",
    metadata,
    _session_id(),
    Column("revision", BigInteger, primary_key=True),
    Column("sign_fingerprint", LargeBinary, nullable=False),
    Column("encrypt_fingerprint", LargeBinary, nullable=False),
    Column("sign_certificate", LargeBinary, nullable=False),
    Column("encrypt_certificate", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Index(None, "session_id", "sign_fingerprint"),
    Index(None, "session_id", "encrypt_fingerprint"),
)

session_numbers = Table(
    "session_numbers",
    metadata,
    _session_id(),
    Column("author", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Index(None, "session_id", "recipient"),
)

session_statements = Table(
    "session_statements",
    metadata,
    _session_id(),
    Column("digest", LargeBinary, primary_key=True),
)

session_answers = Table(
    "session_answers",
    metadata,
    _session_id(),
    Column("digest", LargeBinary, primary_key=True),
    Column("author", Text, primary_key=True),
)
