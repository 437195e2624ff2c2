"""Keys and addresses of whoever signed as somebody else."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, PrimaryKeyConstraint, Text

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "black_list",
        Column("kind", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        CheckConstraint("kind IN ('key', 'address')", name="ck_black_list_kind"),
        PrimaryKeyConstraint("kind", "value", name="pk_black_list"),
    )
    op.create_index("ix_black_list_create_time_value", "black_list", ["create_time", "value"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("black_list")
