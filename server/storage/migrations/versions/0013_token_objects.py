"""Objects in the token of custody."""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "token_objects",
        Column("object_id", Text, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("change_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("object_id", name="pk_token_objects"),
    )
    op.create_index("ix_token_objects_key_id", "token_objects", ["key_id"])
    op.create_index("ix_token_objects_state", "token_objects", ["state"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("token_objects")
