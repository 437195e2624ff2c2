"""The tables of contracts.

What a list shows stands in rows that are short; files stand in a table of their own. A contract's row is changed in
every transaction that changes anything of the contract.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from server.storage import Instant, metadata
from server.storage.tables import Sequence

contracts = Table(
    "contracts",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("pen_holder", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("update_time", Instant, nullable=False),
    CheckConstraint(
        "state IN ('drafting', 'locked', 'signed', 'consented', 'finished', 'complete', 'ended')", name="state"
    ),
    Index(None, "creator", "create_time"),
    Index(None, "create_time", "contract_id"),
)

contract_parties = Table(
    "contract_parties",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("create_time", Instant, nullable=False),
    Column("confirmed_version", Integer, nullable=False),
    Column("certificate", LargeBinary),
    Column("statement", LargeBinary),
    Column("mark", LargeBinary),
    Column("consent", LargeBinary),
    Index(None, "account", "create_time", "contract_id"),
)

contract_versions = Table(
    "contract_versions",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("based_on", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("format", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("text_digest", LargeBinary, nullable=False),
    CheckConstraint("format IN ('docx', 'md', 'txt')", name="format"),
)

contract_turns = Table(
    "contract_turns",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", Instant, nullable=False),
    CheckConstraint("cause IN ('reopened', 'text_differs', 'refused')", name="cause"),
)

contract_files = Table(
    "contract_files",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

contract_archive = Table(
    "contract_archive",
    metadata,
    Column("serial", Sequence, primary_key=True, autoincrement=True),
    Column("contract_id", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("record", LargeBinary),
    Column("log_index", BigInteger),
    UniqueConstraint("contract_id"),
    sqlite_autoincrement=True,
)

contract_revisions = Table(
    "contract_revisions",
    metadata,
    Column("contract_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
)
