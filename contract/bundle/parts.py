"""What a bundle says, and the files that say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.bundle import files
from contract.bundle.files import FileDigest, file_name, malformed
from contract.certificates import SessionCertificate, SignerCertificate, joint_key
from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.evidence_record import EvidenceRecord
from contract.log_entry import EntryKind, LogEntry
from contract.revocation import RevocationList
from contract.signatures import JointSignature, Signature
from contract.statement import Statement
from transparency.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What only author and recipients have of a message, beside its content.

    Args:
        description: of the content.
        content_key: of the envelope. Who has it opens this message, and no other.
    """

    description: ContentDescription
    content_key: ContentKey


@dataclass(frozen=True, slots=True)
class DisclosedMessage:
    """A message in evidence, with all that shows what it is worth.

    Args:
        statement: that was signed.
        signature: of it.
        entry: of the log, with the evidence record.
        receipt: for that entry. Of the earliest checkpoint with a time stamp, where there is one.
        time_stamp: of that checkpoint, TimeStampResp in DER; None if there is none.
        author: its author's certificate for signing.
        session_sign: the session's for signing.
        session_encrypt: the session's for encryption.
        disclosure: None for an answer whose content is not disclosed.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: the entry is of another kind; what ``EvidenceRecord.from_der`` raises.
    """

    statement: Statement
    signature: Signature
    entry: LogEntry
    receipt: Receipt
    time_stamp: bytes | None
    author: SignerCertificate
    session_sign: SessionCertificate
    session_encrypt: SessionCertificate
    disclosure: Disclosure | None
    record: EvidenceRecord = field(init=False)

    def __post_init__(self) -> None:
        if self.entry.kind is not EntryKind.EVIDENCE:
            raise malformed("an entry of the log that is no evidence")
        object.__setattr__(self, "record", EvidenceRecord.from_der(self.entry.body))

    def joint_pem(self) -> bytes:
        """The joint public key of author and session, PEM. Raises as ``certificates.joint_key``."""
        key = joint_key(self.author, self.session_sign).to_cryptography()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def files(self, number: int) -> dict[str, bytes]:
        """Its files but the content, by name.

        Args:
            number: 0 for the message, from 1 on for an answer.
        """
        found = {
            files.STATEMENT: self.statement.to_der(),
            files.ENTRY: self.entry.to_der(),
            files.RECEIPT: self.receipt.to_bytes(),
            files.AUTHOR_SIGN: _pem(self.author.certificate),
            files.SESSION_SIGN: _pem(self.session_sign.certificate),
            files.SESSION_ENCRYPT: _pem(self.session_encrypt.certificate),
        }
        if isinstance(self.signature, JointSignature):
            found |= {files.SIGNATURE: self.signature.data, files.JOINT_KEY: self.joint_pem()}
        else:
            found |= {files.AUTHOR_SIGNATURE: self.signature.signer, files.SESSION_SIGNATURE: self.signature.session}
        if self.time_stamp is not None:
            found[files.TIME_STAMP] = self.time_stamp
        if self.disclosure is not None:
            found[files.DESCRIPTION] = self.disclosure.description.to_der()
            found[files.CONTENT_KEY] = self.disclosure.content_key.to_secret_bytes()
        return {file_name(number, part): data for part, data in found.items()}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A message with the answers to it.

    Confidential: it has the content keys.

    Args:
        message: with disclosure; no answer itself.
        answers: sorted by their authors' names, at most one of each recipient.
        authority: the certificate of the authority that issued all others.
        revocations: its revocation list, DER; not older than any time stamp and entry. None if there is none.

    Raises:
        MalformedInput: BUNDLE_MALFORMED.
    """

    message: DisclosedMessage
    answers: tuple[DisclosedMessage, ...]
    authority: x509.Certificate
    revocations: bytes | None

    def __post_init__(self) -> None:
        if self.message.disclosure is None:
            raise malformed("its message has no content")
        if self.message.statement.answer is not None:
            raise malformed("its message is an answer: those go with what they answer")
        if any(each.statement.answer is None for each in self.answers):
            raise malformed("an answer that answers nothing")
        names = [each.statement.author for each in self.answers]
        if not {each.name for each in self.message.statement.recipients}.issuperset(names):
            raise malformed("an answer of somebody who is no recipient")
        if any(first >= second for first, second in pairwise(names)):
            raise malformed("answers that are not sorted by their authors, or two of one")

    @property
    def messages(self) -> tuple[DisclosedMessage, ...]:
        """The message, then the answers: by their numbers."""
        return (self.message, *self.answers)


def short_files(bundle: Bundle) -> dict[str, bytes]:
    """Every file but manifest, instructions and contents, by name."""
    found = {files.AUTHORITY: _pem(bundle.authority)}
    if bundle.revocations is not None:
        found[files.REVOKED] = bundle.revocations
    for number, message in enumerate(bundle.messages):
        found |= message.files(number)
    return found


def content_digests(bundle: Bundle) -> dict[str, FileDigest]:
    """The contents' files by name, as their descriptions say."""
    described = {number: each.disclosure.description for number, each in enumerate(bundle.messages) if each.disclosure}
    return {
        file_name(number, files.CONTENT): FileDigest(each.length, each.digest) for number, each in described.items()
    }


def read_revocations(bundle: Bundle) -> RevocationList | None:
    """The bundle's revocation list, if it has one; its authority issued it. Raises as ``RevocationList.read``."""
    return None if bundle.revocations is None else RevocationList.read(bundle.revocations, bundle.authority)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
