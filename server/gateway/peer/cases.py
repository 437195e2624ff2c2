"""Alarms of peer mode: what agents ask for and decide, and how each stands.

An alarm of the guard about the same two keys goes before: as soon as its block is here, the guard deals with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fourseal.v1 import gateway_service_pb2 as pb
from sqlalchemy import Connection

from contract.announcements.alarm import Alarm, Blocked, CheckBegan, Judged, Released, advance
from contract.announcements.announcement import MAX_DELAY
from contract.announcements.conflict_proof import ConflictProof
from contract.announcements.contents import Decision
from contract.announcements.judgement import Judgement, decide
from server.clock import Clock
from server.gateway.guard_line import GuardLine
from server.gateway.orders import Own
from server.gateway.peer.judging import Heard
from server.gateway.peer.proofs import Concern, Proofs
from server.gateway.peer.views import AlarmView, view_of_case, view_of_guard, view_of_proof
from server.gateway.store import alarms as alarm_store
from server.gateway.store import cases as store
from server.gateway.store.cases import AnswerRow, CaseRow, TellingRow
from server.gateway.store.reports import Reported
from server.gateway.traffic import After, Traffic
from server.metrics import EventLog
from server.storage import Database
from wire.catalogue import ServiceError

GUARD: Final = ""
"""The guard, as a recipient of what is told."""

_MOST_OPEN: Final = 100
_KEPT_FOR: Final = timedelta(days=367)
_NOTHING: Final[After] = lambda: None  # noqa: E731  # as others give it back


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of decisions.

    Args:
        peers: addresses of the other gateways.
        guard: whether there is one.
    """

    peers: Sequence[str]
    guard: bool


