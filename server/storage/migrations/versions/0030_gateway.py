"""What a gateway keeps: histories, alarms, notices that it holds or put aside, and whom it refuses."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0030"
down_revision = "0029"

_TABLES = (
    *("gateway_served", "gateway_said", "gateway_taken", "gateway_refused"),
    *("gateway_notices", "gateway_alarms", "gateway_facts"),
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "gateway_facts",
        Column("side", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("destination", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("agent", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("address", Text, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("last_time", BigInteger, nullable=False),
        Column("count", BigInteger, nullable=False),
        CheckConstraint("side IN ('sender', 'receiver')", name="ck_gateway_facts_side"),
        PrimaryKeyConstraint(
            *("side", "user", "destination", "key", "agent", "certificate", "address"), name="pk_gateway_facts"
        ),
    )
    op.create_table(
        "gateway_alarms",
        Column("alarm_id", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("destination", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("delivers", Boolean, nullable=False),
        Column("block", LargeBinary, nullable=False),
        Column("decision", LargeBinary, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        CheckConstraint("state IN ('told', 'blocked', 'released')", name="ck_gateway_alarms_state"),
        PrimaryKeyConstraint("alarm_id", name="pk_gateway_alarms"),
    )
    op.create_index("ix_gateway_alarms_state_update_time", "gateway_alarms", ["state", "update_time"])
    _make_notices()
    op.create_table(
        "gateway_refused",
        Column("key", LargeBinary, nullable=False),
        Column("agent", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("alarm_id", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("key", "agent", "certificate", name="pk_gateway_refused"),
    )
    op.create_table(
        "gateway_taken",
        Column("role", Text, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("role", "issuer", name="pk_gateway_taken"),
    )
    op.create_table(
        "gateway_said",
        Column("recipient", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        PrimaryKeyConstraint("recipient", name="pk_gateway_said"),
    )
    op.create_table(
        "gateway_served",
        Column("account", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", name="pk_gateway_served"),
    )
    op.create_index("ix_gateway_served_time", "gateway_served", ["time"])


def _make_notices() -> None:
    op.create_table(
        "gateway_notices",
        Column("session_id", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("envelope_id", Text, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("author", Text, nullable=False),
        Column("agent", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("notice", LargeBinary, nullable=False),
        Column("state", Text, nullable=False),
        Column("release_number", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        CheckConstraint("state IN ('held', 'released', 'quarantined')", name="ck_gateway_notices_state"),
        PrimaryKeyConstraint("session_id", "recipient", "envelope_id", name="pk_gateway_notices"),
    )
    for columns in (
        ["session_id", "recipient", "state", "release_number"],
        ["recipient", "author", "state"],
        ["state", "update_time"],
    ):
        op.create_index(f"ix_gateway_notices_{'_'.join(columns)}", "gateway_notices", columns)


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_table(table)
