"""The media server: envelopes, mailboxes, and what each author has waiting."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

revision = "0004"
down_revision = "0003"

_TABLES = ("relay_envelopes", "relay_mail", "relay_authors")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "relay_envelopes",
        Column("envelope_id", Text, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("header_sha256", LargeBinary, nullable=False),
        Column("header", LargeBinary),
        Column("check_key", LargeBinary, nullable=False),
        Column("content_bytes", BigInteger, nullable=False),
        Column("segments", BigInteger, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("trailer", LargeBinary),
        Column("finish_time", BigInteger),
        Column("expire_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("envelope_id", name="pk_relay_envelopes"),
        CheckConstraint("state IN ('uploading', 'finished', 'delivered')", name="ck_relay_envelopes_state"),
    )
    op.create_index("ix_relay_envelopes_session_id_author_state", "relay_envelopes", ["session_id", "author", "state"])
    op.create_index("ix_relay_envelopes_expire_time", "relay_envelopes", ["expire_time"])
    op.create_table(
        "relay_mail",
        Column("position", BigInteger().with_variant(Integer(), "sqlite"), autoincrement=True, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("envelope_id", Text, nullable=False),
        PrimaryKeyConstraint("position", name="pk_relay_mail"),
        UniqueConstraint("envelope_id", "recipient", name="uq_relay_mail_envelope_id_recipient"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_relay_mail_session_id_recipient_position", "relay_mail", ["session_id", "recipient", "position"]
    )
    op.create_table(
        "relay_authors",
        Column("session_id", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("last_sequence", BigInteger, nullable=False),
        Column("waiting_envelopes", BigInteger, nullable=False),
        Column("waiting_bytes", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "author", name="pk_relay_authors"),
    )


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
