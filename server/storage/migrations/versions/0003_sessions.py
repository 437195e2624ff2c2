"""Contract sessions, their members and what was signed in them."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

revision = "0003"
down_revision = "0002"

_TABLES = (
    "contract_sessions",
    "session_members",
    "session_joinings",
    "session_revisions",
    "session_numbers",
    "session_statements",
    "session_answers",
)


def upgrade() -> None:
    """Make the tables."""
    _make_sessions()
    _make_members()
    _make_revisions()
    _make_statements()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _make_sessions() -> None:
    op.create_table(
        "contract_sessions",
        Column("session_id", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("scheme", Text, nullable=False),
        Column("half_bits", Integer, nullable=False),
        Column("subject", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column("begin_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=False),
        Column("creator", Text, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("sign_modulus", LargeBinary, nullable=False),
        Column("encrypt_modulus", LargeBinary, nullable=False),
        Column("sign_roots", LargeBinary, nullable=False),
        Column("encrypt_roots", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("close_time", BigInteger),
        PrimaryKeyConstraint("session_id", name="pk_contract_sessions"),
        CheckConstraint("state IN ('open', 'closed')", name="ck_contract_sessions_state"),
        CheckConstraint("scheme IN ('joint', 'separate')", name="ck_contract_sessions_scheme"),
    )
    op.create_index("ix_contract_sessions_state_end_time", "contract_sessions", ["state", "end_time"])
    op.create_index("ix_contract_sessions_create_time_session_id", "contract_sessions", ["create_time", "session_id"])


def _make_members() -> None:
    op.create_table(
        "session_members",
        Column("session_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("sign_fingerprint", LargeBinary),
        Column("encrypt_fingerprint", LargeBinary),
        Column("last_sequence", BigInteger, nullable=False),
        Column("session_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "name", name="pk_session_members"),
        _of_session("session_members"),
        CheckConstraint("state IN ('invited', 'joined', 'left')", name="ck_session_members_state"),
    )
    op.create_index(
        "ix_session_members_name_session_time_session_id", "session_members", ["name", "session_time", "session_id"]
    )
    op.create_table(
        "session_joinings",
        Column("session_id", Text, nullable=False),
        Column("sign_fingerprint", LargeBinary, nullable=False),
        Column("name", Text, nullable=False),
        Column("encrypt_fingerprint", LargeBinary, nullable=False),
        Column("sign_certificate", LargeBinary, nullable=False),
        Column("encrypt_certificate", LargeBinary, nullable=False),
        Column("join_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "sign_fingerprint", name="pk_session_joinings"),
        _of_session("session_joinings"),
    )
    op.create_index("ix_session_joinings_session_id_name", "session_joinings", ["session_id", "name"])


def _make_revisions() -> None:
    op.create_table(
        "session_revisions",
        Column("session_id", Text, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("sign_fingerprint", LargeBinary, nullable=False),
        Column("encrypt_fingerprint", LargeBinary, nullable=False),
        Column("sign_certificate", LargeBinary, nullable=False),
        Column("encrypt_certificate", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "revision", name="pk_session_revisions"),
        _of_session("session_revisions"),
    )
    for column in ("sign_fingerprint", "encrypt_fingerprint"):
        op.create_index(f"ix_session_revisions_session_id_{column}", "session_revisions", ["session_id", column])


def _make_statements() -> None:
    op.create_table(
        "session_numbers",
        Column("session_id", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "author", "recipient", name="pk_session_numbers"),
        _of_session("session_numbers"),
    )
    op.create_index("ix_session_numbers_session_id_recipient", "session_numbers", ["session_id", "recipient"])
    op.create_table(
        "session_statements",
        Column("session_id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        PrimaryKeyConstraint("session_id", "digest", name="pk_session_statements"),
        _of_session("session_statements"),
    )
    op.create_table(
        "session_answers",
        Column("session_id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("author", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "digest", "author", name="pk_session_answers"),
        _of_session("session_answers"),
    )


def _of_session(table: str) -> ForeignKeyConstraint:
    name = f"fk_{table}_session_id_contract_sessions"
    return ForeignKeyConstraint(["session_id"], ["contract_sessions.session_id"], name=name)
