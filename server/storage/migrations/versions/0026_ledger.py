"""The ledger: accounts and entries."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, PrimaryKeyConstraint, Text

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_accounts",
        Column("account", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("overdraft", BigInteger, nullable=False),
        Column("balance", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "currency", name="pk_ledger_accounts"),
        CheckConstraint("overdraft >= 0 AND balance >= -overdraft", name="ck_ledger_accounts_covered"),
    )
    by_time = ["create_time", "account", "currency"]
    op.create_index("ix_ledger_accounts_create_time_account_currency", "ledger_accounts", by_time)
    op.create_table(
        "ledger_entries",
        Column("posting", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("account", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("units", BigInteger, nullable=False),
        Column("balance", BigInteger, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("posting", "number", name="pk_ledger_entries"),
    )
    columns = ["account", "currency", "time", "posting", "number"]
    op.create_index("ix_ledger_entries_account_currency_time_posting_number", "ledger_entries", columns)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("ledger_entries")
    op.drop_table("ledger_accounts")
