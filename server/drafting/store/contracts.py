"""Contracts, their parties and versions, and when they went back to editing or ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update

from server.drafting.states import ContractState, TurnCause
from server.drafting.store.tables import contract_files, contract_parties, contract_turns, contract_versions, contracts
from server.storage import PageCursor, row_values

_ROWS_AT_A_TIME: Final = 100

_contract = contracts.c
_party = contract_parties.c
_version = contract_versions.c
_turn = contract_turns.c
_file = contract_files.c


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract.

    Args:
        contract_id: its name.
        title: what it is called.
        creator: account that made it.
        pen_holder: account that may add a version.
        state: how it stands.
        last_version: number of the last version.
        create_time: when it was made.
        update_time: when it last changed.
    """

    contract_id: str
    title: str
    creator: str
    pen_holder: str
    state: ContractState
    last_version: int
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class Party:
    """A party of a contract.

    Args:
        contract_id: which.
        account: who.
        create_time: of the contract.
        confirmed_version: that it has confirmed; 0: none.
        certificate: SHA-256 of the one that it signs with; None until it has confirmed a version.
        statement: ``JointStatement`` of its statement, DER; None until it has signed.
        mark: over that.
        consent: ``JointStatement`` of its consent, DER; None until it has consented.
    """

    contract_id: str
    account: str
    create_time: datetime
    confirmed_version: int = 0
    certificate: bytes | None = None
    statement: bytes | None = field(default=None, repr=False)
    mark: bytes | None = field(default=None, repr=False)
    consent: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """What is known of a version without its file.

    Args:
        contract_id: of which contract.
        number: from 1 on.
        based_on: number of the version that was edited; 0 for the first.
        author: account that added it.
        create_time: when.
        format: "docx", "md" or "txt".
        size: bytes of the file.
        sha256: of the file.
        text_digest: of its canonical text.
    """

    contract_id: str
    number: int
    based_on: int
    author: str
    create_time: datetime
    format: str
    size: int
    sha256: bytes
    text_digest: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """That a contract went back to editing, or ended: the ``number``-th time, from 1 on."""

    contract_id: str
    number: int
    account: str
    cause: TurnCause
    reason: str
    time: datetime


def version_file(number: int) -> str:
    """Name of a version's file."""
    return f"version {number}"


def add_contract(connection: Connection, row: Contract, accounts: Iterable[str]) -> None:
    """Keep a new contract."""
    connection.execute(insert(contracts), row_values(row))
    parties = [row_values(Party(row.contract_id, account, row.create_time)) for account in accounts]
    connection.execute(insert(contract_parties), parties)


def find_contract(connection: Connection, contract_id: str) -> Contract | None:
    """The contract of that name."""
    row = connection.execute(select(contracts).where(_contract.contract_id == contract_id)).one_or_none()
    return None if row is None else _read_contract(row)


def list_parties(connection: Connection, contract_ids: Sequence[str]) -> dict[str, list[Party]]:
    """The parties of some contracts, each sorted by account."""
    query = select(contract_parties).where(_party.contract_id.in_(contract_ids)).order_by(_party.account)
    found = defaultdict[str, list[Party]](list)
    for row in connection.execute(query):
        found[row.contract_id].append(Party(*row))
    return found


def list_own(connection: Connection, account: str, after: PageCursor | None, limit: int) -> list[Contract]:
    """At most ``limit`` contracts that an account is party of, newest first."""
    place = (_party.create_time, _party.contract_id)
    own = select(_party.contract_id).where(_party.account == account)
    if after is not None:
        own = own.where(tuple_(*place) < (after.time, after.name))
    own = own.order_by(*(column.desc() for column in place)).limit(limit)
    ids = connection.execute(own).scalars().all()
    rows = connection.execute(select(contracts).where(_contract.contract_id.in_(ids)))
    found = {row.contract_id: _read_contract(row) for row in rows}
    return [found[contract_id] for contract_id in ids]


def list_contracts(connection: Connection, after: PageCursor | None, limit: int) -> list[Contract]:
    """At most ``limit`` contracts, oldest first: for the operator."""
    order = (_contract.create_time, _contract.contract_id)
    query = select(contracts).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [_read_contract(row) for row in connection.execute(query)]


