"""No index of when announcements came: each that comes again had to change it."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Drop it."""
    op.drop_index("ix_guard_announcements_seen_time", "guard_announcements")


def downgrade() -> None:
    """Make it."""
    op.create_index("ix_guard_announcements_seen_time", "guard_announcements", ["seen_time"])
