"""What a gateway does about its alarms of peer mode: asks the others, judges, and tells what it has concluded.

What is to be done stands in the database, so a gateway that was killed goes on. Whoever does not answer in time is not
waited for: where its answer could matter, the others' contradict each other, and a person decides.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import gateway_service_pb2 as pb
from sqlalchemy import Connection

from contract.announcements.conflict_proof import MAX_PROOF_AGE
from contract.announcements.contents import Check, Content, Decision, EarlyWarning, Feedback, Side
from contract.announcements.control import SignedControl
from contract.errors import VerificationFailed
from mpc.errors import FoursealError
from server.clock import Clock
from server.gateway.guard_line import GuardLine
from server.gateway.histories import SIDES, Histories
from server.gateway.orders import Own
from server.gateway.peer.cases import GUARD, Cases
from server.gateway.peer.judging import Heard
from server.gateway.peer.lines import Peers, name_of
from server.gateway.peer.proofs import Concern, Proofs
from server.gateway.store import alarms as alarm_store
from server.gateway.store import cases as store
from server.gateway.store.cases import AnswerRow, CaseRow, TellingRow
from server.metrics import EventLog
from server.storage import Database
from wire.catalogue import ServiceError

_ROUND_SECONDS: Final = 1.0
_AT_A_TIME: Final = 100
_ASK_SECONDS: Final = 5.0  # with the wait for its turn: at one that is silent each alarm would wait for all before it


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom a gateway asks and tells.

    Args:
        own: the gateway.
        peers: the others.
        line: to the guard.
        answer_time: for which the others are waited for.
    """

    own: Own
    peers: Peers
    line: GuardLine
    answer_time: timedelta


