"""One valid value of every structure, without real keys, and ways of writing DER that is none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.control import ControlMessage, Kind, SignedControl
from contract.announcements.key_change import KeyChange, proof_from_der, proof_to_der
from contract.description import ContentDescription
from contract.drafting.consents import ContractConsent
from contract.drafting.evidence import ContractEvidence
from contract.drafting.records import ContractRecord
from contract.drafting.statements import ContractStatement
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord
from contract.joint_statement import JointStatement
from contract.key_ciphertext import JointKeyCiphertext, NestedKeyCiphertext, read_key_ciphertext, write_key_ciphertext
from contract.log_entry import EntryKind, LogEntry, OperationBody
from contract.permission import PermissionCore, SignedPermission
from contract.session_info import Member, Scheme, SessionInfo
from contract.signatures import JointSignature, SeparateSignature
from contract.signer_keys import SignerAlgorithm
from contract.statement import Answer, Decision, Recipient, Statement
from contract.trailer import SignedStatement
from contract.transactions.binding import BindingCore, SignedBinding
from contract.transactions.transaction import Transaction
from contract.trusteeship.grants import REASON, GrantOrder, GrantRequest
from contract.trusteeship.uses import RecordedUse, UseRecord, UseRequest
from tests.contract.announcements.examples import BY_OLD_KEY, CHANGED, CHANGED_TWICE, CONTROL, IN_LOG
from tests.contract.announcements.examples import SIGNED as SIGNED_ANNOUNCEMENT
from tests.contract.drafting.statements import CONSENTS, CONTRACT_RECORD, CONTRACT_STATEMENTS, EVIDENCE
from tests.contract.transactions.examples import BINDING, CORE, TRANSACTION
from tests.contract.trusteeship.statements import GRANT, ORDER, RECORDED, SIGNED_USE, USE
from tests.contract.trusteeship.statements import RECORD as USE_RECORD
from tests.contract.world import CONTENT, ENVELOPE_ID, NOW, SESSION_ID


def number(value: int) -> bytes:
    """Thirty-two bytes that stand for a fingerprint."""
    return bytes([value]) * 32


MEMBERS: Final = (Member("alice", number(1), number(2)), Member("bob", number(3), number(4)))
INFO: Final = SessionInfo(
    session_id=SESSION_ID,
    revision=4,
    scheme=Scheme.JOINT,
    half_bits=2048,
    subject="Lease of a room",
    place="https://meet.example/room?id=5",
    begin=NOW,
    end=NOW + timedelta(hours=2),
    creator="alice",
    members=MEMBERS,
    invited=("carol",),
)
INFO_WITH_RULE: Final = replace(INFO, all_is_evidence=True)
DESCRIPTION: Final = ContentDescription(
    nonce=number(9),
    content_type="text/plain",
    name="offer.txt",
    length=len(CONTENT),
    digest=hashlib.sha256(CONTENT).digest(),
)
REPLY: Final = replace(DESCRIPTION, in_reply_to=number(8))
STATEMENT: Final = Statement(
    session_id=SESSION_ID,
    session_certificate=number(5),
    author="alice",
    author_certificate=number(1),
    time=NOW + timedelta(minutes=1),
    sequence=7,
    recipients=(Recipient("bob", number(4), 3), Recipient("carol", number(6), 1)),
    description=DESCRIPTION.commitment,
)
ANSWER: Final = Statement(
    session_id=SESSION_ID,
    session_certificate=number(5),
    author="bob",
    author_certificate=number(3),
    time=NOW + timedelta(minutes=2),
    sequence=1,
    recipients=(Recipient("alice", number(2), 1),),
    description=DESCRIPTION.commitment,
    answer=Answer(Decision.ACCEPT, STATEMENT),
)
JOINT_KEY: Final = JointKeyCiphertext(b"\x11" * 512)
NESTED_KEY: Final = NestedKeyCiphertext(b"\x22" * 256, b"\x33" * 96)
HEADER: Final = EnvelopeHeader(
    envelope_id=ENVELOPE_ID,
    session_id=SESSION_ID,
    author="alice",
    session_certificate=number(7),
    keys=(RecipientKey("bob", JOINT_KEY), RecipientKey("carol", JointKeyCiphertext(b"\x44" * 512))),
)
NESTED_HEADER: Final = replace(HEADER, keys=(RecipientKey("bob", NESTED_KEY),))
SIGNED: Final = SignedStatement(STATEMENT, DESCRIPTION, JointSignature(b"\x55" * 512))
SEPARATELY_SIGNED: Final = SignedStatement(
    STATEMENT, DESCRIPTION, SeparateSignature(SignerAlgorithm.ED25519, b"\x66" * 64, b"\x77" * 256)
)
RECORD: Final = EvidenceRecord(
    header=HEADER,
    sender_key=JointKeyCiphertext(b"\x88" * 512),
    statement=STATEMENT,
    signature=JointSignature(b"\x55" * 512),
    segments=1,
    content_length=len(CONTENT) + 16,
    content_digest=number(10),
    trailer=b"\x99" * 900,
)
ENTRY: Final = LogEntry(EntryKind.EVIDENCE, NOW + timedelta(minutes=3), number(11), RECORD.to_der())
OPERATION: Final = OperationBody(
    "laptop", "request-0123456789", "SignStatement", "alice", SESSION_ID, STATEMENT.digest, number(12), ""
)
PERMISSION: Final = SignedPermission(
    PermissionCore(
        statement=STATEMENT.digest,
        entry=ENTRY.leaf_hash,
        grantor="alice",
        grantor_certificate=number(1),
        grantee="dora",
        grantee_certificate=number(13),
        begin=NOW,
        end=NOW + timedelta(days=7),
    ),
    b"\xaa" * 80,
    b"\xbb" * 256,
)


@dataclass(frozen=True)
class Example:
    """A structure's bytes, how they are read, and how what was read is written again.

    Args:
        reason: with which it is refused.
        data: valid.
        read_and_write: raises, or returns ``data``.
        also_valid: names of those of ``not_der`` that are another valid value: two fields of one kind, swapped.
    """

    reason: str
    data: bytes
    read_and_write: Callable[[bytes], bytes]
    also_valid: frozenset[str] = frozenset()


EXAMPLES: Final = {
    "session info": Example("SESSION_INFO_MALFORMED", INFO.to_der(), lambda d: SessionInfo.from_der(d).to_der()),
    "session info with rule": Example(
        "SESSION_INFO_MALFORMED", INFO_WITH_RULE.to_der(), lambda d: SessionInfo.from_der(d).to_der()
    ),
    "statement": Example("STATEMENT_MALFORMED", STATEMENT.to_der(), lambda d: Statement.from_der(d).to_der()),
    "answer": Example("STATEMENT_MALFORMED", ANSWER.to_der(), lambda d: Statement.from_der(d).to_der()),
    "description": Example(
        "DESCRIPTION_MALFORMED", DESCRIPTION.to_der(), lambda d: ContentDescription.from_der(d).to_der()
    ),
    "reply": Example("DESCRIPTION_MALFORMED", REPLY.to_der(), lambda d: ContentDescription.from_der(d).to_der()),
    "header": Example("ENVELOPE_MALFORMED", HEADER.to_der(), lambda d: EnvelopeHeader.from_der(d).to_der()),
    "nested header": Example(
        "ENVELOPE_MALFORMED", NESTED_HEADER.to_der(), lambda d: EnvelopeHeader.from_der(d).to_der()
    ),
    "key ciphertext": Example(
        "KEY_CIPHERTEXT_MALFORMED",
        write_key_ciphertext(NESTED_KEY),
        lambda d: write_key_ciphertext(read_key_ciphertext(d)),
    ),
    "signed statement": Example("TRAILER_MALFORMED", SIGNED.to_der(), lambda d: SignedStatement.from_der(d).to_der()),
    "separately signed statement": Example(
        "TRAILER_MALFORMED", SEPARATELY_SIGNED.to_der(), lambda d: SignedStatement.from_der(d).to_der()
    ),
    "log entry": Example("LOG_ENTRY_MALFORMED", ENTRY.to_der(), lambda d: LogEntry.from_der(d).to_der()),
    "operation": Example(
        "LOG_ENTRY_MALFORMED",
        OPERATION.to_der(),
        lambda d: OperationBody.from_der(d).to_der(),
        frozenset(f"fields {index} and {index + 1} swapped" for index in (1, 2, 3, 4, 6)),
    ),
    "evidence record": Example(
        "EVIDENCE_RECORD_MALFORMED", RECORD.to_der(), lambda d: EvidenceRecord.from_der(d).to_der()
    ),
    "permission core": Example(
        "PERMISSION_MALFORMED",
        PERMISSION.core.to_der(),
        lambda d: PermissionCore.from_der(d).to_der(),
        frozenset({"fields 1 and 2 swapped"}),
    ),
    "signed permission": Example(
        "PERMISSION_MALFORMED", PERMISSION.to_der(), lambda d: SignedPermission.from_der(d).to_der()
    ),
    "grant request": Example(REASON, GRANT.to_der(), lambda d: GrantRequest.from_der(d).to_der()),
    "grant order": Example(REASON, ORDER.to_der(), lambda d: GrantOrder.from_der(d).to_der()),
    "use request": Example(REASON, USE.to_der(), lambda d: UseRequest.from_der(d).to_der()),
    "use record": Example(REASON, USE_RECORD.to_der(), lambda d: UseRecord.from_der(d).to_der()),
    "joint statement": Example(
        "JOINT_STATEMENT_MALFORMED",
        SIGNED_USE.to_der(),
        lambda d: JointStatement.from_der(d).to_der(),
        frozenset({"fields 0 and 1 swapped"}),
    ),
    "recorded use": Example(REASON, RECORDED.to_der(), lambda d: RecordedUse.from_der(d).to_der()),
    "contract statement": Example(
        "CONTRACT_STATEMENT_MALFORMED",
        CONTRACT_STATEMENTS[0].to_der(),
        lambda d: ContractStatement.from_der(d).to_der(),
        frozenset({"fields 5 and 6 swapped"}),
    ),
    "contract consent": Example(
        "CONTRACT_STATEMENT_MALFORMED", CONSENTS[0].to_der(), lambda d: ContractConsent.from_der(d).to_der()
    ),
    "contract evidence": Example(
        "CONTRACT_EVIDENCE_MALFORMED", EVIDENCE.to_der(), lambda d: ContractEvidence.from_der(d).to_der()
    ),
    "contract record": Example(
        "CONTRACT_EVIDENCE_MALFORMED",
        CONTRACT_RECORD.to_der(),
        lambda d: ContractRecord.from_der(d).to_der(),
        frozenset({"fields 2 and 3 swapped"}),
    ),
    "transaction": Example(
        "TRANSACTION_MALFORMED",
        TRANSACTION.to_der(),
        lambda d: Transaction.from_der(d).to_der(),
        frozenset({"fields 2 and 3 swapped", "fields 3 and 4 swapped"}),
    ),
    "binding core": Example(
        "BINDING_MALFORMED",
        CORE.to_der(),
        lambda d: BindingCore.from_der(d).to_der(),
        frozenset({"fields 2 and 3 swapped"}),
    ),
    "signed binding": Example("BINDING_MALFORMED", BINDING.to_der(), lambda d: SignedBinding.from_der(d).to_der()),
    "announcement": Example(
        "ANNOUNCEMENT_MALFORMED", SIGNED_ANNOUNCEMENT.announcement.to_der(), lambda d: Announcement.from_der(d).to_der()
    ),
    "announcement of a change": Example(
        "ANNOUNCEMENT_MALFORMED", CHANGED.announcement.to_der(), lambda d: Announcement.from_der(d).to_der()
    ),
    "announcement of changes": Example(
        "ANNOUNCEMENT_MALFORMED",
        CHANGED_TWICE.announcement.to_der(),
        lambda d: Announcement.from_der(d).to_der(),
        frozenset({"field 9 missing"}),
    ),
    "signed announcement": Example(
        "ANNOUNCEMENT_MALFORMED", SIGNED_ANNOUNCEMENT.to_der(), lambda d: SignedAnnouncement.from_der(d).to_der()
    ),
    "key change": Example(
        "KEY_CHANGE_MALFORMED",
        BY_OLD_KEY.change.to_der(),
        lambda d: KeyChange.from_der(d).to_der(),
        frozenset({"fields 3 and 4 swapped", "fields 4 and 5 swapped"}),
    ),
    "change by the old key": Example(
        "KEY_CHANGE_MALFORMED", proof_to_der(BY_OLD_KEY), lambda d: proof_to_der(proof_from_der(d))
    ),
    "change in the log": Example(
        "KEY_CHANGE_MALFORMED", proof_to_der(IN_LOG), lambda d: proof_to_der(proof_from_der(d))
    ),
    **{
        f"control message: {kind}": Example(
            "CONTROL_MALFORMED",
            signed.message.to_der(),
            lambda d: ControlMessage.from_der(d).to_der(),
            frozenset({"fields 4 and 5 swapped"}),
        )
        for kind, signed in CONTROL.items()
    },
    "signed control message": Example(
        "CONTROL_MALFORMED", CONTROL[Kind.BLOCK].to_der(), lambda d: SignedControl.from_der(d).to_der()
    ),
}


_OPTIONAL: Final = (0x01, 0x80, 0xA0)  # as the last field of a session info, description or statement


def tlv(tag: int, content: bytes) -> bytes:
    """DER of one value."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each value of a run of DER."""
    found = []
    while data:
        length, begin = data[1], 2
        if length & 0x80:
            begin += length & 0x7F
            length = int.from_bytes(data[2:begin], "big")
        found.append((data[0], data[begin : begin + length]))
        data = data[begin + length :]
    return found


