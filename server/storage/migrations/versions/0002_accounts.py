"""Accounts, their second factors and logins, certificates of signers; who was logged in behind an operation."""

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
)

revision = "0002"
down_revision = "0001"

_TABLES = (
    "accounts",
    "lockouts",
    "account_events",
    "second_factors",
    "sent_codes",
    "login_challenges",
    "logins",
    "signer_certificates",
    "revocation_lists",
)


def upgrade() -> None:
    """Make the tables."""
    with op.batch_alter_table("operations") as operations:
        operations.add_column(Column("account", Text))
    _make_accounts()
    _make_factors()
    _make_logins()
    _make_certificates()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
    with op.batch_alter_table("operations") as operations:
        operations.drop_column("account")


def _make_accounts() -> None:
    op.create_table(
        "accounts",
        Column("name", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("user_handle", LargeBinary, nullable=False),
        Column("register_agent_id", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", name="pk_accounts"),
        CheckConstraint("state IN ('awaiting_factor', 'active', 'disabled')", name="ck_accounts_state"),
    )
    op.create_index("ix_accounts_create_time_name", "accounts", ["create_time", "name"])
    op.create_index("ix_accounts_state_register_agent_id", "accounts", ["state", "register_agent_id"])
    op.create_table(
        "lockouts",
        Column("name", Text, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("failure_time", BigInteger, nullable=False),
        Column("lock_end", BigInteger),
        PrimaryKeyConstraint("name", name="pk_lockouts"),
    )
    op.create_index("ix_lockouts_failure_time", "lockouts", ["failure_time"])
    op.create_table(
        "account_events",
        Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), autoincrement=True, nullable=False),
        Column("time", BigInteger, nullable=False),
        Column("account", Text, nullable=False),
        Column("agent_id", Text),
        Column("event", Text, nullable=False),
        Column("detail", Text, nullable=False),
        PrimaryKeyConstraint("sequence", name="pk_account_events"),
    )
    op.create_index("ix_account_events_account_sequence", "account_events", ["account", "sequence"])


def _make_factors() -> None:
    op.create_table(
        "second_factors",
        Column("account", Text, nullable=False),
        Column("factor_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("hint", Text, nullable=False),
        Column("confirmed", Boolean, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("counter", BigInteger, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "factor_id", name="pk_second_factors"),
        CheckConstraint("kind IN ('totp', 'sms', 'webauthn')", name="ck_second_factors_kind"),
    )
    op.create_table(
        "sent_codes",
        Column("account", Text, nullable=False),
        Column("factor_id", Text, nullable=False),
        Column("occasion", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("account", "factor_id", "occasion", name="pk_sent_codes"),
    )
    op.create_index("ix_sent_codes_create_time", "sent_codes", ["create_time"])


def _make_logins() -> None:
    op.create_table(
        "login_challenges",
        Column("token_sha256", LargeBinary, nullable=False),
        Column("account", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("certificate_sha256", LargeBinary, nullable=False),
        Column("webauthn_challenge", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("token_sha256", name="pk_login_challenges"),
    )
    op.create_index("ix_login_challenges_account", "login_challenges", ["account"])
    op.create_index("ix_login_challenges_create_time", "login_challenges", ["create_time"])
    op.create_table(
        "logins",
        Column("account", Text, nullable=False),
        Column("login_id", Text, nullable=False),
        Column("token_sha256", LargeBinary, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("certificate_sha256", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("use_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=False),
        Column("server_nonce", LargeBinary),
        Column("client_nonce", LargeBinary),
        Column("server_certificate", LargeBinary),
        Column("nonce_time", BigInteger),
        Column("sign_certificate", LargeBinary),
        Column("encrypt_certificate", LargeBinary),
        Column("proof_end", BigInteger),
        PrimaryKeyConstraint("account", "login_id", name="pk_logins"),
        UniqueConstraint("token_sha256", name="uq_logins_token_sha256"),
    )
    op.create_index("ix_logins_use_time", "logins", ["use_time"])


def _make_certificates() -> None:
    op.create_table(
        "signer_certificates",
        Column("fingerprint", LargeBinary, nullable=False),
        Column("account", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("serial_number", Text, nullable=False),
        Column("key_sha256", LargeBinary, nullable=False),
        Column("is_half", Boolean, nullable=False),
        Column("certificate", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("expire_time", BigInteger, nullable=False),
        Column("revoke_time", BigInteger),
        Column("revocation_reason", Text),
        PrimaryKeyConstraint("fingerprint", name="pk_signer_certificates"),
        UniqueConstraint("key_sha256", name="uq_signer_certificates_key_sha256"),
        CheckConstraint("purpose IN ('sign', 'decrypt')", name="ck_signer_certificates_purpose"),
        CheckConstraint(
            "revocation_reason IN ('key_compromise', 'affiliation_changed', 'superseded', 'cessation_of_operation')",
            name="ck_signer_certificates_revocation_reason",
        ),
    )
    op.create_index("ix_signer_certificates_account_revoke_time", "signer_certificates", ["account", "revoke_time"])
    op.create_index("ix_signer_certificates_revoke_time", "signer_certificates", ["revoke_time"])
    op.create_table(
        "revocation_lists",
        Column("number", BigInteger, nullable=False),
        Column("der", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("number", name="pk_revocation_lists"),
    )