def count_made_since(connection: Connection, creator: str, since: datetime) -> int:
    """How many contracts an account has made since some time."""
    query = select(func.count()).where(_contract.creator == creator, _contract.create_time > since)
    return connection.execute(query).scalar_one()


def put_contract(connection: Connection, contract_id: str, now: datetime, **changed: str | int) -> None:
    """A contract has changed: in these columns, or elsewhere."""
    connection.execute(update(contracts).where(_contract.contract_id == contract_id), {"update_time": now, **changed})


def put_party(connection: Connection, contract_id: str, account: str, **changed: int | bytes) -> None:
    """A party has done something."""
    where = (_party.contract_id == contract_id, _party.account == account)
    connection.execute(update(contract_parties).where(*where), changed)


def clear_parties(connection: Connection, contract_id: str) -> None:
    """Nobody has confirmed, signed or consented to anything."""
    nothing = {"confirmed_version": 0, "certificate": None, "statement": None, "mark": None, "consent": None}
    connection.execute(update(contract_parties).where(_party.contract_id == contract_id), nothing)


def add_version(connection: Connection, row: Version, content: bytes) -> None:
    """Keep a new version with its file."""
    connection.execute(insert(contract_versions), row_values(row))
    add_file(connection, row.contract_id, version_file(row.number), content)


def find_version(connection: Connection, contract_id: str, number: int) -> Version | None:
    """A version."""
    where = (_version.contract_id == contract_id, _version.number == number)
    row = connection.execute(select(contract_versions).where(*where)).one_or_none()
    return None if row is None else Version(*row)


def list_versions(connection: Connection, contract_id: str) -> list[Version]:
    """All versions of a contract, oldest first: they are limited in number."""
    query = select(contract_versions).where(_version.contract_id == contract_id).order_by(_version.number)
    return [Version(*row) for row in connection.execute(query)]


def all_versions(connection: Connection) -> Iterator[Version]:
    """The versions of all contracts."""
    query = select(contract_versions).execution_options(yield_per=_ROWS_AT_A_TIME)
    return (Version(*row) for row in connection.execute(query))


def used_bytes(connection: Connection, contract_id: str) -> int:
    """Bytes of all versions of a contract."""
    query = select(func.coalesce(func.sum(_version.size), 0)).where(_version.contract_id == contract_id)
    return int(connection.execute(query).scalar_one())


def add_turn(
    connection: Connection, contract_id: str, account: str, cause: TurnCause, reason: str, now: datetime
) -> None:
    """A contract went back to editing, or ended."""
    query = select(func.coalesce(func.max(_turn.number), 0)).where(_turn.contract_id == contract_id)
    number = connection.execute(query).scalar_one() + 1
    connection.execute(insert(contract_turns), row_values(Turn(contract_id, number, account, cause, reason, now)))


def find_last_turn(connection: Connection, contract_id: str, *, end: bool) -> Turn | None:
    """The last time that a contract went back to editing; or its end."""
    refused = _turn.cause == TurnCause.REFUSED.value
    query = select(contract_turns).where(_turn.contract_id == contract_id, refused if end else ~refused)
    row = connection.execute(query.order_by(_turn.number.desc()).limit(1)).one_or_none()
    return None if row is None else Turn(**(row._asdict() | {"cause": TurnCause(row.cause)}))


def add_file(connection: Connection, contract_id: str, name: str, content: bytes) -> None:
    """Keep a new file."""
    connection.execute(insert(contract_files), {"contract_id": contract_id, "name": name, "content": content})


def put_file(connection: Connection, contract_id: str, name: str, content: bytes) -> None:
    """A file has another content."""
    where = (_file.contract_id == contract_id, _file.name == name)
    connection.execute(update(contract_files).where(*where), {"content": content})


def find_file(connection: Connection, contract_id: str, name: str) -> bytes | None:
    """The content of a file."""
    where = (_file.contract_id == contract_id, _file.name == name)
    found: bytes | None = connection.execute(select(_file.content).where(*where)).scalar_one_or_none()
    return found


def _read_contract(row: Row[*tuple[Any, ...]]) -> Contract:
    return Contract(**(row._asdict() | {"state": ContractState(row.state)}))
