"""The guard against forged signers: its keys, gateways, announcements, alarms, orders, and what the log has of them."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

revision = "0028"
down_revision = "0027"

_STATES = "('raised', 'blocked', 'checking', 'named', 'undetermined', 'decided', 'released')"
_KINDS = "('block', 'check', 'feedback', 'decision', 'unblock', 'warning')"
_TABLES = (
    *("guard_records", "guard_orders", "guard_alarm_keys", "guard_alarms"),
    *("guard_announcements", "guard_gateways", "guard_keys"),
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "guard_keys",
        Column("fingerprint", LargeBinary, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("fingerprint", name="pk_guard_keys"),
        UniqueConstraint("key_id", name="uq_guard_keys_key_id"),
    )
    op.create_table(
        "guard_gateways",
        Column("name", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("taken_number", BigInteger, nullable=False),
        Column("taken_digest", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("seen_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", name="pk_guard_gateways"),
    )
    op.create_index("ix_guard_gateways_seen_time", "guard_gateways", ["seen_time"])
    op.create_table(
        "guard_announcements",
        Column("number", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
        Column("place", BigInteger, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("announcement", LargeBinary, nullable=False),
        Column("brought_by", Text, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("seen_time", BigInteger, nullable=False),
        Column("keeper", LargeBinary, nullable=False),
        PrimaryKeyConstraint("number", name="pk_guard_announcements"),
    )
    op.create_index("ix_guard_announcements_place", "guard_announcements", ["place"])
    op.create_index("ix_guard_announcements_seen_time", "guard_announcements", ["seen_time"])
    _make_alarms()
    _make_orders()


def _make_alarms() -> None:
    op.create_table(
        "guard_alarms",
        Column("alarm_id", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("user", Text, nullable=False),
        Column("destination", Text, nullable=False),
        Column("keys", LargeBinary, nullable=False),
        Column("first_time", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("genuine", LargeBinary, nullable=False),
        Column("impostors", LargeBinary, nullable=False),
        Column("decider", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        Column("due_time", BigInteger),
        CheckConstraint(f"state IN {_STATES}", name="ck_guard_alarms_state"),
        PrimaryKeyConstraint("alarm_id", name="pk_guard_alarms"),
    )
    op.create_index("ix_guard_alarms_create_time_alarm_id", "guard_alarms", ["create_time", "alarm_id"])
    for account in ("user", "destination"):
        name = f"ix_guard_alarms_{account}_create_time_alarm_id"
        op.create_index(name, "guard_alarms", [account, "create_time", "alarm_id"])
    op.create_index("ix_guard_alarms_state", "guard_alarms", ["state"])
    op.create_index("ix_guard_alarms_due", "guard_alarms", ["due_time"], sqlite_where=text("due_time IS NOT NULL"))
    op.create_table(
        "guard_alarm_keys",
        Column("alarm_id", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("announcement", LargeBinary, nullable=False),
        PrimaryKeyConstraint("alarm_id", "key", name="pk_guard_alarm_keys"),
    )
    op.create_table(
        "guard_records",
        Column("log_index", BigInteger, autoincrement=False, nullable=False),
        Column("alarm_id", Text, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("message", LargeBinary, nullable=False),
        Column("time", BigInteger, nullable=False),
        CheckConstraint(f"kind IN {_KINDS}", name="ck_guard_records_kind"),
        PrimaryKeyConstraint("log_index", name="pk_guard_records"),
    )
    op.create_index("ix_guard_records_alarm_id_log_index", "guard_records", ["alarm_id", "log_index"])


def _make_orders() -> None:
    op.create_table(
        "guard_orders",
        Column("gateway", Text, nullable=False),
        Column("number", BigInteger, autoincrement=False, nullable=False),
        Column("alarm_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("message", LargeBinary, nullable=False),
        Column("sign_time", BigInteger),
        Column("acknowledge_time", BigInteger),
        Column("delivers", Boolean, nullable=False),
        CheckConstraint(f"kind IN {_KINDS}", name="ck_guard_orders_kind"),
        PrimaryKeyConstraint("gateway", "number", name="pk_guard_orders"),
    )
    op.create_index("ix_guard_orders_alarm_id_kind", "guard_orders", ["alarm_id", "kind"])
    op.create_index(
        "ix_guard_orders_waiting",
        "guard_orders",
        ["gateway", "number"],
        sqlite_where=text("acknowledge_time IS NULL"),
    )
    op.create_index("ix_guard_orders_unsigned", "guard_orders", ["number"], sqlite_where=text("sign_time IS NULL"))


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_table(table)
