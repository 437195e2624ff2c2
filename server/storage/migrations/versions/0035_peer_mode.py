"""Alarms of peer mode: how they stand, what gateways answered, and who is still to be told."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0035"
down_revision = "0034"

_STATES = "state IN ('checking', 'undetermined', 'released')"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "gateway_cases",
        Column("alarm_id", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("destination", Text, nullable=False),
        Column("keys", LargeBinary, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("genuine", LargeBinary, nullable=False),
        Column("impostors", LargeBinary, nullable=False),
        Column("decider", Text, nullable=False),
        Column("proof", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        CheckConstraint(_STATES, name="ck_gateway_cases_state"),
        PrimaryKeyConstraint("alarm_id", name="pk_gateway_cases"),
    )
    op.create_index("ix_gateway_cases_state_create_time", "gateway_cases", ["state", "create_time"])
    op.create_index("ix_gateway_cases_destination_state", "gateway_cases", ["destination", "state"])
    op.create_table(
        "gateway_answers",
        Column("alarm_id", Text, nullable=False),
        Column("gateway", Text, nullable=False),
        Column("side", Text, nullable=False),
        Column("control", LargeBinary, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        CheckConstraint("side IN ('sender', 'receiver')", name="ck_gateway_answers_side"),
        PrimaryKeyConstraint("alarm_id", "gateway", "side", name="pk_gateway_answers"),
    )
    op.create_table(
        "gateway_tellings",
        Column("alarm_id", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("alarm_id", "recipient", name="pk_gateway_tellings"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("gateway_tellings", "gateway_answers", "gateway_cases"):
        op.drop_table(table)
