"""Contracts as documents: their parties, versions, files, and the archive."""

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

revision = "0024"
down_revision = "0023"

_TABLES = (
    "contract_revisions",
    "contract_archive",
    "contract_files",
    "contract_turns",
    "contract_versions",
    "contract_parties",
    "contracts",
)
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_contracts()
    _make_history()
    _make_results()


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)


def _make_contracts() -> None:
    op.create_table(
        "contracts",
        Column("contract_id", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("creator", Text, nullable=False),
        Column("pen_holder", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("last_version", Integer, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("contract_id", name="pk_contracts"),
        CheckConstraint(
            "state IN ('drafting', 'locked', 'signed', 'consented', 'finished', 'complete', 'ended')",
            name="ck_contracts_state",
        ),
    )
    op.create_index("ix_contracts_creator_create_time", "contracts", ["creator", "create_time"])
    op.create_index("ix_contracts_create_time_contract_id", "contracts", ["create_time", "contract_id"])
    op.create_table(
        "contract_parties",
        Column("contract_id", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("confirmed_version", Integer, nullable=False),
        Column("certificate", LargeBinary),
        Column("statement", LargeBinary),
        Column("mark", LargeBinary),
        Column("consent", LargeBinary),
        PrimaryKeyConstraint("contract_id", "account", name="pk_contract_parties"),
    )
    op.create_index(
        "ix_contract_parties_account_create_time_contract_id",
        "contract_parties",
        ["account", "create_time", "contract_id"],
    )


def _make_history() -> None:
    op.create_table(
        "contract_versions",
        Column("contract_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("based_on", Integer, nullable=False),
        Column("author", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("format", Text, nullable=False),
        Column("size", Integer, nullable=False),
        Column("sha256", LargeBinary, nullable=False),
        Column("text_digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("contract_id", "number", name="pk_contract_versions"),
        CheckConstraint("format IN ('docx', 'md', 'txt')", name="ck_contract_versions_format"),
    )
    op.create_table(
        "contract_turns",
        Column("contract_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("account", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("contract_id", "number", name="pk_contract_turns"),
        CheckConstraint("cause IN ('reopened', 'text_differs', 'refused')", name="ck_contract_turns_cause"),
    )


def _make_results() -> None:
    op.create_table(
        "contract_files",
        Column("contract_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
        PrimaryKeyConstraint("contract_id", "name", name="pk_contract_files"),
    )
    op.create_table(
        "contract_archive",
        Column("serial", _SERIAL, autoincrement=True, nullable=False),
        Column("contract_id", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("record", LargeBinary),
        Column("log_index", BigInteger),
        PrimaryKeyConstraint("serial", name="pk_contract_archive"),
        UniqueConstraint("contract_id", name="uq_contract_archive_contract_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contract_revisions",
        Column("contract_id", Text, nullable=False),
        Column("number", Integer, nullable=False),
        Column("account", Text, nullable=False),
        Column("size", Integer, nullable=False),
        Column("sha256", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("contract_id", "number", name="pk_contract_revisions"),
    )
