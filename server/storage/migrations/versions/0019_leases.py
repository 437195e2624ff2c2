"""Leases of agents, and agents that are blocked."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0019"
down_revision = "0018"

_STATE = "ck_agents_state"


def upgrade() -> None:
    """Make the tables; no agent that is there has taken a lease, or is blocked."""
    op.create_table(
        "server_secrets",
        Column("name", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        PrimaryKeyConstraint("name", name="pk_server_secrets"),
    )
    op.create_table(
        "leases",
        Column("agent_id", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("agent_id", "number", name="pk_leases"),
    )
    with op.batch_alter_table("agents") as agents:
        agents.add_column(Column("lease", BigInteger, nullable=False, server_default="0"))
        agents.add_column(Column("block_time", BigInteger))
        agents.add_column(Column("block_cause", Text))
        agents.drop_constraint(_STATE, type_="check")
        agents.create_check_constraint(_STATE, "state IN ('active', 'blocked', 'revoked')")


def downgrade() -> None:
    """Take them away. Who is blocked is revoked."""
    op.execute("UPDATE agents SET state = 'revoked', revoke_time = block_time WHERE state = 'blocked'")
    with op.batch_alter_table("agents") as agents:
        agents.drop_constraint(_STATE, type_="check")
        agents.create_check_constraint(_STATE, "state IN ('active', 'revoked')")
        for column in ("block_cause", "block_time", "lease"):
            agents.drop_column(column)
    op.drop_table("leases")
    op.drop_table("server_secrets")
