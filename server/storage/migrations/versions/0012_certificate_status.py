"""Certificates are found by their serial numbers, and may be revoked because a right was withdrawn."""

from alembic import op

revision = "0012"
down_revision = "0011"

_NAME = "ck_signer_certificates_revocation_reason"
_REASONS = "'key_compromise', 'affiliation_changed', 'superseded', 'cessation_of_operation'"


def upgrade() -> None:
    """Make the index, and allow one reason more."""
    op.create_index("ix_signer_certificates_serial_number", "signer_certificates", ["serial_number"])
    _allow(f"{_REASONS}, 'privilege_withdrawn'")


def downgrade() -> None:
    """Take both back. What was revoked for that reason stays revoked: its owner's part has changed."""
    op.execute(
        "UPDATE signer_certificates SET revocation_reason = 'affiliation_changed'"
        " WHERE revocation_reason = 'privilege_withdrawn'"
    )
    _allow(_REASONS)
    op.drop_index("ix_signer_certificates_serial_number", "signer_certificates")


def _allow(reasons: str) -> None:
    with op.batch_alter_table("signer_certificates") as certificates:
        certificates.drop_constraint(_NAME, type_="check")
        certificates.create_check_constraint(_NAME, f"revocation_reason IN ({reasons})")
