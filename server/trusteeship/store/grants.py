"""Grants and the orders about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update

from contract.joint_statement import JointStatement
from contract.trusteeship.grants import GrantAction, GrantRequest
from server.storage import PageCursor, row_values
from server.trusteeship.states import GrantState
from server.trusteeship.store.tables import trust_grants, trust_orders

_grant = trust_grants.c
_order = trust_orders.c
_find = select(trust_grants).where(_grant.grant_id == bindparam("of_grant"))
_find_by_digest = select(trust_grants).where(_grant.digest == bindparam("of_digest"))
_of_grant = update(trust_grants).where(_grant.grant_id == bindparam("of_grant"))
_count = _of_grant.values(used=_grant.used + bindparam("by"))
_count_refusal = _of_grant.values(refused=_grant.refused + 1)


@lru_cache(1024)  # they never change
def _words(request: bytes) -> GrantRequest:
    return GrantRequest.from_der(JointStatement.from_der(request).statement)


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant.

    Args:
        grant_id: "grant-" and the first 32 hexadecimal digits of ``digest``.
        digest: of its request.
        organisation: whose key.
        user: who asked.
        request: ``JointStatement`` of it, DER.
        state: how it stands.
        round: the present one.
        used: uses that were counted.
        refused: uses that were refused when they began.
        create_time: when it was asked for.
        log_index: of the request's entry.
    """

    grant_id: str
    digest: bytes
    organisation: str
    user: str
    request: bytes
    state: GrantState
    round: int
    used: int
    refused: int
    create_time: datetime
    log_index: int

    @property
    def words(self) -> GrantRequest:
        """What it allows."""
        return _words(self.request)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order about a grant: the ``number``-th, from 1 on. ``statement`` is the ``JointStatement`` of it, DER."""

    grant_id: str
    number: int
    round: int
    action: GrantAction
    administrator: str
    statement: bytes
    log_index: int


def add_grant(connection: Connection, row: GrantRow) -> None:
    """Keep a new grant."""
    connection.execute(insert(trust_grants), row_values(row))


def find_grant(connection: Connection, grant_id: str) -> GrantRow | None:
    """The grant of that name."""
    row = connection.execute(_find, {"of_grant": grant_id}).one_or_none()
    return None if row is None else read_grant(row)


def find_by_digest(connection: Connection, digest: bytes) -> GrantRow | None:
    """The grant whose request has that digest."""
    row = connection.execute(_find_by_digest, {"of_digest": digest}).one_or_none()
    return None if row is None else read_grant(row)


def list_grants(
    connection: Connection, after: PageCursor | None, limit: int, *, organisation: str = "", user: str = ""
) -> list[GrantRow]:
    """At most ``limit`` grants of an organisation's keys, or of a user, oldest first."""
    order = (_grant.create_time, _grant.grant_id)
    query = select(trust_grants).order_by(*order).limit(limit)
    query = query.where(_grant.organisation == organisation if organisation else _grant.user == user)
    if after is not None:
        query = query.where(tuple_(*order) > (after.time, after.name))
    return [read_grant(row) for row in connection.execute(query)]


def count_since(connection: Connection, user: str, since: datetime) -> int:
    """How many grants a user has asked for since some time."""
    query = select(func.count()).where(_grant.user == user, _grant.create_time > since)
    return connection.execute(query).scalar_one()


def put_state(connection: Connection, grant_id: str, state: GrantState, round_: int) -> None:
    """An order has made that of a grant."""
    values = {"state": state.value, "round": round_}
    connection.execute(update(trust_grants).where(_grant.grant_id == grant_id), values)


def count_use(connection: Connection, grant_id: str, by: int) -> None:
    """Count a use, or by -1 take one back."""
    connection.execute(_count, {"of_grant": grant_id, "by": by})


def count_refusal(connection: Connection, grant_id: str) -> None:
    """Count a use that is refused."""
    connection.execute(_count_refusal, {"of_grant": grant_id})


def add_order(connection: Connection, row: OrderRow) -> None:
    """Keep a new order."""
    connection.execute(insert(trust_orders), row_values(row))


def list_orders(connection: Connection, grant_id: str) -> list[OrderRow]:
    """All orders about a grant, oldest first: bounded by the rounds that there can be."""
    query = select(trust_orders).where(_order.grant_id == grant_id).order_by(_order.number)
    return [OrderRow(**(row._asdict() | {"action": GrantAction(row.action)})) for row in connection.execute(query)]


def read_grant(row: Row[*tuple[Any, ...]]) -> GrantRow:
    """A grant from its row."""
    return GrantRow(**(row._asdict() | {"state": GrantState(row.state)}))
