"""The first schema: custody, journal, identity, joint keys.

Times are microseconds since 1970, UTC.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

_TABLES = (
    "credentials",
    "tickets",
    "agents",
    "sealed_shares",
    "custody_probes",
    "operations",
    "keys",
    "key_usage",
)


def upgrade() -> None:
    """Make the tables."""
    _make_identity()
    _make_custody()
    _make_journal()
    _make_keys()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _make_identity() -> None:
    op.create_table(
        "credentials",
        Column("name", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("sealed_key", LargeBinary, nullable=False),
        Column("expire_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", name="pk_credentials"),
    )
    op.create_table(
        "tickets",
        Column("token_sha256", LargeBinary, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("expire_time", BigInteger, nullable=False),
        Column("use_time", BigInteger),
        Column("request_sha256", LargeBinary),
        Column("certificate", LargeBinary),
        PrimaryKeyConstraint("token_sha256", name="pk_tickets"),
    )
    op.create_index("ix_tickets_agent_id", "tickets", ["agent_id"])
    op.create_table(
        "agents",
        Column("agent_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("certificate_sha256", LargeBinary, nullable=False),
        Column("enrol_time", BigInteger, nullable=False),
        Column("expire_time", BigInteger, nullable=False),
        Column("revoke_time", BigInteger),
        PrimaryKeyConstraint("agent_id", name="pk_agents"),
        CheckConstraint("state IN ('active', 'revoked')", name="ck_agents_state"),
    )


def _make_custody() -> None:
    op.create_table(
        "sealed_shares",
        Column("key_id", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("key_id", name="pk_sealed_shares"),
    )
    op.create_table(
        "custody_probes",
        Column("master_key_id", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("master_key_id", name="pk_custody_probes"),
    )


def _make_journal() -> None:
    op.create_table(
        "operations",
        Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), autoincrement=True, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("certificate_sha256", LargeBinary, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("body_sha256", LargeBinary, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("algorithm", Text),
        Column("digest", LargeBinary),
        Column("salt", LargeBinary),
        Column("client_partial", LargeBinary),
        Column("intent_time", BigInteger, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("reason", Text),
        Column("refusal", Text),
        Column("result_sha256", LargeBinary),
        Column("result_time", BigInteger),
        Column("answer", LargeBinary),
        PrimaryKeyConstraint("sequence", name="pk_operations"),
        UniqueConstraint("agent_id", "request_id", name="uq_operations_agent_id_request_id"),
        CheckConstraint("outcome IN ('pending', 'done', 'refused')", name="ck_operations_outcome"),
    )
    op.create_index("ix_operations_key_id_sequence", "operations", ["key_id", "sequence"])


def _make_keys() -> None:
    op.create_table(
        "keys",
        Column("key_id", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("half_bits", Integer, nullable=False),
        Column("client_commitment", LargeBinary, nullable=False),
        Column("client_modulus", LargeBinary),
        Column("server_modulus", LargeBinary, nullable=False),
        Column("joint_public_key", LargeBinary),
        Column("algorithms", Text, nullable=False),
        Column("daily_limit", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("change_time", BigInteger, nullable=False),
        Column("destroy_time", BigInteger),
        Column("abort_cause", Text),
        PrimaryKeyConstraint("key_id", name="pk_keys"),
        ForeignKeyConstraint(["agent_id"], ["agents.agent_id"], name="fk_keys_agent_id_agents"),
        CheckConstraint("purpose IN ('sign', 'decrypt')", name="ck_keys_purpose"),
        CheckConstraint(
            "state IN ('awaiting_opening', 'enabled', 'disabled', 'destruction_scheduled', 'destroyed', 'aborted')",
            name="ck_keys_state",
        ),
    )
    op.create_index("ix_keys_agent_id_create_time_key_id", "keys", ["agent_id", "create_time", "key_id"])
    op.create_index("ix_keys_state_create_time", "keys", ["state", "create_time"])
    op.create_table(
        "key_usage",
        Column("key_id", Text, nullable=False),
        Column("day", Integer, nullable=False),
        Column("operations", BigInteger, nullable=False),
        PrimaryKeyConstraint("key_id", "day", name="pk_key_usage"),
        ForeignKeyConstraint(["key_id"], ["keys.key_id"], name="fk_key_usage_key_id_keys"),
    )