class Cases:
    """All of them. Belongs to the event loop that it is used on.

    Args:
        own: the gateway.
        line: to the guard.
        told: who is told of decisions.
        proofs: are read by it.
        traffic: is blocked and released.
        database: of the gateway.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        own: Own,
        line: GuardLine,
        told: Told,
        proofs: Proofs,
        traffic: Traffic,
        database: Database,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._own = own
        self._line = line
        self._told = told
        self._proofs = proofs
        self._traffic = traffic
        self._database = database
        self._clock = clock
        self._log = log
        self.begun = asyncio.Event()
        """Set whenever there is a new one."""
        self.judged = asyncio.Event()
        """Set whenever there is somebody to be told."""

    async def ask(self, account: str, agent: str, shown: pb.ConflictProof) -> AlarmView:
        """Have what a user sends to an account held; or leave it to the guard.

        Args:
            account: who asks, as its pass says.
            agent: that calls.
            shown: what shows that two keys conflict.

        Raises:
            MalformedInput, VerificationFailed, GuardRefused: what ``Proofs.read`` raises.
            ServiceError: ALARM_OF_OTHER_DESTINATION, ANNOUNCEMENT_REFUSED, TOO_MANY_BLOCKS, STORAGE_UNAVAILABLE.
        """
        proof = await self._proofs.read(shown, agent)
        if proof.claim.destination != account:
            raise ServiceError("ALARM_OF_OTHER_DESTINATION", account=account)
        concern = Concern.of(proof)
        known = await self._database.read(lambda each: self._view(each, concern.alarm))
        if known is not None:
            return known
        of_guard = await self._is_of_guard(concern, proof, agent)
        self._log.info("block_asked", alarm_id=concern.alarm, account=account, agent=agent, of_guard=of_guard)
        if of_guard:
            return view_of_proof(proof, self._clock())

        def unit(connection: Connection) -> tuple[AlarmView, After]:
            return self._begin(connection, concern, proof, shown)

        view, after = await self._database.write(unit)
        after()
        return view

    async def find(self, account: str, alarm_id: str) -> AlarmView:
        """How an alarm about what is sent to an account stands.

        Raises:
            ServiceError: ALARM_NOT_FOUND, STORAGE_UNAVAILABLE.
        """
        view = await self._database.read(lambda each: self._view(each, alarm_id))
        if view is None or view.claim.destination != account:
            raise ServiceError("ALARM_NOT_FOUND")
        return view

    async def decide(
        self, account: str, alarm_id: str, genuine: Sequence[bytes], impostors: Sequence[bytes]
    ) -> AlarmView:
        """Decide about one that is undetermined, as the user of the account that it is sent to.

        Raises:
            MalformedInput: JUDGEMENT_MALFORMED.
            GuardRefused: ALARM_STATE_WRONG, ALARM_JUDGED, ALARM_OF_OTHER_KEYS.
            ServiceError: ALARM_NOT_FOUND, ALARM_OF_GUARD, STORAGE_UNAVAILABLE.
        """
        view = await self.find(account, alarm_id)
        if view.of_guard:
            raise ServiceError("ALARM_OF_GUARD")
        await self.conclude(alarm_id, decide(account, genuine, impostors))
        return await self.find(account, alarm_id)

    async def conclude(self, alarm_id: str, judgement: Judgement, answers: Sequence[AnswerRow] = ()) -> None:
        """Have a judgement take effect, unless the guard deals with the alarm by now.

        Args:
            alarm_id: the alarm's name.
            judgement: about both keys.
            answers: our own, to be kept with the others'.

        Raises:
            GuardRefused: what ``advance`` refuses.
            ServiceError: STORAGE_UNAVAILABLE.
        """

        def unit(connection: Connection) -> After:
            for each in answers:
                store.put_answer(connection, each)
            row = store.find_case(connection, alarm_id)
            if row is None or _is_guards(connection, alarm_id):
                return _NOTHING
            return self._judge(connection, row, judgement)

        after = await self._database.write(unit)
        after()

    async def upkeep(self) -> None:
        """Forget what is over, or is the guard's by now.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        before = self._clock() - _KEPT_FOR

        def unit(connection: Connection) -> None:
            store.drop_taken_over(connection)
            store.drop_cases(connection, before)

        await self._database.write(unit)

    async def _is_of_guard(self, concern: Concern, proof: ConflictProof, agent: str) -> bool:
        """Whether the guard is there and deals with it. Announcements that it would not take are for us."""
        now = self._clock()
        if self._line.guard is None or any(now - said.time > MAX_DELAY for said in proof.announcements):
            return False
        told = [Reported(each.to_der(), agent, now) for each in proof.block.announcements]
        results = await self._line.report(told)
        for result in results:
            if result.reason:
                raise ServiceError("ANNOUNCEMENT_REFUSED", problem=result.reason)
        return any(result.alarm_id == concern.alarm for result in results)

    def _begin(
        self, connection: Connection, concern: Concern, proof: ConflictProof, shown: pb.ConflictProof
    ) -> tuple[AlarmView, After]:
        known = self._view(connection, concern.alarm)
        if known is not None:
            return known, _NOTHING
        destination = proof.claim.destination
        if store.count_open(connection, destination) >= _MOST_OPEN:
            raise ServiceError("TOO_MANY_BLOCKS", account=destination, limit=_MOST_OPEN)
        alarm, now = Alarm(proof.claim, proof.keys, proof.first), self._clock()
        for event in (Blocked(), CheckBegan()):
            alarm = advance(alarm, event).alarm
        row = CaseRow(alarm, shown.SerializeToString(), now, now)
        store.add_case(connection, row)
        blocked = self._traffic.block(connection, concern, b"", delivers=True)

        def after() -> None:
            blocked()
            self.begun.set()

        return view_of_case(row, ()), after

    def _judge(self, connection: Connection, row: CaseRow, judgement: Judgement) -> After:
        verdict = advance(row.alarm, Judged(judgement))
        if verdict.refusal is not None:
            raise verdict.refusal
        if verdict.alarm == row.alarm:
            return _NOTHING
        alarm, now = verdict.alarm, self._clock()
        about = Concern(alarm.alarm_id, alarm.claim)
        actions = list[Callable[[], None]]()
        if judgement.is_determined:
            alarm = advance(alarm, Released()).alarm
            answers = store.list_answers(connection, about.alarm)
            ours = Heard.of([each for each in answers if each.gateway == self._own.name], self._own.name)
            decision = Decision(judgement, Heard.of(answers, self._own.name).identities_of(judgement.impostors))
            number = alarm_store.next_number(connection, self._own.name)
            signed = self._own.sign(self._own.name, about, number, decision, self._clock)
            self._traffic.decide(connection, about, signed)
            refused = ours.identities_of(judgement.impostors)  # others' word refuses no channel
            actions.append(self._traffic.refuse(connection, about, refused, judgement.genuine))
            actions.append(self._traffic.unblock(connection, about, judgement.impostors))
            for recipient in (*self._told.peers, *([GUARD] if self._told.guard else [])):
                store.add_telling(connection, TellingRow(about.alarm, recipient, now))
        store.put_case(connection, row.now(alarm, now))

        def after() -> None:
            for action in actions:
                action()
            self._log.info("alarm_judged", alarm_id=about.alarm, rule=judgement.rule.value, decider=judgement.decider)
            self.judged.set()

        return after

    def _view(self, connection: Connection, alarm_id: str) -> AlarmView | None:
        row = alarm_store.find_alarm(connection, alarm_id)
        case = store.find_case(connection, alarm_id)
        if row is not None and (case is None or row.block):
            return view_of_guard(row)
        if case is None:
            return None
        impostors = case.alarm.judgement.impostors if case.alarm.judgement is not None else ()
        heard = Heard.of(store.list_answers(connection, alarm_id), self._own.name)
        return view_of_case(case, heard.identities_of(impostors))


def _is_guards(connection: Connection, alarm_id: str) -> bool:
    row = alarm_store.find_alarm(connection, alarm_id)
    return row is not None and bool(row.block)
