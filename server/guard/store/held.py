"""How many notices gateways hold by each alarm, as they say."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, func, insert, select

from server.guard.store.tables import held

_held = held.c


def put_held(connection: Connection, alarm_id: str, gateway: str, notices: int) -> None:
    """Note how many a gateway holds by an alarm."""
    connection.execute(delete(held).where(_held.alarm_id == alarm_id, _held.gateway == gateway))
    if notices:
        connection.execute(insert(held), {"alarm_id": alarm_id, "gateway": gateway, "notices": notices})


def held_by(connection: Connection, alarm_id: str) -> dict[str, int]:
    """How many each gateway holds by one alarm; those with none are left out."""
    query = select(_held.gateway, _held.notices).where(_held.alarm_id == alarm_id)
    return {row.gateway: row.notices for row in connection.execute(query)}


def held_by_alarm(connection: Connection) -> dict[str, int]:
    """How many all gateways hold, by alarm; those with none are left out."""
    query = select(_held.alarm_id, func.sum(_held.notices)).group_by(_held.alarm_id)
    return {alarm_id: int(notices) for alarm_id, notices in connection.execute(query)}


def held_by_gateway(connection: Connection) -> dict[str, int]:
    """How many each gateway holds by all alarms; those with none are left out."""
    query = select(_held.gateway, func.sum(_held.notices)).group_by(_held.gateway)
    return {gateway: int(notices) for gateway, notices in connection.execute(query)}


def drop_of_gateways(connection: Connection, gateways: Collection[str]) -> None:
    """Forget what some gateways have said."""
    connection.execute(delete(held).where(_held.gateway.in_(gateways)))
