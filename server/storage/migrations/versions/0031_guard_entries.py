"""What the guard has in the log besides control messages, and gateways on the black list."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Make the table, and allow the kind."""
    _allow("'key', 'address', 'gateway'")
    op.create_table(
        "guard_entries",
        Column("log_index", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("time", BigInteger, nullable=False),
        CheckConstraint("kind IN ('key-change', 'gateway', 'account-alarm')", name="ck_guard_entries_kind"),
        PrimaryKeyConstraint("log_index", name="pk_guard_entries"),
    )
    op.create_index("ix_guard_entries_kind_name_log_index", "guard_entries", ["kind", "name", "log_index"])
    op.create_index("ix_guard_entries_kind_time", "guard_entries", ["kind", "time"])


def downgrade() -> None:
    """Take both back: gateways are listened to again."""
    op.drop_table("guard_entries")
    op.execute("DELETE FROM black_list WHERE kind = 'gateway'")
    _allow("'key', 'address'")


def _allow(kinds: str) -> None:
    with op.batch_alter_table("black_list") as black_list:
        black_list.drop_constraint("ck_black_list_kind", type_="check")
        black_list.create_check_constraint("ck_black_list_kind", f"kind IN ({kinds})")
