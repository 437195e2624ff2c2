"""How an alarm comes from one state to the next: in one transaction of the database, with the orders that it asks for.

All known gateways are told to block: the receiver may turn up at any of them. Which of them has its agents says the
one that acknowledges; only then it is blocked. An order is signed, and stands in the log, before it is sent:
``outbox``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from contract.announcements.alarm import (
    Alarm,
    AlarmState,
    Blocked,
    CheckBegan,
    Event,
    Judged,
    Released,
    advance,
    raise_alarm,
)
from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block, Check, Content, Decision, EarlyWarning, Unblock
from contract.announcements.control import Kind, kind_of
from contract.announcements.judgement import Judgement
from contract.announcements.window import Conflict
from server.guard.judging import Heard, hear, judge_heard
from server.guard.store import alarms as store
from server.guard.store import orders as order_store
from server.guard.store.alarms import AlarmRow
from server.guard.store.held import put_held
from server.guard.store.orders import OrderRow
from server.guard.terms import Turn
from server.identity import ListedKind, gateways_shut_out, put_on_list, require_admitted
from wire.catalogue import ServiceError

MAX_HELD_OF_ACCOUNT: Final = 100
"""Most alarms about one account that wait for a judgement. Who has two certificates raises no more about itself."""
_NEW_GATEWAY_LEARNS: Final = 1000
_WAITING: Final = (AlarmState.RAISED, AlarmState.CHECKING, AlarmState.NAMED, AlarmState.DECIDED)
_UNJUDGED: Final = (AlarmState.RAISED, AlarmState.BLOCKED, AlarmState.CHECKING, AlarmState.UNDETERMINED)


def find(turn: Turn, alarm_id: str) -> AlarmRow:
    """The alarm of that name.

    Raises:
        ServiceError: ALARM_NOT_FOUND.
    """
    row = store.find_alarm(turn.connection, alarm_id)
    if row is None:
        raise ServiceError("ALARM_NOT_FOUND")
    return row


def raise_from(turn: Turn, conflict: Conflict, announcements: Mapping[bytes, SignedAnnouncement]) -> str:
    """Raise the alarm of a conflict, if it was not raised before. Returns its name; empty: that alarm is over.

    Args:
        turn: the transaction.
        conflict: of the window.
        announcements: of every key that it names.

    Raises:
        ServiceError: TOO_MANY_ALARMS.
    """
    alarm = raise_alarm(conflict)
    known = store.find_alarm(turn.connection, alarm.alarm_id)
    if known is not None:
        return alarm.alarm_id if known.alarm.state.is_held else ""
    account = alarm.claim.user
    if store.count_about(turn.connection, account, _UNJUDGED) >= MAX_HELD_OF_ACCOUNT:
        raise ServiceError("TOO_MANY_ALARMS", account=account, limit=MAX_HELD_OF_ACCOUNT)
    row = AlarmRow(alarm, turn.now, turn.now, turn.now + turn.terms.answer)
    store.add_alarm(turn.connection, row, {key: each.to_der() for key, each in announcements.items()})
    one, other = (announcements[key] for key in alarm.keys)
    _order(turn, _known(turn), alarm.alarm_id, Block((one, other)))
    _tell(turn, "alarm_raised", alarm)
    return alarm.alarm_id


def join(turn: Turn, gateway: str) -> None:
    """Note that a gateway watches; one that is new is told of all that is held.

    Raises:
        ServiceError: GATEWAY_SHUT_OUT.
    """
    require_admitted(turn.connection, gateway)
    new = order_store.find_gateway(turn.connection, gateway) is None
    order_store.saw_gateway(turn.connection, gateway, turn.now)
    if not new:
        return
    for row in store.list_in(turn.connection, _UNJUDGED, _NEW_GATEWAY_LEARNS):
        _order(turn, [gateway], row.alarm.alarm_id, _block_of(turn, row.alarm))
        if row.alarm.state is AlarmState.CHECKING:
            _order(turn, [gateway], row.alarm.alarm_id, Check())


def acknowledged(turn: Turn, gateway: str, number: int, delivered: Iterable[str]) -> None:
    """Take it that a gateway has done what it was told.

    Args:
        turn: the transaction.
        gateway: its name.
        number: of the message.
        delivered: alarms whose destination's agents are this gateway's.
    """
    order = order_store.acknowledge(turn.connection, gateway, number, turn.now)
    if order is None:
        return
    if order.kind is Kind.BLOCK and order.alarm_id in delivered:
        order_store.put_delivers(turn.connection, order)
    row = store.find_alarm(turn.connection, order.alarm_id)
    if row is None:
        return
    if order.kind is Kind.BLOCK:
        blocked(turn, row)
    elif order.kind is Kind.CHECK:
        answered(turn, row)
    elif order.kind is Kind.UNBLOCK:
        put_held(turn.connection, order.alarm_id, gateway, 0)
        _released(turn, row)


def blocked(turn: Turn, row: AlarmRow, *, waited: bool = False) -> None:
    """Begin the check, if the traffic is held.

    That is when the receiver's gateway has acknowledged; or all have, and the receiver is at none; or, after the time
    for answers, when any has: the others were not reached.
    """
    if row.alarm.state is not AlarmState.RAISED:
        return
    orders = _awaited(turn, row, [Kind.BLOCK])
    done = [order for order in orders if order.acknowledge_time is not None]
    if not done or not (waited or len(done) == len(orders) or any(order.delivers for order in done)):
        return
    row = _step(turn, row, Blocked(), None)
    _tell(turn, "alarm_blocked", row.alarm, seconds=_age(turn, row))
    row = _step(turn, row, CheckBegan(), turn.now + turn.terms.answer)
    _order(turn, _told_to_block(turn, row.alarm.alarm_id), row.alarm.alarm_id, Check())


def answered(turn: Turn, row: AlarmRow, *, waited: bool = False) -> None:
    """Judge, if all have answered that were asked, or were waited for."""
    if row.alarm.state is not AlarmState.CHECKING:
        return
    orders = _awaited(turn, row, [Kind.CHECK])
    if waited or all(order.acknowledge_time is not None for order in orders):
        heard = hear(turn, row.alarm)
        conclude(turn, row, judge_heard(turn, row.alarm, heard), heard)


def go_on_without(turn: Turn) -> None:
    """Go on with alarms that waited for a gateway which was shut out just now."""
    for step in (blocked, answered, _released):
        for row in store.list_in(turn.connection, _WAITING, _NEW_GATEWAY_LEARNS):
            step(turn, row)


def conclude(turn: Turn, row: AlarmRow, judgement: Judgement, heard: Heard) -> None:
    """Keep a judgement, and have done what follows from it.

    Raises:
        GuardRefused: ALARM_STATE_WRONG, ALARM_JUDGED, ALARM_OF_OTHER_KEYS.
    """
    before = row.alarm
    row = _step(turn, row, Judged(judgement), None)
    if row.alarm == before:
        return  # the same once more
    alarm_id = row.alarm.alarm_id
    _tell(turn, "alarm_judged", row.alarm, seconds=_age(turn, row), decider=judgement.decider)
    identities = heard.identities_of(judgement.impostors)
    for key in judgement.impostors:
        put_on_list(turn.connection, ListedKind.KEY, key.hex(), alarm_id, turn.now)
    for address in heard.addresses_of(judgement.impostors):
        put_on_list(turn.connection, ListedKind.ADDRESS, address, alarm_id, turn.now)
    told = _told_to_block(turn, alarm_id)
    concerned = [gateway for gateway in told if not identities or heard.concerns(gateway)]
    _order(turn, concerned, alarm_id, Decision(judgement, identities))
    if identities:
        _order(turn, [name for name in _known(turn) if name not in concerned], alarm_id, EarlyWarning(identities))
    if judgement.is_determined:
        _order(turn, told, alarm_id, Unblock(judgement.genuine, judgement.impostors))


def _released(turn: Turn, row: AlarmRow) -> None:
    """Take it as over when the receiver's gateways, or where it is at none all that hold, have released."""
    if row.alarm.state not in {AlarmState.NAMED, AlarmState.DECIDED}:
        return
    orders = _awaited(turn, row, [Kind.BLOCK, Kind.UNBLOCK])
    holds = [order for order in orders if order.kind is Kind.BLOCK and order.acknowledge_time is not None]
    awaited = {order.gateway for order in holds if order.delivers} or {order.gateway for order in holds}
    done = {each.gateway for each in orders if each.kind is Kind.UNBLOCK and each.acknowledge_time is not None}
    if awaited <= done:
        row = _step(turn, row, Released(), None)
        _tell(turn, "alarm_released", row.alarm, seconds=_age(turn, row))


