"""Guards of key stores."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pin_guards",
        Column("guard_sha256", LargeBinary, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("sealed_seed", LargeBinary),
        Column("proof_key", LargeBinary),
        Column("blinded_sha256", LargeBinary, nullable=False),
        Column("counted", BigInteger, nullable=False),
        Column("proven", BigInteger, nullable=False),
        Column("last_time", BigInteger, nullable=False),
        PrimaryKeyConstraint("guard_sha256", name="pk_pin_guards"),
    )
    op.create_index("ix_pin_guards_agent_id", "pin_guards", ["agent_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("pin_guards")
