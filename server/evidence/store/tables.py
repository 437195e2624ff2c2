"""The tables of evidence: which records there are, whom they concern, which contents they name, who may see what.

A record itself stands in the log, and nowhere else.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text

from server.storage import Instant, metadata

evidence_uploads = Table(
    "evidence_uploads",
    metadata,
    Column("envelope_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("content_digest", LargeBinary),
    Column("expire_time", Instant, nullable=False),
    Index(None, "account"),
    Index(None, "content_digest"),
    Index(None, "expire_time"),
)

evidence_records = Table(
    "evidence_records",
    metadata,
    Column("statement_digest", LargeBinary, primary_key=True),
    Column("record_digest", LargeBinary, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("answered_digest", LargeBinary),
    Column("content_digest", LargeBinary, nullable=False),
    Column("content_length", BigInteger, nullable=False),
    Column("content_kept", Boolean, nullable=False),
    Column("deposit_time", Instant, nullable=False),
    Index(None, "answered_digest"),
    Index(None, "content_digest"),
    Index(None, "content_kept", "deposit_time"),
)

evidence_parties = Table(
    "evidence_parties",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("statement_digest", LargeBinary, nullable=False),
    Index(None, "statement_digest", "name"),
)

evidence_accounts = Table(
    "evidence_accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("content_bytes", BigInteger, nullable=False),
)

evidence_permissions = Table(
    "evidence_permissions",
    metadata,
    Column("permission_digest", LargeBinary, primary_key=True),
    Column("permission", LargeBinary, nullable=False),
    Column("statement_digest", LargeBinary, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("grantor", Text, nullable=False),
    Column("grantee", Text, nullable=False),
    Column("begin_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("grant_time", Instant, nullable=False),
    Column("revoke_time", Instant),
    Index(None, "statement_digest", "grantee"),
    Index(None, "session_id", "grantee"),
    Index(None, "grantor", "log_index"),
    Index(None, "grantee", "log_index"),
)

permission_requests = Table(
    "permission_requests",
    metadata,
    Column("statement_digest", LargeBinary, primary_key=True),
    Column("asker", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("ask_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Index(None, "asker", "ask_time"),
    Index(None, "end_time"),
)

permission_addressees = Table(
    "permission_addressees",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ask_time", Instant, primary_key=True),
    Column("statement_digest", LargeBinary, primary_key=True),
    Column("asker", Text, primary_key=True),
    Index(None, "statement_digest", "asker"),
)
