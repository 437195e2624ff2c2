"""Confirmed transactions: the back end's keys, transactions, and every step of them."""

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
    text,
)

revision = "0025"
down_revision = "0024"

_TABLES = ("transaction_steps", "transactions", "back_end_keys")
_STATES = "('proposed', 'signed', 'confirmed', 'executed', 'rejected', 'expired', 'failed')"
_OPEN = text("due_time IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "back_end_keys",
        Column("fingerprint", LargeBinary, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("fingerprint", name="pk_back_end_keys"),
        UniqueConstraint("key_id", name="uq_back_end_keys_key_id"),
    )
    op.create_table(
        "transactions",
        Column("transaction_id", Text, nullable=False),
        Column("signer", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("terminal", Text, nullable=False),
        Column("transaction_der", LargeBinary, nullable=False),
        Column("state", Text, nullable=False),
        Column("end", BigInteger, nullable=False),
        Column("binding", LargeBinary, nullable=False),
        Column("binding_der", LargeBinary, nullable=False),
        Column("wrong_codes", Integer, nullable=False),
        Column("cause", Text, nullable=False),
        Column("execution", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        Column("due_time", BigInteger),
        PrimaryKeyConstraint("transaction_id", name="pk_transactions"),
        UniqueConstraint("signer", "request_id", name="uq_transactions_signer_request_id"),
        CheckConstraint(f"state IN {_STATES}", name="ck_transactions_state"),
    )
    for columns in (
        ("create_time", "transaction_id"),
        ("signer", "create_time", "transaction_id"),
        ("terminal", "create_time", "transaction_id"),
    ):
        op.create_index(f"ix_transactions_{'_'.join(columns)}", "transactions", columns)
    for name, columns in (("due", ("state", "due_time")), ("open", ("terminal", "signer"))):
        op.create_index(f"ix_transactions_{name}", "transactions", columns, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "transaction_steps",
        Column("transaction_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("log_index", BigInteger, nullable=False),
        PrimaryKeyConstraint("transaction_id", "number", name="pk_transaction_steps"),
        CheckConstraint(f"state IN {_STATES}", name="ck_transaction_steps_state"),
    )


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)
