"""Control messages for the gateway: each is checked, done in one transaction with its number, and acknowledged.

One that does not hold is logged and passed over: it is not acknowledged, and does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import Connection

from contract.announcements.contents import Block, Check, Content, Decision, EarlyWarning, Feedback, Side, Unblock
from contract.announcements.control import (
    ControlMessage,
    Issuer,
    IssuerRole,
    LastSeen,
    SignedControl,
    require_fresh,
)
from contract.certificate_parts import fingerprint
from contract.errors import VerificationFailed
from mpc.errors import MalformedInput
from server.clock import Clock
from server.gateway.guard_line import Guard, GuardLine
from server.gateway.histories import Histories, Served
from server.gateway.store import alarms as store
from server.gateway.traffic import About, After, Traffic
from server.metrics import EventLog
from server.storage import Database
from wire.status import RemoteError
from wire.streams import is_break

_NOTHING: Final[After] = lambda: None  # noqa: E731  # as others give it back


@dataclass(frozen=True, slots=True)
class Own:
    """Who the gateway is.

    Args:
        name: as control messages name it.
        current: its private key and certificate now, PEM.
    """

    name: str
    current: Callable[[], tuple[bytes, bytes]] = field(repr=False)

    def sign(self, recipient: str, about: About, number: int, content: Content, clock: Clock) -> bytes:
        """A message of the gateway's to somebody about an alarm. DER of SignedControl."""
        key_pem, certificate_pem = self.current()
        certificate = fingerprint(x509.load_pem_x509_certificate(certificate_pem))
        message = ControlMessage(
            issuer=Issuer(IssuerRole.GATEWAY, self.name, certificate),
            recipient=recipient,
            alarm=about.alarm,
            claim=about.claim,
            number=number,
            time=clock().replace(microsecond=0),
            content=content,
        )
        key = load_pem_private_key(key_pem, None)
        return SignedControl.sign(message, key).to_der()  # type: ignore[arg-type]  # P-256: outposts make no other


class Orders:
    """Deals with them.

    Args:
        own: the gateway.
        line: to the guard.
        traffic: is blocked and released.
        histories: what the gateway has seen.
        served: whose agents are here.
        database: of the gateway.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        own: Own,
        line: GuardLine,
        traffic: Traffic,
        histories: Histories,
        served: Served,
        database: Database,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._own = own
        self._line = line
        self._traffic = traffic
        self._histories = histories
        self._served = served
        self._database = database
        self._clock = clock
        self._log = log

    async def take(self, control_der: bytes) -> None:
        """Deal with one that the guard sent.

        Raises:
            RemoteError: the guard was lost meanwhile.
            ServiceError: STORAGE_UNAVAILABLE.
        """
        try:
            signed = SignedControl.from_der(control_der)
            guard = await self._check(signed)
            await self._perform(signed.message, control_der)
        except (MalformedInput, VerificationFailed) as error:
            self._log.warning("control_refused", reason=error.reason, cause=str(error))
            return
        message = signed.message
        if isinstance(message.content, Check):
            await self._answer(guard, message)
        row = await self._database.read(lambda each: store.find_alarm(each, message.alarm))
        delivers = isinstance(message.content, Block) and row is not None and row.delivers
        await self._line.acknowledge(message.number, [message.alarm] if delivers else [])

    async def _check(self, signed: SignedControl) -> Guard:
        message = signed.message
        found = await self._line.guard_that_signs(message.issuer.certificate)
        if found is None or found[1].issuer != message.issuer:
            raise VerificationFailed("CONTROL_OF_OTHER_ISSUER", "it is not of the guard")
        guard, certificate = found
        signed.check(certificate.public_key)
        if isinstance(message.content, Block):
            await asyncio.to_thread(message.content.check, guard.log_key)
        return guard

    async def _perform(self, message: ControlMessage, control_der: bytes) -> None:
        delivers = self._served.has(message.claim.destination)

        def unit(connection: Connection) -> After:
            last = store.last_taken(connection, message.issuer)
            if not require_fresh(message, self._own.name, last, self._clock()):
                return _NOTHING
            store.took(connection, message.issuer, LastSeen(message.number, message.digest))
            return self._do(connection, message, control_der, delivers=delivers)

        after = await self._database.write(unit)
        after()

    def _do(self, connection: Connection, message: ControlMessage, control_der: bytes, *, delivers: bool) -> After:
        match message.content:
            case Block():
                return self._traffic.block(connection, message, control_der, delivers=delivers)
            case Decision(judgement, impostors):
                self._traffic.decide(connection, message, control_der)
                return self._traffic.refuse(connection, message, impostors, judgement.genuine)
            case EarlyWarning(impostors):
                return self._traffic.refuse(connection, message, impostors, ())
            case Unblock(_, quarantine):
                return self._traffic.unblock(connection, message, quarantine)
            case _:
                return _NOTHING

    async def _answer(self, guard: Guard, check: ControlMessage) -> None:
        row = await self._database.read(lambda each: store.find_alarm(each, check.alarm))
        sides = [Side.SENDER, *([Side.RECEIVER] if row is not None and row.delivers else [])]
        for side in sides:
            facts = self._histories.facts(side, check.claim.user, check.claim.destination)
            number = await self._database.write(lambda each: store.next_number(each, guard.name))
            try:
                feedback = self._own.sign(guard.name, check, number, Feedback.of(side, facts), self._clock)
                await self._line.send(feedback)
            except RemoteError as error:
                if is_break(error):
                    raise
                self._log.warning("feedback_refused", alarm_id=check.alarm, side=side.value, reason=error.reason)
            else:
                self._log.info("feedback_sent", alarm_id=check.alarm, side=side.value, facts=len(facts))
