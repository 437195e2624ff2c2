"""Evidence: what is kept of messages, and permissions to see it."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0008"
down_revision = "0007"

_TABLES = ("evidence_uploads", "evidence_records", "evidence_parties", "evidence_accounts", "evidence_permissions")
_INDEXES = (
    ("evidence_uploads", "account"),
    ("evidence_uploads", "content_digest"),
    ("evidence_uploads", "expire_time"),
    ("evidence_records", "answered_digest"),
    ("evidence_records", "content_digest"),
    ("evidence_records", "content_kept", "deposit_time"),
    ("evidence_parties", "statement_digest", "name"),
    ("evidence_permissions", "statement_digest", "grantee"),
    ("evidence_permissions", "session_id", "grantee"),
    ("evidence_permissions", "grantor", "log_index"),
    ("evidence_permissions", "grantee", "log_index"),
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "evidence_uploads",
        Column("envelope_id", Text, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("content_length", BigInteger, nullable=False),
        Column("content_digest", LargeBinary),
        Column("expire_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("envelope_id", name="pk_evidence_uploads"),
    )
    op.create_table(
        "evidence_records",
        Column("statement_digest", LargeBinary, nullable=False),
        Column("record_digest", LargeBinary, nullable=False),
        Column("log_index", BigInteger, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("answered_digest", LargeBinary),
        Column("content_digest", LargeBinary, nullable=False),
        Column("content_length", BigInteger, nullable=False),
        Column("content_kept", Boolean, nullable=False),
        Column("deposit_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("statement_digest", name="pk_evidence_records"),
    )
    op.create_table(
        "evidence_parties",
        Column("session_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("log_index", BigInteger, autoincrement=False, nullable=False),
        Column("statement_digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("session_id", "name", "log_index", name="pk_evidence_parties"),
    )
    op.create_table(
        "evidence_accounts",
        Column("name", Text, nullable=False),
        Column("content_bytes", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", name="pk_evidence_accounts"),
    )
    op.create_table(
        "evidence_permissions",
        Column("permission_digest", LargeBinary, nullable=False),
        Column("permission", LargeBinary, nullable=False),
        Column("statement_digest", LargeBinary, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("grantor", Text, nullable=False),
        Column("grantee", Text, nullable=False),
        Column("begin_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=False),
        Column("log_index", BigInteger, nullable=False),
        Column("grant_time", BigInteger, nullable=False),
        Column("revoke_time", BigInteger),
        PrimaryKeyConstraint("permission_digest", name="pk_evidence_permissions"),
    )
    for table, *columns in _INDEXES:
        op.create_index("_".join(("ix", table, *columns)), table, columns)


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
