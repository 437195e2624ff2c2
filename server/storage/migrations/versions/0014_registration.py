"""Certificates for joint keys, and the requests for them that officers decide on."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the tables; every certificate that is there is one of a pair."""
    with op.batch_alter_table("signer_certificates") as table:
        table.add_column(Column("profile", Text, nullable=False, server_default="signer"))
    with op.batch_alter_table("signer_certificates") as table:
        table.alter_column("profile", server_default=None)
        table.create_check_constraint("ck_signer_certificates_profile", "profile IN ('signer', 'personal')")
    op.create_table(
        "certificate_requests",
        Column("certificate_request_id", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("pkcs10", LargeBinary, nullable=False),
        Column("key_der", LargeBinary, nullable=False),
        Column("key_sha256", LargeBinary, nullable=False),
        Column("state", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("decide_time", BigInteger),
        Column("why", Text),
        Column("fingerprint", LargeBinary),
        PrimaryKeyConstraint("certificate_request_id", name="pk_certificate_requests"),
        CheckConstraint("purpose IN ('sign', 'decrypt')", name="ck_certificate_requests_purpose"),
        CheckConstraint("state IN ('waiting', 'issued', 'refused')", name="ck_certificate_requests_state"),
    )
    for columns in (["account", "create_time"], ["state", "create_time"], ["key_sha256"]):
        op.create_index(f"ix_certificate_requests_{'_'.join(columns)}", "certificate_requests", columns)
    op.create_table(
        "certificate_approvals",
        Column("certificate_request_id", Text, nullable=False),
        Column("officer", Text, nullable=False),
        Column("time", BigInteger, nullable=False),
        PrimaryKeyConstraint("certificate_request_id", "officer", name="pk_certificate_approvals"),
    )


def downgrade() -> None:
    """Drop the tables, and the certificates for joint keys: the program before takes each for one of a pair."""
    op.drop_table("certificate_approvals")
    op.drop_table("certificate_requests")
    op.execute("DELETE FROM signer_certificates WHERE profile <> 'signer'")
    with op.batch_alter_table("signer_certificates") as table:
        table.drop_constraint("ck_signer_certificates_profile", type_="check")
        table.drop_column("profile")