class Worker:
    """Does it. Belongs to the event loop that it is used on.

    Args:
        around: whom it asks and tells.
        cases: the alarms.
        proofs: reads what others have signed.
        histories: what the gateway has seen.
        database: of the gateway.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        around: Surroundings,
        cases: Cases,
        proofs: Proofs,
        histories: Histories,
        database: Database,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._around = around
        self._cases = cases
        self._proofs = proofs
        self._histories = histories
        self._database = database
        self._clock = clock
        self._log = log
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # numbers rise on the way

    def begin(self) -> list[asyncio.Task[None]]:
        """Begin to work, until it is cancelled."""
        rounds = ((self._cases.begun, self._check_all), (self._cases.judged, self._tell_all))
        return [asyncio.create_task(self._keep(bell, step)) for bell, step in rounds]

    async def _keep(self, bell: asyncio.Event, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            bell.clear()
            try:
                await step()
            except FoursealError as error:
                self._log.error("peer_round_failed", cause=str(error))
            try:
                async with asyncio.timeout(_ROUND_SECONDS):
                    await bell.wait()
            except TimeoutError:
                pass

    async def _check_all(self) -> None:
        rows = await self._database.read(lambda each: store.list_checking(each, _AT_A_TIME))
        await asyncio.gather(*map(self._check, rows))

    async def _check(self, row: CaseRow) -> None:
        """Ask those that have not answered; judge when all have, or the time is over."""
        alarm_id = row.alarm.alarm_id
        about = Concern(alarm_id, row.alarm.claim)
        answers = await self._database.read(lambda each: store.list_answers(each, alarm_id))
        there = {each.gateway for each in answers}
        silent = [address for address in self._around.peers.addresses if name_of(address) not in there]
        if silent:
            found = await asyncio.gather(*(self._ask(address, row, about) for address in silent))
            answers += [each for each in found if each is not None]
            is_late = self._clock() >= row.create_time + self._around.answer_time
            if None in found and not is_late:
                return
        own = await self._database.write(lambda each: self._own_answers(each, about))
        judgement = Heard.of([*answers, *own], self._around.own.name).judge(self._proofs.read_kept(row.proof))
        await self._cases.conclude(alarm_id, judgement, own)

    async def _ask(self, address: str, row: CaseRow, about: Concern) -> AnswerRow | None:
        """The answer of one, kept; None: it cannot be had now."""
        name = name_of(address)
        try:
            async with _in_time(), self._turns[name]:
                control = await self._sign(name, about, Check())
                shown = await self._around.peers.check(address, control, pb.ConflictProof.FromString(row.proof))
            answer = self._proofs.read_answer(shown, about, self._around.own.name)
            if (answer.gateway, answer.side) != (name, Side.SENDER):
                raise VerificationFailed("CONTROL_OF_OTHER_ISSUER", "it is not of the gateway that was asked")
        except FoursealError as error:
            self._log.warning("peer_silent", alarm_id=about.alarm, gateway=name, reason=error.reason)
            return None
        await self._database.write(lambda each: store.put_answer(each, answer))
        self._log.info("peer_answered", alarm_id=about.alarm, gateway=name)
        return answer

    def _own_answers(self, connection: Connection, about: Concern) -> list[AnswerRow]:
        """What this gateway remembers itself, signed as others' answers are."""
        own, claim = self._around.own, about.claim
        certificate = x509.load_pem_x509_certificate(own.current()[1]).public_bytes(Encoding.DER)
        rows = []
        for side in SIDES:
            feedback = Feedback.of(side, self._histories.facts(side, claim.user, claim.destination))
            number = alarm_store.next_number(connection, own.name)
            control = own.sign(own.name, about, number, feedback, self._clock)
            rows.append(AnswerRow(about.alarm, own.name, side, control, certificate))
        return rows

    async def _tell_all(self) -> None:
        rows = await self._database.read(lambda each: store.list_tellings(each, _AT_A_TIME))
        recipients = {row.recipient for row in rows}
        await asyncio.gather(*(self._tell([row for row in rows if row.recipient == each]) for each in recipients))

    async def _tell(self, rows: list[TellingRow]) -> None:
        """Tell one recipient, until it does not answer."""
        for row in rows:
            tell = self._tell_guard if row.recipient == GUARD else self._tell_peer
            to = "guard" if row.recipient == GUARD else name_of(row.recipient)
            try:
                if not await tell(row):
                    return
            except FoursealError as error:
                self._log.warning("decision_untold", alarm_id=row.alarm_id, to=to, reason=error.reason)
                return
            await self._database.write(partial(store.drop_telling, row=row))
            self._log.info("decision_told", alarm_id=row.alarm_id, to=to)

    async def _tell_guard(self, row: TellingRow) -> bool:
        """Tell the guard; False: it is not there."""
        guard = self._around.line.guard
        if guard is None:
            return False
        about, decision, _ = await self._decided(row)
        contents: list[Content] = [decision]
        if decision.impostors:
            contents.append(EarlyWarning(decision.impostors))
        for content in contents:
            await self._around.line.send(await self._sign(guard.name, about, content))
        return True

    async def _tell_peer(self, row: TellingRow) -> bool:
        """Tell a gateway; one that was away for as long as a proof holds is not told."""
        if self._clock() >= row.create_time + MAX_PROOF_AGE:
            return True
        about, decision, proof = await self._decided(row)
        answers = await self._database.read(lambda each: store.list_answers(each, row.alarm_id))
        request = pb.TellDecisionRequest(
            proof=pb.ConflictProof.FromString(proof),
            feedbacks=[
                pb.SignedByGateway(control_der=each.control, certificate_der=each.certificate) for each in answers
            ],
        )
        name = name_of(row.recipient)
        async with self._turns[name]:
            request.control_der = await self._sign(name, about, decision)
            await self._around.peers.tell(row.recipient, request)
        return True

    async def _decided(self, row: TellingRow) -> tuple[Concern, Decision, bytes]:
        """What was decided about an alarm, and its proof."""

        def read(connection: Connection) -> tuple[CaseRow | None, bytes]:
            alarm = alarm_store.find_alarm(connection, row.alarm_id)
            return store.find_case(connection, row.alarm_id), b"" if alarm is None else alarm.decision

        case, signed = await self._database.read(read)
        assert case is not None  # noqa: S101  # what is told of a case is dropped with it
        decision = SignedControl.from_der(signed).message.content
        assert isinstance(decision, Decision)  # noqa: S101  # as it was kept
        return Concern(row.alarm_id, case.alarm.claim), decision, case.proof

    async def _sign(self, recipient: str, about: Concern, content: Content) -> bytes:
        number = await self._database.write(lambda each: alarm_store.next_number(each, recipient))
        return self._around.own.sign(recipient, about, number, content, self._clock)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Raises ServiceError: SERVER_UNAVAILABLE, once it has lasted too long."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            yield
    except TimeoutError:
        raise ServiceError("SERVER_UNAVAILABLE") from None