def _awaited(turn: Turn, row: AlarmRow, kinds: Collection[Kind]) -> list[OrderRow]:
    """Orders about an alarm to gateways that are not shut out."""
    out = gateways_shut_out(turn.connection)
    orders = order_store.list_orders(turn.connection, row.alarm.alarm_id, kinds)
    return [order for order in orders if order.gateway not in out]


def _step(turn: Turn, row: AlarmRow, event: Event, due_time: datetime | None) -> AlarmRow:
    verdict = advance(row.alarm, event)
    if verdict.refusal is not None:
        raise verdict.refusal  # it leaves the alarm as it is: nothing is lost with the transaction
    if verdict.alarm == row.alarm:
        return row
    after = row.now(verdict.alarm, turn.now, due_time)
    store.put_alarm(turn.connection, after)
    return after


def _order(turn: Turn, names: Iterable[str], alarm_id: str, content: Content) -> None:
    kind, der = kind_of(content), content.to_der()
    for name in names:
        order_store.add_order(turn.connection, name, alarm_id, kind, der)


def _block_of(turn: Turn, alarm: Alarm) -> Block:
    kept = store.list_keys(turn.connection, alarm.alarm_id)
    one, other = (SignedAnnouncement.from_der(kept[key]) for key in alarm.keys)
    return Block((one, other))


def _known(turn: Turn) -> list[str]:
    return [each.name for each in order_store.list_gateways(turn.connection)]


def _told_to_block(turn: Turn, alarm_id: str) -> list[str]:
    return [order.gateway for order in order_store.list_orders(turn.connection, alarm_id, [Kind.BLOCK])]


def _age(turn: Turn, row: AlarmRow) -> float:
    """Seconds since it was raised, by two clocks if two guards share the database."""
    return max(0.0, (turn.now - row.create_time).total_seconds())


def _tell(turn: Turn, event: str, alarm: Alarm, **facts: str | float) -> None:
    claim = alarm.claim
    if alarm.judgement is not None:
        facts["rule"] = alarm.judgement.rule.value
    turn.tell(
        event,
        alarm_id=alarm.alarm_id,
        source=claim.source,
        user=claim.user,
        destination=claim.destination,
        **facts,
    )
