"""The media server: until when what each author has is kept."""

import time

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0005"
down_revision = "0004"

_LONGEST_SECONDS = 366 * 86400


def upgrade() -> None:
    """Add the column; of sessions that run already the end is unknown: the longest that there is by default."""
    expire_time = (int(time.time()) + _LONGEST_SECONDS) * 1_000_000
    with op.batch_alter_table("relay_authors") as table:
        table.add_column(Column("expire_time", BigInteger, nullable=False, server_default=text(str(expire_time))))
    with op.batch_alter_table("relay_authors") as table:
        table.alter_column("expire_time", server_default=None)
        table.create_index("ix_relay_authors_expire_time", ["expire_time"])


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("relay_authors") as table:
        table.drop_index("ix_relay_authors_expire_time")
        table.drop_column("expire_time")
