"""Sessions have the rule that all their messages are evidence, or do not."""

from alembic import op
from sqlalchemy import Boolean, Column, false

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; no session that is there has the rule."""
    with op.batch_alter_table("contract_sessions") as table:
        table.add_column(Column("all_is_evidence", Boolean, nullable=False, server_default=false()))
    with op.batch_alter_table("contract_sessions") as table:
        table.alter_column("all_is_evidence", server_default=None)


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("contract_sessions") as table:
        table.drop_column("all_is_evidence")