def fields(data: bytes) -> list[bytes]:
    """The fields of a SEQUENCE, each whole."""
    [(_, content)] = parts(data)
    return [tlv(tag, inner) for tag, inner in parts(content)]


def sequence(members: list[bytes]) -> bytes:
    """A SEQUENCE of these."""
    return tlv(0x30, b"".join(members))


def not_der(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The same value written otherwise, and bytes that are no value."""
    [(_, content)] = parts(data)
    members = fields(data)
    length = len(content)
    yield "empty", b""
    yield "cut", data[:-1]
    yield "byte behind", data + b"\x00"
    yield "itself behind", data + data
    yield "long length", b"\x30\x84" + length.to_bytes(4, "big") + content
    yield "indefinite length", b"\x30\x80" + content + b"\x00\x00"
    yield "set", tlv(0x31, content)
    yield "nothing in it", sequence([])
    yield "another field", sequence([*members, b"\x05\x00"])
    yield "long integer", sequence([b"\x02\x02\x00\x01", *members[1:]])
    yield "other version", sequence([b"\x02\x01\x02", *members[1:]])
    for index in range(len(members)):
        if members[index][0] not in _OPTIONAL:
            yield f"field {index} missing", sequence(members[:index] + members[index + 1 :])
        yield f"field {index} twice", sequence([*members[: index + 1], *members[index:]])
        if index and members[index - 1] != members[index]:
            swapped = list(members)
            swapped[index - 1 : index + 1] = reversed(swapped[index - 1 : index + 1])
            yield f"fields {index - 1} and {index} swapped", sequence(swapped)
