"""Evidence as the server shows it, believed only as far as it is proved.

1. The entry of the log is evidence, its record is of the message that was asked for, and its parts and the session's
   certificates belong together.
2. The receipt proves that the log has it, and the log is the one that we know (``signer_agent.log``).

Whether the message itself holds is another question: ``contract.bundle.verification``.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from fourseal.v1 import evidence_service_pb2 as pb

from contract.bundle.parts import DisclosedMessage
from contract.certificate_parts import load_certificate
from contract.certificates import SessionCertificate, SignerCertificate
from contract.evidence_record import EvidenceRecord, require_agreement
from contract.log_entry import EntryKind, LogEntry
from contract.permission import SignedPermission
from signer_agent.contracts.signer import Signer
from transparency.receipt import Receipt
from wire.client.blame import blaming_server, server_lied
from wire.status import RemoteError


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message in evidence, as it stands in the log.

    Args:
        message: without what only author and recipients have.
        authority: that issued its certificates, as the server says.
        content_kept: whether the server still has the content.
        answers: statement digests of the answers that were deposited.
        permission: by which we may see it, if we are neither author nor recipient: for us, and for this entry.
    """

    message: DisclosedMessage
    authority: x509.Certificate
    content_kept: bool
    answers: tuple[bytes, ...]
    permission: SignedPermission | None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the statement: the message's name here."""
        return self.message.statement.digest


class EvidenceReader:
    """Reads for one account. Belongs to the event loop that it was made on.

    Args:
        signer: the account, logged in.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def find(self, digest: bytes) -> LoggedMessage | None:
        """The evidence of a message; None if there is none that concerns us. Raises as ``get``, but for that."""
        try:
            return await self.get(digest)
        except RemoteError as error:
            if error.reason != "EVIDENCE_NOT_FOUND":
                raise
            return None

    async def get(self, digest: bytes) -> LoggedMessage:
        """The evidence of a message.

        Args:
            digest: SHA-256 of its statement, 32 bytes.

        Raises:
            RemoteError: EVIDENCE_NOT_FOUND: there is none, or it does not concern us.
            PeerMisbehaved: EVIDENCE_OF_OTHER_MESSAGE; what ``LogWatch.hold`` raises; a structure is malformed; the
                culprit is the server.
        """
        request = pb.GetEvidenceRequest(statement_digest=digest)
        answer = await self._signer.call(self._signer.line.evidence.GetEvidence, request)
        with blaming_server():
            logged = self._read(answer)
        if logged.digest != digest:
            raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "its record is not of the message that was asked for")
        await self._signer.log.hold(logged.message.receipt, answer.entry_der)
        return logged

    def _read(self, answer: pb.GetEvidenceResponse) -> LoggedMessage:
        arc = self._signer.sign_certificate.arc
        entry = LogEntry.from_der(answer.entry_der)
        if entry.kind is not EntryKind.EVIDENCE:
            raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "the log's entry is of another kind")
        record = EvidenceRecord.from_der(entry.body)
        message = DisclosedMessage(
            statement=record.statement,
            signature=record.signature,
            entry=entry,
            receipt=Receipt.from_bytes(answer.receipt),
            time_stamp=answer.time_stamp_der or None,
            author=SignerCertificate.from_der(answer.author_certificate_der, arc),
            session_sign=SessionCertificate.from_der(answer.session_sign_certificate_der, arc),
            session_encrypt=SessionCertificate.from_der(answer.session_encrypt_certificate_der, arc),
            disclosure=None,
        )
        require_agreement(record, message.session_sign, message.session_encrypt)
        if len(answer.answer_digests) > len(record.statement.recipients):
            raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "it shows more answers than there are recipients")
        return LoggedMessage(
            message,
            load_certificate(answer.authority_certificate_der),
            answer.summary.content_kept,
            tuple(answer.answer_digests),
            self._read_permission(answer.permission_der, message),
        )

    def _read_permission(self, permission_der: bytes, message: DisclosedMessage) -> SignedPermission | None:
        if not permission_der:
            return None
        signed = SignedPermission.from_der(permission_der)
        meant = (signed.core.statement, signed.core.entry, signed.core.grantee)
        if meant != (message.statement.digest, message.entry.leaf_hash, self._signer.name):
            raise server_lied("PERMISSION_WRONG", "the permission is for another message or account")
        return signed
