"""Contract sessions, their members and what was signed in them."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
