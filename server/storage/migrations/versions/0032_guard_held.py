"""How many notices gateways hold by an alarm, as they tell the guard."""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Text

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guard_held",
        Column("alarm_id", Text, nullable=False),
        Column("gateway", Text, nullable=False),
        Column("notices", BigInteger, nullable=False),
        PrimaryKeyConstraint("alarm_id", "gateway", name="pk_guard_held"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("guard_held")
