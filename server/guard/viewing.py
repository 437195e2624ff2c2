"""How alarms and gateways stand: for operators, and for the accounts whose names were used or that were written to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from contract.announcements.alarm import AlarmState
from server.guard.store import alarms as store
from server.guard.store import held as held_store
from server.guard.store import orders as order_store
from server.guard.store.alarms import AlarmRow, RecordRow
from server.guard.store.announcements import count_announcements
from server.guard.store.held import held_by_alarm
from server.guard.store.orders import GatewayRow, OrderRow
from server.identity import Login
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit


@dataclass(frozen=True, slots=True)
class AlarmView:
    """All about an alarm.

    Args:
        row: how it stands.
        announcements: DER of SignedAnnouncement, by key.
        orders: what gateways were told.
        held: how many notices gateways hold by it, as they say; by their names.
        records: what the log has.
    """

    row: AlarmRow
    announcements: dict[bytes, bytes]
    orders: list[OrderRow]
    held: dict[str, int]
    records: list[RecordRow]


@dataclass(frozen=True, slots=True)
class GatewayView:
    """How a gateway stands.

    Args:
        row: what is known of it.
        waiting: orders that it has not acknowledged.
        held: notices that it holds, as it says.
    """

    row: GatewayRow
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class GuardStatus:
    """How a guard stands.

    Args:
        gateways: that are known.
        alarms: how many, by state.
        held: notices that gateways hold, by alarm.
        announcements: that are kept.
    """

    gateways: list[GatewayView]
    alarms: dict[AlarmState, int]
    held: dict[str, int]
    announcements: int


def guard_status(connection: Connection) -> GuardStatus:
    """How it stands now."""
    waiting, held = order_store.count_waiting(connection), held_store.held_by_gateway(connection)
    gateways = [
        GatewayView(each, waiting.get(each.name, 0), held.get(each.name, 0))
        for each in order_store.list_gateways(connection)
    ]
    return GuardStatus(
        gateways, store.count_by_state(connection), held_by_alarm(connection), count_announcements(connection)
    )


def list_alarms(
    connection: Connection, after: PageCursor | None, limit: int, states: Collection[AlarmState] = ()
) -> list[AlarmRow]:
    """At most ``limit`` alarms of all, or of those in some states, newest first."""
    return store.list_alarms(connection, after, limit, states=states)


def find_alarm_view(connection: Connection, alarm_id: str) -> AlarmView | None:
    """All about the alarm of that name."""
    row = store.find_alarm(connection, alarm_id)
    if row is None:
        return None
    return AlarmView(
        row,
        store.list_keys(connection, alarm_id),
        order_store.list_orders(connection, alarm_id),
        held_store.held_by(connection, alarm_id),
        store.list_records(connection, alarm_id),
    )


class AlarmViews:
    """Shows accounts what concerns them.

    Args:
        database: where alarms are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[AlarmRow]:
        """A page of alarms about what was sent as the account or to it, newest first.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        found = await self._database.read(
            lambda connection: store.list_alarms(connection, after, limit + 1, account=login.account)
        )
        return cut_page(found, limit, lambda row: PageCursor(row.create_time, row.alarm.alarm_id))
