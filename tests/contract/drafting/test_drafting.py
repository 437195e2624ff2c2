"""What contract statements, consents and evidence say is checked when they are made: each case spoils one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from contract.drafting.consents import ConsentedSigner, ContractConsent
from contract.drafting.evidence import ContractEvidence
from contract.drafting.marks import check_mark, make_mark
from contract.drafting.records import ContractRecord
from contract.drafting.statements import REASON, ContractSigner, ContractStatement
from contract.joint_statement import MAX_STATEMENT_BYTES, JointStatement
from tests.contract.drafting.statements import (
    CONSENTS,
    CONTRACT_RECORD,
    CONTRACT_STATEMENTS,
    DOCUMENT_KEYS,
    EVIDENCE,
    MARKS,
    SIGNER_EVIDENCE,
    SIGNERS,
)
from tests.contract.refusals import unverified
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

ALICE, BOB = CONTRACT_STATEMENTS
BAD_EVIDENCE = "CONTRACT_EVIDENCE_MALFORMED"
MANY = tuple(ContractSigner(f"signer{number:02}", bytes([number]) * 32) for number in range(11))
DIGESTS = (REASON, (b"", bytes(31), bytes(33)))
COMMON: dict[str, tuple[str, tuple[Any, ...]]] = {
    "contract_id": ("CONTRACT_ID_MALFORMED", ("", "contract-", "session-abcdefghijklmnopqrstuvwxy2")),
    "number": (REASON, (0, -1, 1_000_001)),
    "text_digest": DIGESTS,
    "signer": (REASON, ("", "carol")),
    "time": (REASON, (NOW.replace(microsecond=1), NOW.replace(tzinfo=None))),
}
STATEMENT: dict[str, tuple[str, tuple[Any, ...]]] = COMMON | {
    "title": ("TITLE_MALFORMED", ("", "x" * 201, "a\u202eb", "a\nb")),
    "draft_digest": DIGESTS,
    "signers": (REASON, (SIGNERS[:1], SIGNERS[::-1], (SIGNERS[0], *SIGNERS), MANY)),
    "document_key": DIGESTS,
}
SEEN = CONSENTS[0].signers
CONSENT: dict[str, tuple[str, tuple[Any, ...]]] = COMMON | {"signers": (REASON, (SEEN[:1], SEEN[::-1]))}


@pytest.mark.parametrize(("good", "wrong"), [(ALICE, STATEMENT), (CONSENTS[0], CONSENT)], ids=["statement", "consent"])
def test_what_a_field_may_say(
    good: ContractStatement | ContractConsent, wrong: dict[str, tuple[str, tuple[Any, ...]]]
) -> None:
    """Every field has its range."""
    for field, (reason, values) in wrong.items():
        for value in values:
            with malformed(reason):
                replace(good, **{field: value})
    for signer in (SIGNERS[0], SEEN[0]):
        with malformed("ACCOUNT_NAME_MALFORMED"):
            replace(signer, account="Alice")
        with malformed(REASON):
            replace(signer, certificate=bytes(31))
    with malformed(REASON):
        replace(SEEN[0], statement=bytes(31))


def test_one_kind_of_statement_is_no_other() -> None:
    """What is signed says what it is."""
    with malformed(REASON):
        ContractConsent.from_der(ALICE.to_der())
    with malformed(REASON):
        ContractStatement.from_der(CONSENTS[0].to_der())


def test_the_largest_are_read() -> None:
    """Ten signers with the longest names, and the longest title that there is."""
    signers = tuple(replace(each, account=each.account.ljust(63, "x")) for each in MANY[:10])
    largest = replace(ALICE, title="字" * 200, number=1_000_000, signers=signers, signer=signers[0].account)
    data = largest.to_der()
    assert len(data) < MAX_STATEMENT_BYTES
    assert ContractStatement.from_der(data) == largest
    statements = [replace(largest, signer=each.account) for each in signers]
    consent = ContractConsent.to_all(statements[::-1], signers[0].account, NOW)
    assert ContractConsent.from_der(consent.to_der()) == consent
    assert [each.account for each in consent.signers] == [each.account for each in signers]


def test_a_mark_holds_for_its_statement_alone() -> None:
    """Another word, key or signer: it does not."""
    for statement, mark in zip(CONTRACT_STATEMENTS, MARKS, strict=True):
        check_mark(statement, mark)
    other_key = DOCUMENT_KEYS[1].public_key().public_bytes_raw()
    wrong = [
        (ALICE, MARKS[1]),
        (replace(ALICE, time=NOW + timedelta(seconds=1)), MARKS[0]),
        (replace(ALICE, number=4), MARKS[0]),
        (replace(ALICE, document_key=other_key), MARKS[0]),
        (replace(ALICE, document_key=b"\xff" * 32), MARKS[0]),
        (ALICE, make_mark(DOCUMENT_KEYS[1], ALICE)),
        (ALICE, MARKS[0][:-1]),
        (ALICE, b""),
    ]
    for statement, mark in wrong:
        with unverified("CONTRACT_MARK_INVALID"):
            check_mark(statement, mark)


def test_evidence_is_of_one_contract() -> None:
    """Every part of another one, or of another signer, is refused, and so is one that is missing."""
    alice, bob = SIGNER_EVIDENCE
    signature = alice.signed.signature
    consented = alice.consent

    def signing(**changed: Any) -> JointStatement:  # noqa: ANN401  # whatever a statement has
        return JointStatement(replace(alice.statement, **changed).to_der(), signature)

    def consenting(**changed: Any) -> JointStatement:  # noqa: ANN401  # whatever a consent has
        return JointStatement(replace(consented, **changed).to_der(), signature)

    other = ConsentedSigner("bob", SIGNERS[1].certificate, bytes(32))
    wrong: list[dict[str, Any]] = [
        {"signers": (alice,)},
        {"signers": (bob, alice)},
        {"signers": ()},
        {"signers": (alice, bob, bob)},
        *(
            {"signers": (replace(alice, signed=signing(**changed)), bob)}
            for changed in (
                {"number": 4},
                {"title": "Another"},
                {"draft_digest": bytes(32)},
                {"text_digest": bytes(32)},
                {"contract_id": "contract-" + "a" * 26},
                {"signers": (SIGNERS[0], ContractSigner("bob", bytes(32)))},
            )
        ),
        *(
            {"signers": (replace(alice, consented=consenting(**changed)), bob)}
            for changed in (
                {"number": 4},
                {"text_digest": bytes(32)},
                {"contract_id": "contract-" + "a" * 26},
                {"signer": "bob"},
                {"signers": (consented.signers[0], other)},
            )
        ),
        {"serial": 0},
        {"serial": 1 << 40},
        {"time": NOW.replace(microsecond=1)},
        {"authority": b""},
    ]
    for changed in wrong:
        with malformed(BAD_EVIDENCE):
            replace(EVIDENCE, **changed)
    spoiling: list[dict[str, Any]] = [{"certificate": b"another"}, {"certificate": b""}, {"mark": bytes(63)}]
    for spoilt in spoiling:
        with malformed(BAD_EVIDENCE):
            replace(alice, **spoilt)


def test_evidence_says_what_the_watermark_carries() -> None:
    """Marks in the order of the signers, the text's digest, and whose contract it is."""
    assert EVIDENCE.marks == MARKS
    assert (EVIDENCE.contract_id, EVIDENCE.text_digest) == (ALICE.contract_id, ALICE.text_digest)
    assert EVIDENCE.digest == sha256(EVIDENCE.to_der()).digest()
    assert ContractEvidence.from_der(EVIDENCE.to_der()) == EVIDENCE
    assert ContractRecord.from_der(CONTRACT_RECORD.to_der()) == CONTRACT_RECORD
    with malformed(BAD_EVIDENCE):
        replace(CONTRACT_RECORD, pdf_digest=b"")
    with malformed(BAD_EVIDENCE):
        replace(CONTRACT_RECORD, docx_digest=b"")
