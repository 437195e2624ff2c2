"""The transparency log: who it is, entries, nodes, checkpoints; and where in it an operation's result stands."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text

revision = "0007"
down_revision = "0006"

_TABLES = ("logs", "log_entries", "log_nodes", "log_checkpoints")


def upgrade() -> None:
    """Make the tables. The log itself is begun at the next start, which has the master key."""
    counted = BigInteger().with_variant(Integer(), "sqlite")
    op.create_table(
        "logs",
        Column("origin", Text, nullable=False),
        Column("public_key", LargeBinary, nullable=False),
        Column("sealed_key", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("edge", LargeBinary, nullable=False),
        PrimaryKeyConstraint("origin", name="pk_logs"),
    )
    op.create_table(
        "log_entries",
        Column("log_index", counted, autoincrement=False, nullable=False),
        Column("leaf_hash", LargeBinary, nullable=False),
        Column("entry", LargeBinary, nullable=False),
        PrimaryKeyConstraint("log_index", name="pk_log_entries"),
    )
    op.create_table(
        "log_nodes",
        Column("number", counted, autoincrement=False, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("number", name="pk_log_nodes"),
    )
    op.create_table(
        "log_checkpoints",
        Column("size", counted, autoincrement=False, nullable=False),
        Column("note", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("time_stamp", LargeBinary),
        PrimaryKeyConstraint("size", name="pk_log_checkpoints"),
    )
    op.add_column("operations", Column("log_index", BigInteger))


def downgrade() -> None:
    """Drop the tables, with all that is in them: no receipt can be had any more."""
    with op.batch_alter_table("operations") as operations:
        operations.drop_column("log_index")
    for name in reversed(_TABLES):
        op.drop_table(name)
