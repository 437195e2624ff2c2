"""Objects in the token that were made ahead, and wait for a key."""

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, Text

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the columns; no object that is there waits."""
    with op.batch_alter_table("token_objects") as table:
        table.add_column(Column("purpose", Text))
        table.add_column(Column("half_bits", Integer))
        table.add_column(Column("sealed_modulus", LargeBinary))


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("token_objects") as table:
        for name in ("purpose", "half_bits", "sealed_modulus"):
            table.drop_column(name)
