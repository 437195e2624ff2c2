"""At which agents an account has logged in."""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Text

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the table, and fill it from the events that are kept."""
    op.create_table(
        "devices",
        Column("account", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("login_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "agent_id", name="pk_devices"),
    )
    op.execute(
        "INSERT INTO devices (account, agent_id, first_time, login_time) "
        "SELECT account, agent_id, MIN(time), MAX(time) FROM account_events "
        "WHERE event = 'logged_in' AND agent_id IS NOT NULL GROUP BY account, agent_id"
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("devices")
