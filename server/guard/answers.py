"""What gateways say: what was done, what they hold, what they remember, and what they found in peer mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from contract.announcements.alarm import AlarmState
from contract.announcements.contents import Feedback
from contract.announcements.control import (
    ControlMessage,
    Issuer,
    IssuerRole,
    Kind,
    LastSeen,
    SignedControl,
    require_fresh,
)
from contract.log_entry import EntryKind
from server.clock import Clock
from server.guard.reports import Rates
from server.guard.steps import acknowledged, find
from server.guard.store import alarms as store
from server.guard.store import held as held_store
from server.guard.store import orders as order_store
from server.guard.store.alarms import RecordRow
from server.guard.terms import GuardLog, GuardTerms, Turn
from server.identity import Gateway, require_admitted
from server.journal.log import stage
from server.storage import Database, Threads
from wire.catalogue import ServiceError

MAX_ACKNOWLEDGED: Final = 100
"""Most numbers, and most alarms, in one call."""
_MESSAGES_PER_MINUTE: Final = 600
_LISTENED_TO: Final = {AlarmState.CHECKING, AlarmState.UNDETERMINED}


class Answers:
    """Takes what gateways say.

    Args:
        database: where everything is.
        workers: threads that check signatures.
        terms: of the guard.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        database: Database,
        workers: Threads,
        terms: GuardTerms,
        clock: Clock,
        log: GuardLog,
    ) -> None:
        self._database = database
        self._workers = workers
        self._terms = terms
        self._clock = clock
        self._log = log
        self._rates = Rates(_MESSAGES_PER_MINUTE)

    async def acknowledge(self, gateway: Gateway, numbers: Sequence[int], delivered: Sequence[str]) -> None:
        """Take it that a gateway has done what it was told.

        Raises:
            ServiceError: BATCH_SIZE_WRONG, GATEWAY_SHUT_OUT, STORAGE_UNAVAILABLE.
        """
        most = max(len(numbers), len(delivered))
        if not numbers or most > MAX_ACKNOWLEDGED:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_ACKNOWLEDGED, found=most)

        def unit(connection: Connection) -> Turn:
            require_admitted(connection, gateway.name)
            turn, alarms = Turn(connection, self._terms, self._clock()), frozenset(delivered)
            for number in sorted(set(numbers)):
                acknowledged(turn, gateway.name, number, alarms)
            return turn

        self._log.tell(await self._database.write(unit))

    async def hold(self, gateway: Gateway, held: Sequence[tuple[str, int]]) -> None:
        """Take it that a gateway is there, and holds so many notices by each of some alarms.

        Raises:
            ServiceError: BATCH_SIZE_WRONG, TOO_MANY_REPORTS, GATEWAY_SHUT_OUT, STORAGE_UNAVAILABLE.
        """
        if len(held) > MAX_ACKNOWLEDGED:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_ACKNOWLEDGED, found=len(held))
        self._rates.require_room(gateway.name, 1, self._clock())

        def unit(connection: Connection) -> None:
            require_admitted(connection, gateway.name)
            if order_store.find_gateway(connection, gateway.name) is None:
                return  # it never watched, so it was told to hold nothing
            order_store.saw_gateway(connection, gateway.name, self._clock())
            for alarm_id, notices in held:
                if store.find_alarm(connection, alarm_id) is not None:
                    held_store.put_held(connection, alarm_id, gateway.name, notices)

        await self._database.write(unit)

    async def take(self, gateway: Gateway, control_der: bytes) -> None:
        """Take a control message of a gateway's; the same once more changes nothing.

        Raises:
            MalformedInput: what ``SignedControl.from_der`` raises.
            VerificationFailed: SIGNATURE_INVALID, and what ``require_fresh`` raises.
            ServiceError: CONTROL_OF_OTHER_ISSUER, ALARM_NOT_FOUND, GATEWAY_SHUT_OUT, TOO_MANY_REPORTS,
                STORAGE_UNAVAILABLE.
        """
        self._rates.require_room(gateway.name, 1, self._clock())
        message = await self._workers.run(_read, gateway, control_der)

        def unit(connection: Connection) -> Turn:
            require_admitted(connection, gateway.name)
            turn = Turn(connection, self._terms, self._clock())
            known = order_store.find_gateway(connection, gateway.name)
            if known is None:
                raise ServiceError("ALARM_NOT_FOUND")  # it never watched, so it was asked nothing
            if require_fresh(message, self._terms.name, known.last_taken, turn.now):
                order_store.took_from(connection, gateway.name, LastSeen(message.number, message.digest))
                _take(turn, message, control_der)
            return turn

        self._log.tell(await self._database.write(unit))


def _read(gateway: Gateway, control_der: bytes) -> ControlMessage:
    signed = SignedControl.from_der(control_der)
    if signed.message.issuer != Issuer(IssuerRole.GATEWAY, gateway.name, gateway.certificate):
        raise ServiceError("CONTROL_OF_OTHER_ISSUER")
    signed.check(gateway.public_key)
    return signed.message


def _take(turn: Turn, message: ControlMessage, control_der: bytes) -> None:
    """Record it, once; a gateway's first word about something counts."""
    gateway = message.issuer.name
    if isinstance(message.content, Feedback):
        row = find(turn, message.alarm)
        orders = order_store.list_orders(turn.connection, message.alarm, [Kind.CHECK])
        if row.alarm.claim != message.claim or gateway not in {order.gateway for order in orders}:
            raise ServiceError("ALARM_NOT_FOUND")  # nobody asked it about that
        if row.alarm.state not in _LISTENED_TO:
            return
    for record in store.list_records(turn.connection, message.alarm):
        if record.issuer == gateway and _says_the_same_sort(record, message):
            return
    entry = stage(turn.connection, EntryKind.GUARD, control_der, turn.now)
    record = RecordRow(entry.index, message.alarm, gateway, message.kind, control_der, turn.now)
    store.add_record(turn.connection, record)
    turn.tell("gateway_said", gateway=gateway, kind=message.kind.value, alarm_id=message.alarm)


def _says_the_same_sort(record: RecordRow, message: ControlMessage) -> bool:
    if record.kind is not message.kind or not isinstance(message.content, Feedback):
        return record.kind is message.kind
    said = SignedControl.from_der(record.message).message.content
    return isinstance(said, Feedback) and said.side is message.content.side
