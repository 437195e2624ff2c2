"""The tables of the log.

``logs`` has one row: who the log is, and how far it goes. Leaves are hashed in ``log_entries``, every other node of the
tree is in ``log_nodes``; rows of both are written once. All numbers of entries count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    union_all,
    update,
)

from server.storage import Instant, metadata
from transparency.frontier import Frontier
from transparency.hashing import HASH_BYTES
from transparency.nodes import NodeId

_LEAVES: Final = 0

logs = Table(
    "logs",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("edge", LargeBinary, nullable=False),
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("log_index", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)

log_nodes = Table(
    "log_nodes",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("time_stamp", LargeBinary),
)
_has_stamp = log_checkpoints.c.time_stamp.is_not(None)
Index("ix_log_checkpoints_stamped", log_checkpoints.c.size, sqlite_where=_has_stamp)

_size = select(logs.c.size).with_for_update()
_frontier = select(logs.c.size, logs.c.edge)
_grow = update(logs).values(size=bindparam("new_size"), edge=bindparam("new_edge"))
_add_entries = insert(log_entries)
_add_nodes = insert(log_nodes)
_add_checkpoint = insert(log_checkpoints)
_entry = select(log_entries.c.entry).where(log_entries.c.log_index == bindparam("log_index"))
_hashes = union_all(  # one statement: it costs more than the rows
    select(2 * log_entries.c.log_index, log_entries.c.leaf_hash).where(
        log_entries.c.log_index.in_(bindparam("leaves", expanding=True))
    ),
    select(log_nodes.c.number, log_nodes.c.hash).where(log_nodes.c.number.in_(bindparam("above", expanding=True))),
)
_newest = select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)
_newest_stamped = _newest.where(_has_stamp)
_first_stamped = (
    select(log_checkpoints)
    .where(log_checkpoints.c.size > bindparam("log_index"), _has_stamp)
    .order_by(log_checkpoints.c.size)
    .limit(1)
)
_stamp = (
    update(log_checkpoints)
    .where(log_checkpoints.c.size == bindparam("of_size"), log_checkpoints.c.time_stamp.is_(None))
    .values(time_stamp=bindparam("new_time_stamp"))
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """Who the log is. The key's private half is sealed by custody."""

    origin: str
    public_key: bytes
    sealed_key: bytes = field(repr=False)
    create_time: datetime


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint that was signed.

    Args:
        size: entries that it covers.
        note: as signed.
        create_time: when it was made.
        time_stamp: RFC 3161 TimeStampResp of the note, DER; None: it has none.
    """

    size: int
    note: bytes
    create_time: datetime
    time_stamp: bytes | None


def number_of(node: NodeId) -> int:
    """The number of a node: its place among all nodes from left to right, parents between their children, from 0 on.

    One number is found by one look into an index, and nodes that are made together lie together. A leaf's is twice
    its index.
    """
    return ((2 * node.position + 1) << node.level) - 1


def find_log(connection: Connection) -> LogRow | None:
    """The log of this database, if it was made."""
    row = connection.execute(select(logs)).one_or_none()
    return None if row is None else LogRow(row.origin, row.public_key, row.sealed_key, row.create_time)


def add_log(connection: Connection, row: LogRow) -> None:
    """Begin a log, without entries."""
    connection.execute(
        insert(logs),
        {
            "origin": row.origin,
            "public_key": row.public_key,
            "sealed_key": row.sealed_key,
            "create_time": row.create_time,
            "size": 0,
            "edge": b"",
        },
    )


def lock_size(connection: Connection) -> int:
    """How many entries there are; until the end of the transaction nobody else can add any."""
    size: int = connection.execute(_size).scalar_one()
    return size


def find_frontier(connection: Connection) -> Frontier:
    """All that the log needs in order to grow."""
    size, edge = connection.execute(_frontier).one()
    hashes = tuple(bytes(edge[start : start + HASH_BYTES]) for start in range(0, len(edge), HASH_BYTES))
    return Frontier(size, hashes)


def put_frontier(connection: Connection, frontier: Frontier) -> None:
    """The log has grown to that."""
    connection.execute(_grow, {"new_size": frontier.size, "new_edge": b"".join(frontier.hashes)})


def add_entries(connection: Connection, entries: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Keep entries: index, leaf hash, DER of each; at least one."""
    connection.execute(
        _add_entries,
        [{"log_index": index, "leaf_hash": leaf_hash, "entry": entry} for index, leaf_hash, entry in entries],
    )


