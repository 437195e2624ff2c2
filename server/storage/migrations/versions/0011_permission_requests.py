"""Requests for permissions, and before whom they lie."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "permission_requests",
        Column("statement_digest", LargeBinary, nullable=False),
        Column("asker", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("ask_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("statement_digest", "asker", name="pk_permission_requests"),
    )
    op.create_index("ix_permission_requests_asker_ask_time", "permission_requests", ["asker", "ask_time"])
    op.create_index("ix_permission_requests_end_time", "permission_requests", ["end_time"])
    op.create_table(
        "permission_addressees",
        Column("name", Text, nullable=False),
        Column("ask_time", BigInteger, nullable=False),
        Column("statement_digest", LargeBinary, nullable=False),
        Column("asker", Text, nullable=False),
        PrimaryKeyConstraint("name", "ask_time", "statement_digest", "asker", name="pk_permission_addressees"),
    )
    op.create_index(
        "ix_permission_addressees_statement_digest_asker", "permission_addressees", ["statement_digest", "asker"]
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("permission_addressees")
    op.drop_table("permission_requests")
