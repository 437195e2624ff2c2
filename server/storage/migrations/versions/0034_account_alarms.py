"""Alarms about accounts; and who has logged in at an agent, found without looking at all devices."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "guard_account_alarms",
        Column("alarm_id", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("alarm", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        CheckConstraint("state IN ('open', 'proven', 'decided')", name="ck_guard_account_alarms_state"),
        PrimaryKeyConstraint("alarm_id", name="pk_guard_account_alarms"),
    )
    for columns in (["create_time", "alarm_id"], ["account", "state"], ["state"]):
        op.create_index(f"ix_guard_account_alarms_{'_'.join(columns)}", "guard_account_alarms", columns)
    op.create_index("ix_devices_agent_id_login_time", "devices", ["agent_id", "login_time"])


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_devices_agent_id_login_time", "devices")
    op.drop_table("guard_account_alarms")
