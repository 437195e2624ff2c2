"""Revocations have numbers, and lists of them are kept in memory; pairs and events are found by their time."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Number what was revoked by its time; keep the number of the last list alone."""
    op.add_column("signer_certificates", Column("revocation", BigInteger))
    op.execute("UPDATE signer_certificates SET revocation = revoke_time WHERE revoke_time IS NOT NULL")
    op.drop_index("ix_signer_certificates_revoke_time", "signer_certificates")
    op.create_index("ix_signer_certificates_revocation", "signer_certificates", ["revocation"])
    op.create_index("ix_signer_certificates_account_create_time", "signer_certificates", ["account", "create_time"])
    op.create_index("ix_account_events_time", "account_events", ["time"])
    with op.batch_alter_table("revocation_lists") as lists:
        for column in ("der", "create_time", "end_time"):
            lists.drop_column(column)


def downgrade() -> None:
    """Take it back. The last list has ended, so that the next one is made at once, with the next number."""
    with op.batch_alter_table("revocation_lists") as lists:
        lists.add_column(Column("der", LargeBinary, nullable=False, server_default=""))
        lists.add_column(Column("create_time", BigInteger, nullable=False, server_default="0"))
        lists.add_column(Column("end_time", BigInteger, nullable=False, server_default="0"))
    op.drop_index("ix_account_events_time", "account_events")
    op.drop_index("ix_signer_certificates_account_create_time", "signer_certificates")
    op.drop_index("ix_signer_certificates_revocation", "signer_certificates")
    op.create_index("ix_signer_certificates_revoke_time", "signer_certificates", ["revoke_time"])
    with op.batch_alter_table("signer_certificates") as certificates:
        certificates.drop_column("revocation")
