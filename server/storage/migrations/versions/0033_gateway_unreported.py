"""Announcements that a gateway could not tell the guard of yet."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text

revision = "0033"
down_revision = "0032"

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "gateway_unreported",
        Column("number", _NUMBER, autoincrement=True, nullable=False),
        Column("announcement", LargeBinary, nullable=False),
        Column("agent", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("number", name="pk_gateway_unreported"),
        sqlite_autoincrement=True,
    )
    for column in ("agent", "time"):
        op.create_index(f"ix_gateway_unreported_{column}", "gateway_unreported", [column])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("gateway_unreported")
