"""Gateways that are known, and what each was told: an order stays until it is done, and as long as its alarm."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from contract.announcements.alarm import AlarmState
from contract.announcements.control import Kind, LastSeen
from server.guard.store.tables import alarms, gateways, orders
from server.storage import row_values

_gateway, _order = gateways.c, orders.c
_find_gateway = select(gateways).where(_gateway.name == bindparam("of_name"))
_waiting = (
    select(orders)
    .where(
        _order.gateway == bindparam("of_gateway"),
        _order.acknowledge_time.is_(None),
        _order.number > bindparam("after"),
    )
    .order_by(_order.number)
    .limit(bindparam("most"))
)
_this = (_order.gateway == bindparam("of_gateway"), _order.number == bindparam("of_number"))
_find_order = select(orders).where(*_this)
_sign = (
    update(orders)
    .where(*_this, _order.sign_time.is_(None))
    .values(message=bindparam("message"), sign_time=bindparam("sign_time"))
)


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway that has called.

    Args:
        name: its name.
        number: of the last order for it.
        taken_number, taken_digest: of the last message that was taken from it; 0 and empty: none.
        create_time: when it called first.
        seen_time: when it began to watch, or told what it holds, last.
    """

    name: str
    number: int
    taken_number: int
    taken_digest: bytes
    create_time: datetime
    seen_time: datetime

    @property
    def last_taken(self) -> LastSeen | None:
        """What ``require_fresh`` compares with."""
        return LastSeen(self.taken_number, self.taken_digest) if self.taken_number else None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A control message to a gateway.

    Args:
        gateway: its name.
        number: of the message.
        alarm_id: that it is about.
        kind: what it says.
        content: DER of that.
        message: DER of SignedControl; empty until it was signed.
        sign_time: when that was; None: not yet.
        acknowledge_time: when it was done; None: not yet.
        delivers: whether the destination's agents are the gateway's, as it said.
    """

    gateway: str
    number: int
    alarm_id: str
    kind: Kind
    content: bytes = field(repr=False)
    message: bytes = field(default=b"", repr=False)
    sign_time: datetime | None = None
    acknowledge_time: datetime | None = None
    delivers: bool = False


def find_gateway(connection: Connection, name: str) -> GatewayRow | None:
    """The gateway of that name."""
    row = connection.execute(_find_gateway, {"of_name": name}).one_or_none()
    return None if row is None else GatewayRow(*row)


def saw_gateway(connection: Connection, name: str, now: datetime) -> None:
    """Note that a gateway is there."""
    if not connection.execute(update(gateways).where(_gateway.name == name).values(seen_time=now)).rowcount:
        connection.execute(insert(gateways), row_values(GatewayRow(name, 0, 0, b"", now, now)))


def took_from(connection: Connection, name: str, last: LastSeen) -> None:
    """Note the last message that was taken from a gateway."""
    values = {"taken_number": last.number, "taken_digest": last.digest}
    connection.execute(update(gateways).where(_gateway.name == name).values(values))


def list_gateways(connection: Connection) -> list[GatewayRow]:
    """All that are known."""
    return [GatewayRow(*row) for row in connection.execute(select(gateways).order_by(_gateway.name))]


def forget_gateways(connection: Connection, before: datetime) -> list[str]:
    """Forget those that were not seen since a time, and their orders. Returns their names."""
    gone = list(connection.execute(select(_gateway.name).where(_gateway.seen_time < before)).scalars())
    if gone:
        connection.execute(delete(orders).where(_order.gateway.in_(gone)))
        connection.execute(delete(gateways).where(_gateway.name.in_(gone)))
    return gone


def add_order(connection: Connection, gateway: str, alarm_id: str, kind: Kind, content: bytes) -> None:
    """Give an order to a gateway, under its next number."""
    row = OrderRow(gateway, _next_number(connection, gateway), alarm_id, kind, content)
    connection.execute(insert(orders), row_values(row))


def list_waiting(connection: Connection, gateway: str, after: int, limit: int) -> list[OrderRow]:
    """At most ``limit`` orders that a gateway has not acknowledged, by their numbers, after one of them."""
    found = connection.execute(_waiting, {"of_gateway": gateway, "after": after, "most": limit})
    return [_read(row) for row in found]


def renumber(connection: Connection, gateway: str) -> None:
    """Give a gateway's waiting orders new numbers, in their order, to be signed anew; unless none was signed yet."""
    waiting = (_order.gateway == gateway) & _order.acknowledge_time.is_(None)
    if connection.execute(select(_order.number).where(waiting, _order.sign_time.is_not(None)).limit(1)).first() is None:
        return
    for number in connection.execute(select(_order.number).where(waiting).order_by(_order.number)).scalars().all():
        this_one = (_order.gateway == gateway) & (_order.number == number)
        values = {"number": _next_number(connection, gateway), "message": b"", "sign_time": None}
        connection.execute(update(orders).where(this_one).values(values))


