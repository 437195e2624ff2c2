"""Keys know which key they replace, and which one replaced them."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add both columns; no key that is there was replaced."""
    op.add_column("keys", Column("replaces_key_id", Text))
    op.add_column("keys", Column("replaced_by_key_id", Text))
    op.create_index("ix_keys_replaces_key_id", "keys", ["replaces_key_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_keys_replaces_key_id", "keys")
    op.drop_column("keys", "replaced_by_key_id")
    op.drop_column("keys", "replaces_key_id")
