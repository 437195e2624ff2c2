"""What shows that two keys conflict, as agents and other gateways show it; and what gateways have signed of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from fourseal.v1 import gateway_service_pb2 as pb

from contract.announcements.claim import Claim
from contract.announcements.conflict_proof import ConflictProof
from contract.announcements.contents import Content, Feedback
from contract.announcements.control import ControlMessage, Issuer, IssuerRole, SignedControl
from contract.announcements.failures import Failures
from contract.errors import VerificationFailed
from contract.oids import Arc
from mpc.errors import FoursealError, MalformedInput
from server.clock import Clock
from server.gateway.store.cases import AnswerRow
from server.identity import Gateway, read_gateway_certificate
from transparency.keys import VerifierKey


@dataclass(frozen=True, slots=True)
class Concern:
    """What a control message is about; see ``About``.

    Args:
        alarm: its name.
        claim: that two keys make.
    """

    alarm: str
    claim: Claim

    @classmethod
    def of(cls, proof: ConflictProof) -> Concern:
        """What a proof is about."""
        return cls(proof.block.alarm_id, proof.claim)


class Proofs:
    """Reads and checks them. Belongs to the event loop that it is used on.

    Args:
        authority: whom to believe.
        arc: the installation's arc.
        log_key: of the transparency log, as far as it is known.
        clock: the time.
    """

    def __init__(
        self, authority: x509.Certificate, arc: Arc, log_key: Callable[[], VerifierKey | None], clock: Clock
    ) -> None:
        self._authority = authority
        self._arc = arc
        self._log_key = log_key
        self._clock = clock
        self._failures = Failures()

    async def read(self, shown: pb.ConflictProof, caller: str) -> ConflictProof:
        """One that was shown, checked.

        Args:
            shown: by the caller.
            caller: who is charged if it does not hold.

        Raises:
            GuardRefused: TOO_MANY_INVALID_ANNOUNCEMENTS.
            MalformedInput, VerificationFailed: what ``ConflictProof.read`` and ``check`` raise.
        """
        self._failures.require_few(caller, self._clock())
        try:
            proof = ConflictProof.read(shown.block_der, shown.certificates_der, self._arc)
            await asyncio.to_thread(proof.check, self._authority, self._log_key(), self._clock())
        except FoursealError:
            self._failures.failed(caller, self._clock())
            raise
        return proof

    def read_kept(self, proof: bytes) -> ConflictProof:
        """One that was checked before it was kept."""
        shown = pb.ConflictProof.FromString(proof)
        return ConflictProof.read(shown.block_der, shown.certificates_der, self._arc)

    def read_message(self, gateway: Gateway, control_der: bytes, kind: type[Content], about: Concern) -> ControlMessage:
        """A control message that a gateway brings itself. Whether it is fresh is left to the caller.

        Raises:
            MalformedInput: CONTROL_MALFORMED: also if it is of another kind, or about something else.
            VerificationFailed: CONTROL_OF_OTHER_ISSUER, SIGNATURE_INVALID.
        """
        signed = SignedControl.from_der(control_der)
        message = signed.message
        if message.issuer != Issuer(IssuerRole.GATEWAY, gateway.name, gateway.certificate):
            raise VerificationFailed("CONTROL_OF_OTHER_ISSUER", "it is not of the gateway that brings it")
        signed.check(gateway.public_key)
        if not isinstance(message.content, kind) or (message.alarm, message.claim) != (about.alarm, about.claim):
            problem = "it is of another kind, or about something else"
            raise MalformedInput("CONTROL_MALFORMED", problem, problem=problem)
        return message

    def read_answer(self, shown: pb.SignedByGateway, about: Concern, recipient: str) -> AnswerRow:
        """A feedback of whatever gateway to another, checked.

        Args:
            shown: as it came.
            about: what it must be about.
            recipient: to whom it must be.

        Raises:
            MalformedInput, VerificationFailed: as ``read_message``; CERTIFICATE_NOT_ISSUED, CERTIFICATE_NOT_VALID,
                CONTROL_OF_OTHER_RECIPIENT.
            ServiceError: CALLER_UNKNOWN: it is of no gateway.
        """
        gateway = read_gateway_certificate(shown.certificate_der, self._authority, self._arc, self._clock())
        message = self.read_message(gateway, shown.control_der, Feedback, about)
        if message.recipient != recipient:
            raise VerificationFailed("CONTROL_OF_OTHER_RECIPIENT", "the feedback is for somebody else")
        assert isinstance(message.content, Feedback)  # noqa: S101  # it was looked at
        side = message.content.side
        return AnswerRow(about.alarm, gateway.name, side, shown.control_der, shown.certificate_der)
