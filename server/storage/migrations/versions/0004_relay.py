"""The media server: envelopes, uploads and mailboxes."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
