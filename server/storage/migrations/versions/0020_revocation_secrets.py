"""Digests of agents' revocation secrets."""

from alembic import op
from sqlalchemy import Column, LargeBinary

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column; no agent that is there has such a secret."""
    op.add_column("agents", Column("revocation_sha256", LargeBinary))
    op.create_index("ix_agents_revocation_sha256", "agents", ["revocation_sha256"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_agents_revocation_sha256", "agents")
    op.drop_column("agents", "revocation_sha256")
