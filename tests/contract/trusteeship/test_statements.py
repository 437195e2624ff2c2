"""What statements about organisation keys say is checked when they are made: each case spoils one thing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement
from contract.trusteeship.grants import REASON, GrantOrder, GrantRequest, grant_id
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm
from tests.contract.refusals import unverified
from tests.contract.trusteeship.statements import GRANT, ORDER, RECORD, RECORDED, SIGNED_USE, USE
from tests.contract.world import NOW
from tests.mpc.refusals import malformed

NAMES = ("ACCOUNT_NAME_MALFORMED", ("", "Acme", "a b"))
DIGESTS = (REASON, (b"", bytes(31), bytes(33)))
TIMES = (REASON, (NOW.replace(microsecond=1), NOW.replace(tzinfo=None)))
KEY_IDS = (REASON, ("", "orgkey-", "orgkey-abcdefghijklmn2", "orgkey-abcdefghijklmn278", "orgkey-ABCDEFGHIJKLMN27"))
KINDS = ("Offer", "-offer", "offer.", "x" * 33, "of fer")

GRANTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "organisation": NAMES,
    "key_id": KEY_IDS,
    "key_certificate": DIGESTS,
    "user": NAMES,
    "user_certificate": DIGESTS,
    "document_kinds": (
        REASON,
        (("offer", "letter"), ("offer", "offer"), *((kind,) for kind in ("", *KINDS)), tuple("abcdefghijklmnopq")),
    ),
    "digests": (
        REASON,
        (GRANT.digests[::-1], GRANT.digests[:1] * 2, (b"",), tuple(n.to_bytes(32) for n in range(257))),
    ),
    "uses": (REASON, (0, -1, 1_000_001)),
    "begin": (REASON, (*TIMES[1], GRANT.end)),
    "end": TIMES,
    "approvals": (REASON, (0, 65)),
    "reason": ("WHY_MALFORMED", ("", "x" * 1025, "a\u202eb")),
    "nonce": (REASON, (b"", bytes(15), bytes(17))),
}
ORDERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "grant": DIGESTS,
    "round": (REASON, (0, 1 << 63)),
    "administrator": NAMES,
    "administrator_certificate": DIGESTS,
    "reason": ("WHY_MALFORMED", ("x" * 1025, " a")),
    "time": TIMES,
}
USES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "grant": DIGESTS,
    "request_id": (REASON, ("", "x" * 15, "x" * 65, "request 0123456789")),
    "organisation": NAMES,
    "key_id": KEY_IDS,
    "user": NAMES,
    "user_certificate": DIGESTS,
    "operation": (REASON, (KeyOperation.ECDSA_SHA384,)),
    "digest": (REASON, (b"", bytes(31), bytes(48))),
    "label": (REASON, (b"x",)),
    "document_kind": (REASON, KINDS),
    "reason": ("WHY_MALFORMED", ("",)),
    "time": TIMES,
}
RECORDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "request": DIGESTS,
    "organisation": NAMES,
    "key_id": KEY_IDS,
    "number": (REASON, (0, 2, 1 << 63)),
    "user": NAMES,
    "user_certificate": DIGESTS,
    "user_number": (REASON, (0, 8)),
    "outcome": (REASON, (UseOutcome.FAILED, UseOutcome.REFUSED, UseOutcome.ABANDONED)),
    "detail": (REASON, ("GRANT_REVOKED",)),
    "result": DIGESTS,
    "time": TIMES,
}
REFUSED = replace(RECORD, outcome=UseOutcome.REFUSED, detail="GRANT_REVOKED", result=b"")


@pytest.mark.parametrize(
    ("good", "wrong"),
    [(GRANT, GRANTS), (ORDER, ORDERS), (USE, USES), (RECORD, RECORDS)],
    ids=["grant request", "order", "use request", "record"],
)
def test_what_a_field_may_say(
    good: GrantRequest | GrantOrder | UseRequest | UseRecord, wrong: dict[str, tuple[str, tuple[Any, ...]]]
) -> None:
    """Every field has its range."""
    for field, (reason, values) in wrong.items():
        for value in values:
            with malformed(reason):
                replace(good, **{field: value})


def test_a_record_says_what_its_outcome_is() -> None:
    """A result where there is one, and else a reason; a signature where users sign."""
    wrong: list[dict[str, Any]] = [{"detail": ""}, {"detail": "for no reason"}, {"result": bytes(32)}]
    for spoilt in wrong:
        with malformed(REASON):
            replace(REFUSED, **spoilt)
    recorded = replace(RECORDED, record=REFUSED, signature=b"")
    assert RecordedUse.from_der(recorded.to_der()) == recorded
    assert recorded.signed_record is None
    assert RECORDED.signed_record == JointStatement(RECORD.to_der(), RECORDED.signature)
    for record, signature in ((REFUSED, b"\x66"), (RECORD, b""), (RECORD, bytes(1025))):
        with malformed(REASON):
            replace(RECORDED, record=record, signature=signature)


def test_a_record_belongs_to_its_request() -> None:
    """By its digest, and by every name."""
    other = RECORD.to_der().replace(RECORD.request, bytes(32))
    with malformed(REASON):
        RecordedUse.from_der(RECORDED.to_der().replace(RECORD.to_der(), other))
    others: dict[str, Any] = {
        "request": bytes(32),
        "organisation": "other",
        "key_id": "orgkey-bbbbbbbbbbbbbbbb",
        "user": "bob",
        "user_certificate": bytes(32),
    }
    for field, value in others.items():
        with malformed(REASON):
            replace(RECORDED, record=replace(RECORD, **{field: value}))
    with malformed(REASON):  # signed anew it is another request
        replace(RECORDED, request=replace(SIGNED_USE, signature=b"\x77"))


def test_the_largest_statements_are_read() -> None:
    """With all that a grant may name."""
    largest = replace(
        GRANT,
        organisation="o" * 63,
        user="u" * 63,
        document_kinds=tuple(f"{index:032}" for index in range(16)),
        digests=tuple(index.to_bytes(32) for index in range(256)),
        uses=1_000_000,
        approvals=64,
        reason="r" * 1024,
    )
    assert GrantRequest.from_der(largest.to_der()) == largest
    use = replace(
        USE,
        organisation="o" * 63,
        user="u" * 63,
        operation=KeyOperation.OAEP_SHA512_SHA512,
        label=bytes(1024),
        reason="r" * 1024,
    )
    signed = JointStatement(use.to_der(), bytes(1024))
    record = replace(
        RECORD, request=hashlib.sha256(signed.to_der()).digest(), organisation=use.organisation, user=use.user
    )
    recorded = RecordedUse(signed, record, bytes(1024))
    assert RecordedUse.from_der(recorded.to_der()) == recorded
    assert recorded.asked == use


def test_a_grant_is_named_by_what_it_says() -> None:
    """Any other word makes another name."""
    assert grant_id(GRANT.digest) == f"grant-{GRANT.digest.hex()[:32]}"
    assert replace(GRANT, nonce=bytes(16)).digest != GRANT.digest


def test_a_statement_is_signed_by_its_key(rsa_key: rsa.RSAPrivateKey) -> None:
    """As the algorithm of all statements says; another key, word or algorithm does not hold."""
    padding = STATEMENT_ALGORITHM.to_cryptography_padding()
    statement = ORDER.to_der()
    signed = JointStatement(statement, rsa_key.sign(statement, padding, SHA256()))
    JointStatement.from_der(signed.to_der()).check(rsa_key.public_key())
    changed = replace(ORDER, time=ORDER.time + timedelta(seconds=1)).to_der()
    sha384 = SignatureAlgorithm.PSS_SHA384.to_cryptography_padding()
    for wrong in (
        replace(signed, statement=changed),
        replace(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1])),
        replace(signed, signature=rsa_key.sign(statement, sha384, SHA384())),
    ):
        with unverified("SIGNATURE_INVALID"):
            wrong.check(rsa_key.public_key())


def test_operations_say_what_they_are() -> None:
    """Each belongs to one purpose and one kind of key, and is what the libraries call it."""
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for operation in KeyOperation:
        signs = operation.purpose is Purpose.SIGN
        if operation.is_ecdsa:
            assert KeyOperation.of_ecdsa(operation.hash) is operation
        elif signs:
            assert KeyOperation.of_signature(operation.signature_algorithm()) is operation
        else:
            assert KeyOperation.of_oaep(operation.oaep(b"x")) is operation
        assert operation.fits(curve) is operation.is_ecdsa
    mixed = OaepParameters(HashAlgorithm.SHA512, HashAlgorithm.SHA256, b"x")
    assert KeyOperation.of_oaep(mixed).oaep(b"x") == mixed
    assert replace(USE, operation=KeyOperation.ECDSA_SHA384, digest=bytes(48)).limited_digest == b""
    assert USE.limited_digest == USE.digest
