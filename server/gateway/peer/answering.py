"""What a gateway does for others: tells what it has seen, and takes what they have concluded.

A gateway that tells lies must not have anybody refused by its bare word. So whoever takes a decision judges again: by
the same answers, which the gateways have signed that gave them, but by its own memory instead of its own answer. Only
if the same follows, and no person has decided, it refuses the impostors' keys, and those channels of its own agents
on which it has seen them.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import gateway_service_pb2 as pb
from sqlalchemy import Connection

from contract.announcements.contents import Check, Decision, Feedback, Side
from contract.announcements.control import ControlMessage, LastSeen, require_fresh
from contract.announcements.history import Identity
from server.clock import Clock
from server.gateway.histories import Histories
from server.gateway.orders import Own
from server.gateway.peer.judging import Heard
from server.gateway.peer.proofs import Concern, Proofs
from server.gateway.store import alarms as alarm_store
from server.gateway.traffic import After, Traffic
from server.identity import Gateway
from server.metrics import EventLog
from server.storage import Database


class Answering:
    """Does it. Belongs to the event loop that it is used on.

    Args:
        own: the gateway.
        proofs: reads what others show.
        traffic: refuses impostors.
        histories: what the gateway has seen.
        database: of the gateway.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        own: Own,
        proofs: Proofs,
        traffic: Traffic,
        histories: Histories,
        database: Database,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._own = own
        self._proofs = proofs
        self._traffic = traffic
        self._histories = histories
        self._database = database
        self._clock = clock
        self._log = log

    async def history(self, gateway: Gateway, control_der: bytes, shown: pb.ConflictProof) -> pb.SignedByGateway:
        """What our agents have sent as the user of an alarm to its destination; the same message is answered again.

        Raises:
            GuardRefused, MalformedInput, VerificationFailed: what ``Proofs.read``, ``Proofs.read_message`` and
                ``require_fresh`` raise.
            ServiceError: STORAGE_UNAVAILABLE.
        """
        proof = await self._proofs.read(shown, gateway.name)
        about = Concern.of(proof)
        message = self._proofs.read_message(gateway, control_der, Check, about)

        def unit(connection: Connection) -> bytes:
            self._take(connection, message)
            facts = self._histories.facts(Side.SENDER, about.claim.user, about.claim.destination)
            number = alarm_store.next_number(connection, gateway.name)
            return self._own.sign(gateway.name, about, number, Feedback.of(Side.SENDER, facts), self._clock)

        control = await self._database.write(unit)
        certificate = x509.load_pem_x509_certificate(self._own.current()[1]).public_bytes(Encoding.DER)
        self._log.info("feedback_sent", alarm_id=about.alarm, side=Side.SENDER.value, gateway=gateway.name)
        return pb.SignedByGateway(control_der=control, certificate_der=certificate)

    async def decided(self, gateway: Gateway, request: pb.TellDecisionRequest) -> None:
        """Take what another gateway has concluded.

        Raises:
            GuardRefused, MalformedInput, VerificationFailed, ServiceError: as ``history``; what
                ``Proofs.read_answer`` raises.
        """
        proof = await self._proofs.read(request.proof, gateway.name)
        about = Concern.of(proof)
        message = self._proofs.read_message(gateway, request.control_der, Decision, about)
        assert isinstance(message.content, Decision)  # noqa: S101  # it was looked at
        judgement = message.content.judgement
        answers = [self._proofs.read_answer(each, about, gateway.name) for each in request.feedbacks]
        heard = Heard.of(answers, gateway.name)
        facts = self._histories.facts(Side.SENDER, about.claim.user, about.claim.destination)
        heard.senders[self._own.name] = facts
        follows = heard.judge(proof) == judgement and judgement.is_determined
        ours = [fact.identity for fact in facts if fact.identity.key in judgement.impostors]

        def unit(connection: Connection) -> After:
            if not self._take(connection, message) or not follows:
                return lambda: None
            return self._refuse(connection, about, judgement.impostors, judgement.genuine, ours)

        after = await self._database.write(unit)
        after()
        self._log.info(
            "decision_taken",
            alarm_id=about.alarm,
            gateway=gateway.name,
            rule=judgement.rule.value,
            refused=follows,
        )

    def _take(self, connection: Connection, message: ControlMessage) -> bool:
        last = alarm_store.last_taken(connection, message.issuer)
        if not require_fresh(message, self._own.name, last, self._clock()):
            return False
        alarm_store.took(connection, message.issuer, LastSeen(message.number, message.digest))
        return True

    def _refuse(
        self,
        connection: Connection,
        about: Concern,
        keys: tuple[bytes, ...],
        spared: tuple[bytes, ...],
        ours: list[Identity],
    ) -> After:
        refuse_channels = self._traffic.refuse(connection, about, ours, spared)
        refuse_keys = self._traffic.refuse_keys(connection, about, keys)

        def after() -> None:
            refuse_channels()
            refuse_keys()

        return after