def list_stale(connection: Connection, names: Iterable[str], signed_before: datetime) -> list[str]:
    """Which gateways have not acknowledged something that was signed before a time."""
    late = (_order.sign_time < signed_before) & _order.acknowledge_time.is_(None)
    query = select(_order.gateway).where(_order.gateway.in_(list(names)), late).distinct()
    return list(connection.execute(query).scalars())


def drop_done(connection: Connection, before: datetime) -> int:
    """Drop orders that were done before a time, of alarms that are over. Returns how many."""
    over = select(alarms.c.alarm_id).where(alarms.c.state == AlarmState.RELEASED.value)
    done = (_order.acknowledge_time < before) & _order.alarm_id.in_(over)
    return connection.execute(delete(orders).where(done)).rowcount


def list_unsigned(connection: Connection, limit: int) -> list[OrderRow]:
    """At most ``limit`` orders that have to be signed."""
    query = select(orders).where(_order.sign_time.is_(None)).order_by(_order.number, _order.gateway)
    return [_read(row) for row in connection.execute(query.limit(limit))]


def put_signed(connection: Connection, order: OrderRow, message: bytes, now: datetime) -> bool:
    """Keep the message of an order; False if it has one, another number, or is gone."""
    values = {"message": message, "sign_time": now}
    this_one = {"of_gateway": order.gateway, "of_number": order.number}
    return bool(connection.execute(_sign, {**values, **this_one}).rowcount)


def acknowledge(connection: Connection, gateway: str, number: int, now: datetime) -> OrderRow | None:
    """Note that an order was done, and return it; None if there is none, or it was before."""
    this_one = {"of_gateway": gateway, "of_number": number}
    row = connection.execute(_find_order, this_one).one_or_none()
    if row is None or row.sign_time is None or row.acknowledge_time is not None:
        return None
    chosen = (_order.gateway == gateway) & (_order.number == number)
    connection.execute(update(orders).where(chosen).values(acknowledge_time=now))
    return _read(row)


def put_delivers(connection: Connection, order: OrderRow) -> None:
    """Note that the destination's agents are the gateway's."""
    chosen = (_order.gateway == order.gateway) & (_order.number == order.number)
    connection.execute(update(orders).where(chosen).values(delivers=True))


def list_orders(connection: Connection, alarm_id: str, kinds: Collection[Kind] = ()) -> list[OrderRow]:
    """All orders about an alarm, or those of some kinds."""
    query = select(orders).where(_order.alarm_id == alarm_id)
    if kinds:
        query = query.where(_order.kind.in_([kind.value for kind in kinds]))
    return [_read(row) for row in connection.execute(query.order_by(_order.gateway, _order.number))]


def count_waiting(connection: Connection) -> dict[str, int]:
    """How many orders each gateway has not acknowledged; those with none are left out."""
    query = select(_order.gateway, func.count()).where(_order.acknowledge_time.is_(None)).group_by(_order.gateway)
    return {row.gateway: row[1] for row in connection.execute(query)}


def newest_signed(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The highest number of each gateway's that is signed and was not acknowledged; those with none are left out."""
    signed = _order.acknowledge_time.is_(None) & _order.sign_time.is_not(None)
    query = select(_order.gateway, func.max(_order.number)).where(_order.gateway.in_(list(names)), signed)
    return {row.gateway: row[1] for row in connection.execute(query.group_by(_order.gateway))}


def _next_number(connection: Connection, gateway: str) -> int:
    mine = _gateway.name == gateway
    connection.execute(update(gateways).where(mine).values(number=_gateway.number + 1))
    number: int = connection.execute(select(_gateway.number).where(mine)).scalar_one()
    return number


def _read(row: Row[*tuple[Any, ...]]) -> OrderRow:
    gateway, number, alarm_id, kind, *rest = row
    return OrderRow(gateway, number, alarm_id, Kind(kind), *rest)
