"""Administrators of organisations, grants of their keys, and uses of these."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    column,
)

revision = "0022"
down_revision = "0021"

_TABLES = ("trust_uses", "trust_orders", "trust_grants", "organisation_administrators")


def upgrade() -> None:
    """Make the tables; of each organisation one administrator must approve."""
    with op.batch_alter_table("organisations") as table:
        table.add_column(Column("approvals", Integer, nullable=False, server_default="1"))
    with op.batch_alter_table("organisations") as table:
        table.alter_column("approvals", server_default=None)
    op.create_table(
        "organisation_administrators",
        Column("organisation", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("add_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("organisation", "account", name="pk_organisation_administrators"),
    )
    _make_grants()
    _make_uses()


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)
    with op.batch_alter_table("organisations") as table:
        table.drop_column("approvals")


def _make_grants() -> None:
    op.create_table(
        "trust_grants",
        Column("grant_id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("request", LargeBinary, nullable=False),
        Column("state", Text, nullable=False),
        Column("round", Integer, nullable=False),
        Column("used", BigInteger, nullable=False),
        Column("refused", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("log_index", BigInteger, nullable=False),
        PrimaryKeyConstraint("grant_id", name="pk_trust_grants"),
        UniqueConstraint("digest", name="uq_trust_grants_digest"),
        CheckConstraint(
            "state IN ('requested', 'active', 'suspended', 'refused', 'revoked')", name="ck_trust_grants_state"
        ),
    )
    for owner in ("organisation", "user"):
        op.create_index(
            f"ix_trust_grants_{owner}_create_time_grant_id", "trust_grants", [owner, "create_time", "grant_id"]
        )
    op.create_table(
        "trust_orders",
        Column("grant_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("round", Integer, nullable=False),
        Column("action", Text, nullable=False),
        Column("administrator", Text, nullable=False),
        Column("statement", LargeBinary, nullable=False),
        Column("log_index", BigInteger, nullable=False),
        PrimaryKeyConstraint("grant_id", "number", name="pk_trust_orders"),
        CheckConstraint("action IN ('approve', 'refuse', 'suspend', 'revoke')", name="ck_trust_orders_action"),
    )


def _make_uses() -> None:
    op.create_table(
        "trust_uses",
        Column("agent_id", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("grant_id", Text, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("refusal", Text, nullable=False),
        Column("request", LargeBinary),
        Column("number", BigInteger),
        Column("user_number", BigInteger),
        Column("record", LargeBinary),
        Column("record_time", BigInteger),
        Column("log_index", BigInteger),
        Column("end_time", BigInteger),
        Column("result", LargeBinary),
        PrimaryKeyConstraint("agent_id", "request_id", name="pk_trust_uses"),
        UniqueConstraint("key_id", "number", name="uq_trust_uses_key_id_number"),
        UniqueConstraint("key_id", "user", "user_number", name="uq_trust_uses_key_id_user_user_number"),
    )
    for columns in (
        ["organisation", "record_time", "key_id", "number"],
        ["user", "record_time", "key_id", "number"],
        ["key_id", "record_time", "number"],
        ["key_id", "user", "record_time", "number"],
    ):
        op.create_index(f"ix_trust_uses_{'_'.join(columns)}", "trust_uses", columns)
    is_open = column("end_time").is_not(None)
    op.create_index("ix_trust_uses_open", "trust_uses", ["end_time"], sqlite_where=is_open, postgresql_where=is_open)
