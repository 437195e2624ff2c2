"""``fourseal-server guard``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from time import sleep
from typing import Final

from rich.console import Group
from rich.live import Live
from sqlalchemy import Connection

from contract.announcements.alarm import AlarmState
from server.cli.database import from_database, in_database, opened, settings_of
from server.cli.guard_views import (
    GATEWAY_COLUMNS,
    account_details_of,
    counts_of,
    details_of,
    gateway_view,
    gateways_of,
    line_of,
    listed_view,
    summary_of,
)
from server.cli.output import show_json, show_line, show_table, table_of
from server.clock import system_clock
from server.errors import OperatorError
from server.guard import (
    DECIDER,
    AccountAlarmRow,
    AlarmRow,
    AlarmView,
    GuardStatus,
    GuardTerms,
    count_open,
    decide_account_alarm,
    find_account_alarm,
    find_alarm_view,
    guard_status,
    held_by_alarm,
    list_account_alarms,
    list_alarms,
)
from server.guard import decide as decide_alarm
from server.identity import ListedKind, list_listed, put_on_list, take_off_list
from server.root.ground import open_ground
from server.root.guard_terms import guard_terms
from server.root.home import Home
from server.root.log import configure_log
from server.storage import PageCursor
from server.storage.paging import cut_page

HELD: Final = tuple(state for state in AlarmState if state.is_held)
_SHOWN: Final = 20
_ROUND_SECONDS: Final = 1.0
_ALARM_COLUMNS: Final = ("alarm", "cause", "state", "holds", "rule", "user", "to", "source", "raised", "changed")


def status(home: Home, *, as_json: bool) -> None:
    """Show how the guard stands."""
    found, about_accounts = from_database(home, lambda each: (guard_status(each), count_open(each)))
    if as_json:
        show_json(
            {
                "gateways": list(map(gateway_view, found.gateways)),
                "alarms": {state.value: count for state, count in found.alarms.items()},
                "held_notices": found.held,
                "open_about_accounts": about_accounts,
                "announcements": found.announcements,
            }
        )
        return
    show_table("Gateways", GATEWAY_COLUMNS, gateways_of(found))
    show_table("Alarms", ("state", "how many"), counts_of(found))
    show_line(f"{about_accounts} alarms about accounts are open.")
    show_line(f"{found.announcements} announcements are remembered.")


def watch(home: Home) -> None:
    """Show gateways, and the alarms whose traffic is held, until it is interrupted."""

    def query(connection: Connection) -> tuple[GuardStatus, list[AlarmRow]]:
        return guard_status(connection), list_alarms(connection, None, _SHOWN, HELD)

    with contextlib.suppress(KeyboardInterrupt), opened(home) as database, Live(auto_refresh=False) as live:
        while True:
            found, held = database.read_now(query)
            rows = [line_of(each, found.held) for each in held]
            live.update(
                Group(
                    table_of("Gateways", GATEWAY_COLUMNS, gateways_of(found)),
                    table_of("Alarms", ("state", "how many"), counts_of(found)),
                    table_of(f"Held, the newest {_SHOWN}", _ALARM_COLUMNS, rows),
                ),
                refresh=True,
            )
            sleep(_ROUND_SECONDS)


def alarms(home: Home, page_size: int, page_token: str, *, open_only: bool, as_json: bool) -> None:
    """List a page of alarms."""
    after, states = PageCursor.from_token(page_token), HELD if open_only else ()

    def query(connection: Connection) -> tuple[list[AlarmRow | AccountAlarmRow], dict[str, int]]:
        found: list[AlarmRow | AccountAlarmRow] = [
            *list_alarms(connection, after, page_size + 1, states),
            *list_account_alarms(connection, after, page_size + 1, open_only=open_only),
        ]
        found.sort(key=lambda row: (row.create_time, row.alarm.alarm_id), reverse=True)
        return found, held_by_alarm(connection)

    found, held = from_database(home, query)
    page = cut_page(found, page_size, lambda row: PageCursor(row.create_time, row.alarm.alarm_id))
    if as_json:
        shown = [summary_of(row) | {"held_notices": held.get(row.alarm.alarm_id, 0)} for row in page.rows]
        show_json({"alarms": shown, "next_page_token": page.next_token})
        return
    show_table("Alarms", _ALARM_COLUMNS, [line_of(row, held) for row in page.rows])
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def alarm(home: Home, alarm_id: str, *, as_json: bool) -> None:
    """Show one alarm: keys, what gateways were told, and what they have said."""
    found = from_database(home, lambda connection: _find(connection, alarm_id))
    row, details = (
        (found.row, details_of(found)) if isinstance(found, AlarmView) else (found, account_details_of(found))
    )
    if as_json:
        show_json(details)
        return
    facts = [(name, str(value)) for name, value in summary_of(row).items() if value and not isinstance(value, list)]
    show_table("Alarm", ("what", "is"), facts)
    if isinstance(found, AccountAlarmRow):
        show_table("Keys", ("key", "is"), [(each["key"], each["is"]) for each in details["keys"]])
        return
    for name, title in (("keys", "Keys"), ("told", "Told to gateways"), ("history", "History, as gateways say")):
        rows = details[name]
        if rows:
            show_table(title, tuple(rows[0]), [tuple(map(str, row.values())) for row in rows])
    show_table("In the log", ("entry", "what", "by", "time"), [tuple(map(str, row.values())) for row in details["log"]])


def decide(home: Home, alarm_id: str, genuine: Sequence[str], impostors: Sequence[str], *, as_json: bool) -> None:
    """Decide about an alarm."""
    settings = settings_of(home)
    terms = guard_terms(settings)

    def unit(connection: Connection) -> AlarmRow | AccountAlarmRow:
        if isinstance(found := _find(connection, alarm_id), AlarmView):
            return decide_in(connection, terms, alarm_id, genuine, impostors)
        ours, theirs = ([_key(found.alarm.keys, each) for each in given] for given in (genuine, impostors))
        return decide_account_alarm(connection, alarm_id, ours, theirs, DECIDER, system_clock())

    with open_ground(home, settings, configure_log("error")) as ground:  # it may write in the log
        row = ground.database.write_now(unit)
    if as_json:
        show_json(summary_of(row))
    elif isinstance(row, AccountAlarmRow):
        show_line(f"{alarm_id} is {row.alarm.state}.")
    else:
        show_line(f"{alarm_id} is {row.alarm.state}. The guard tells its gateways as soon as it runs.")


def decide_in(
    connection: Connection, terms: GuardTerms, alarm_id: str, genuine: Sequence[str], impostors: Sequence[str]
) -> AlarmRow:
    """Decide about an alarm, with keys named by how they begin.

    Raises:
        OperatorError: there is no such alarm, or not exactly one such key.
        FoursealError: as ``server.guard.decide``.
    """
    keys = list(find_view(connection, alarm_id).announcements)
    ours, theirs = ([_key(keys, each) for each in given] for given in (genuine, impostors))
    return decide_alarm(connection, terms, alarm_id, ours, theirs, system_clock())


def find_view(connection: Connection, alarm_id: str) -> AlarmView:
    """All about an alarm.

    Raises:
        OperatorError: there is no such alarm.
    """
    view = find_alarm_view(connection, alarm_id)
    if view is None:
        raise OperatorError(f"there is no alarm {alarm_id}", "See fourseal-server guard alarms.")
    return view


def black_list(home: Home, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List a page of the black list."""
    after = PageCursor.from_token(page_token)
    found = from_database(home, lambda connection: list_listed(connection, after, page_size + 1))
    page = cut_page(found, page_size, lambda each: PageCursor(each.create_time, each.value))
    if as_json:
        show_json({"listed": list(map(listed_view, page.rows)), "next_page_token": page.next_token})
        return
    show_table(
        "Black list", ("what", "is", "cause", "since"), [tuple(listed_view(each).values()) for each in page.rows]
    )
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def black_list_add(home: Home, kind: str, value: str, cause: str, *, as_json: bool) -> None:
    """Put something on the black list."""
    new = in_database(home, lambda connection: put_on_list(connection, ListedKind(kind), value, cause, system_clock()))
    if as_json:
        show_json({"kind": kind, "value": value, "listed_before": not new})
    else:
        show_line(f"The {kind} is on the black list{'' if new else ', as it was before'}.")


def black_list_remove(home: Home, kind: str, value: str, *, as_json: bool) -> None:
    """Take something off the black list."""
    in_database(home, lambda connection: take_off_list(connection, ListedKind(kind), value))
    if as_json:
        show_json({"kind": kind, "value": value})
    else:
        show_line(f"The {kind} is not on the black list any more.")


def _find(connection: Connection, alarm_id: str) -> AlarmView | AccountAlarmRow:
    about_account = find_account_alarm(connection, alarm_id)
    return find_view(connection, alarm_id) if about_account is None else about_account


def _key(keys: Sequence[bytes], begin: str) -> bytes:
    found = [key for key in keys if begin and key.hex().startswith(begin.lower())]
    if len(found) != 1:
        raise OperatorError(f"the alarm has not exactly one key that begins with {begin}", "See guard alarms ALARM.")
    return found[0]
