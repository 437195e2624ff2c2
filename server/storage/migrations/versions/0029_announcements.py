"""Who posted an envelope, and the announcements that came with it."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Make the table and the columns."""
    with op.batch_alter_table("relay_envelopes") as table:
        table.add_column(Column("agent", Text))
        table.add_column(Column("agent_certificate", LargeBinary))
        table.add_column(Column("post_time", BigInteger))
        table.add_column(Column("announcement_bytes", BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table("relay_envelopes") as table:
        table.alter_column("announcement_bytes", server_default=None)
    op.create_table(
        "relay_announcements",
        Column("envelope_id", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("announcement", LargeBinary, nullable=False),
        PrimaryKeyConstraint("envelope_id", "recipient", name="pk_relay_announcements"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("relay_announcements")
    with op.batch_alter_table("relay_envelopes") as table:
        for name in ("announcement_bytes", "post_time", "agent_certificate", "agent"):
            table.drop_column(name)
