"""Organisations, their keys, and certificates and requests for them."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0018"
down_revision = "0017"

_OWNED = ("certificate_requests", "signer_certificates")
_PROFILE = "ck_signer_certificates_profile"


def upgrade() -> None:
    """Make the tables; every certificate and request that is there is an account's."""
    op.create_table(
        "organisations",
        Column("name", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", name="pk_organisations"),
    )
    op.create_index("ix_organisations_create_time_name", "organisations", ["create_time", "name"])
    op.create_table(
        "organisation_keys",
        Column("key_id", Text, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("key_der", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("key_id", name="pk_organisation_keys"),
        CheckConstraint("purpose IN ('sign', 'decrypt')", name="ck_organisation_keys_purpose"),
    )
    op.create_index(
        "ix_organisation_keys_organisation_create_time", "organisation_keys", ["organisation", "create_time"]
    )
    for name in _OWNED:
        with op.batch_alter_table(name) as table:
            table.add_column(Column("organisation", Text, nullable=False, server_default=""))
        with op.batch_alter_table(name) as table:
            table.alter_column("organisation", server_default=None)
            table.create_check_constraint(f"ck_{name}_owner", "(account = '') <> (organisation = '')")
    with op.batch_alter_table("signer_certificates") as table:
        table.drop_constraint(_PROFILE, type_="check")
        table.create_check_constraint(_PROFILE, "profile IN ('signer', 'personal', 'organisation')")


def downgrade() -> None:
    """Drop the tables, and what is of organisations: the program before takes each for an account's."""
    for name in _OWNED:
        op.execute(f"DELETE FROM {name} WHERE organisation <> ''")  # noqa: S608  # two names, from above
        with op.batch_alter_table(name) as table:
            table.drop_constraint(f"ck_{name}_owner", type_="check")
            table.drop_column("organisation")
    with op.batch_alter_table("signer_certificates") as table:
        table.drop_constraint(_PROFILE, type_="check")
        table.create_check_constraint(_PROFILE, "profile IN ('signer', 'personal')")
    op.drop_table("organisation_keys")
    op.drop_table("organisations")
