"""Checkpoints with a time stamp are found without a look at those without."""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"

_STAMPED = text("time_stamp IS NOT NULL")


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_log_checkpoints_stamped",
        "log_checkpoints",
        ["size"],
        sqlite_where=_STAMPED,
        postgresql_where=_STAMPED,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_log_checkpoints_stamped", "log_checkpoints")