def add_nodes(connection: Connection, nodes: Iterable[tuple[NodeId, bytes]]) -> None:
    """Keep nodes above the leaves; none is allowed."""
    rows = [{"number": number_of(node), "hash": value} for node, value in nodes]
    if rows:
        connection.execute(_add_nodes, rows)


def add_checkpoint(connection: Connection, size: int, note: bytes, now: datetime) -> None:
    """Keep a signed checkpoint."""
    connection.execute(_add_checkpoint, {"size": size, "note": note, "create_time": now})


def find_entry(connection: Connection, index: int) -> bytes | None:
    """The DER of an entry; None if the log is not that long."""
    return connection.execute(_entry, {"log_index": index}).scalar_one_or_none()


def find_entries(connection: Connection, indexes: Sequence[int]) -> dict[int, bytes]:
    """The DER of several entries by index; those that are not there are left out. At most some thousand."""
    query = select(log_entries.c.log_index, log_entries.c.entry).where(log_entries.c.log_index.in_(indexes))
    return {row.log_index: row.entry for row in connection.execute(query)}


def find_nodes(connection: Connection, wanted: Sequence[NodeId]) -> Mapping[NodeId, bytes]:
    """Hashes of nodes, leaves among them; those that are not there are left out."""
    nodes = {number_of(node): node for node in wanted}
    leaves = [node.position for node in wanted if node.level == _LEAVES]
    above = [number for number, node in nodes.items() if node.level > _LEAVES]
    rows = connection.execute(_hashes, {"leaves": leaves, "above": above}).all()
    return {nodes[number]: value for number, value in rows}


def find_newest_checkpoint(connection: Connection, *, stamped: bool = False) -> CheckpointRow | None:
    """The checkpoint that covers most; ``stamped``: of those with a time stamp."""
    row = connection.execute(_newest_stamped if stamped else _newest).one_or_none()
    return None if row is None else CheckpointRow(*row)


def find_first_stamped(connection: Connection, index: int) -> CheckpointRow | None:
    """Of the checkpoints with a time stamp that cover an entry, the earliest."""
    row = connection.execute(_first_stamped, {"log_index": index}).one_or_none()
    return None if row is None else CheckpointRow(*row)


def put_time_stamp(connection: Connection, size: int, token: bytes) -> None:
    """Keep the time stamp of a checkpoint, unless it has one."""
    connection.execute(_stamp, {"of_size": size, "new_time_stamp": token})


def count_entries(connection: Connection) -> int:
    """How many entries there are. Looks at each of them."""
    return int(connection.execute(select(func.count()).select_from(log_entries)).scalar_one())


def count_nodes(connection: Connection) -> int:
    """How many nodes above the leaves there are. Looks at each of them."""
    return int(connection.execute(select(func.count()).select_from(log_nodes)).scalar_one())


def list_entries(connection: Connection, first: int, count: int) -> list[tuple[int, bytes, bytes]]:
    """Index, leaf hash and DER of entries: those from ``first`` on that are there, below ``first + count``."""
    column = log_entries.c
    query = select(column.log_index, column.leaf_hash, column.entry).where(
        column.log_index >= first, column.log_index < first + count
    )
    return [
        (index, leaf_hash, entry) for index, leaf_hash, entry in connection.execute(query.order_by(column.log_index))
    ]


def all_checkpoints(connection: Connection) -> Iterator[CheckpointRow]:
    """Every checkpoint, in order of size."""
    for row in connection.execute(select(log_checkpoints).order_by(log_checkpoints.c.size)):
        yield CheckpointRow(*row)
