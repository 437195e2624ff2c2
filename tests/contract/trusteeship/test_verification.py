"""The report on a records export: each thing that can be wrong is found, named with its record, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from contract.bundle.checks import BundleTrust
from contract.log_entry import EntryKind
from contract.oids import DEFAULT_ARC
from contract.profiles import signer_profile
from contract.report import Outcome
from contract.trusteeship import verification
from contract.trusteeship.export import ExportedCertificate, ExportedGrant, ExportedRecord, ExportHead, Part
from contract.trusteeship.export_reading import is_export, read_export
from contract.trusteeship.grants import GrantAction
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import UseOutcome
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose
from server.identity.own_profiles import organisation_profile, personal_profile
from tests.contract.trusteeship.exports import (
    APPROVED,
    LOG,
    ORIGIN,
    Made,
    Office,
    key_of,
    make,
    orders,
    record,
    sign,
    use,
    verify,
    write,
)
from tests.contract.world import NOW, Issuer
from tests.mpc.refusals import malformed
from transparency.checkpoint import Checkpoint
from transparency.keys import VerifierKey

A, R, S = GrantAction.APPROVE, GrantAction.REVOKE, GrantAction.SUSPEND
Found = set[tuple[int, str, str]]
USED = (1, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def office() -> Office:
    """Acme."""
    return Office()


def everywhere(name: str, reason: str, numbers: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> Found:
    """The same of several records."""
    return {(number, name, reason) for number in numbers}


def with_record(made: Made, number: int, **changes: object) -> list[Part]:
    """One record is another one, signed and logged as it is."""
    words = made.grant.words
    asked = use(made.office, words, number, **{key: value for key, value in changes.items() if key in _OF_USE})
    rest = {key: value for key, value in changes.items() if key not in _OF_USE}
    made.recorded[number - 1] = record(asked, number, **rest)  # type: ignore[arg-type]
    return made.parts()


_OF_USE = {"grant", "organisation", "operation", "digest", "document_kind", "user", "time"}


def with_orders(made: Made, *what: tuple[str, GrantAction, int]) -> list[Part]:
    """Other orders about the grant."""
    return with_grant(made, orders=orders(made.office, made.grant.words.digest, *what))


def with_grant(made: Made, **changes: object) -> list[Part]:
    """Another grant part."""
    made.grant = replace(made.grant, **changes)  # type: ignore[arg-type]
    return made.parts()


def with_certificate(made: Made, name: str, certificate: object) -> list[Part]:
    """Another certificate of that name, and all that names it signed anew."""
    office = replace(made.office, certificates=dict(made.office.certificates))
    office.certificates = {**made.office.certificates, name: certificate}  # type: ignore[dict-item]
    return make(office).parts()


def without(made: Made, kind: type[Part], which: Callable[[Part], bool] = lambda _: True) -> list[Part]:
    """Some parts left out."""
    return [part for part in made.parts() if not (isinstance(part, kind) and which(part))]


def removed(made: Made, *numbers: int) -> list[Part]:
    """The operator took records away, from the log too, and counts those that are left."""
    made.recorded = [each for each in made.recorded if each.record.number not in numbers]
    return made.parts()


def revoked(made: Made, name: str, minutes: int) -> list[Part]:
    """So many minutes after NOW."""
    made.revoked = ((made.office.certificates[name], NOW + timedelta(minutes=minutes), None),)
    return made.parts()


def reissued(made: Made, name: str, **changes: object) -> list[Part]:
    """Somebody's certificate as it should not be."""
    key = key_of(name).public_key()
    profile = personal_profile(name, name, Purpose.SIGN, key)
    return with_certificate(made, name, made.office.authority.issue(profile, key, **changes))  # type: ignore[arg-type]


def signer_alone(made: Made) -> list[Part]:
    """Alice signs by a certificate for contract sessions, whose key she has alone."""
    key = key_of("alice").public_key()
    profile = signer_profile("alice", "Alice", Purpose.SIGN, key, DEFAULT_ARC)
    return with_certificate(made, "alice", made.office.authority.issue(profile, key))


def of_other_organisation(made: Made) -> list[Part]:
    """The key's certificate."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    profile = organisation_profile("other", "Other", Purpose.SIGN, key)
    return with_certificate(made, "acme", made.office.authority.issue(profile, key))


def logged_early(made: Made) -> list[Part]:
    """An hour before it was signed."""
    made.entry_time = lambda each: each.record.time - timedelta(hours=each.record.number == 4)
    return made.parts()


def logged_late(made: Made) -> list[Part]:
    """An hour after it was made."""
    made.entry_time = lambda each: each.record.time + timedelta(hours=each.record.number == 4)
    return made.parts()


def unproven(made: Made) -> list[Part]:
    """The proof of another record."""
    *rest, before, last = made.parts()
    assert isinstance(before, ExportedRecord)
    assert isinstance(last, ExportedRecord)
    return [*rest, before, replace(last, proof=before.proof)]


def unreadable(made: Made) -> list[Part]:
    """A byte within the record."""
    parts = made.parts()
    hurt = parts[-3]
    assert isinstance(hurt, ExportedRecord)
    parts[-3] = replace(hurt, entry=hurt.entry[:200] + bytes([hurt.entry[200] ^ 1]) + hurt.entry[201:])
    return parts


def another_checkpoint(made: Made) -> list[Part]:
    """Not signed by this log."""
    head, *rest = made.parts()
    assert isinstance(head, ExportHead)
    forged = Checkpoint(ORIGIN, 6, bytes(32)).sign(Ed25519PrivateKey.generate()).to_bytes()
    return [replace(head, checkpoint=forged), *rest]


CASES: dict[str, tuple[Callable[[Made], list[Part]], Found, set[str]]] = {
    "removed": (lambda made: removed(made, 4), {(4, "number", "RECORD_MISSING")}, set()),
    "the first ones removed": (lambda made: removed(made, 1, 2), {(1, "number", "RECORD_MISSING")}, set()),
    "twice": (
        lambda made: [*(parts := made.parts()), parts[-1]],
        {(6, "number", "RECORD_REPEATED"), (6, "user-number", "RECORD_REPEATED")},
        {"RECORDS_CUT"},
    ),
    "the last one cut off": (lambda made: made.parts()[:-1], set(), {"RECORDS_CUT"}),
    "numbered anew": (
        lambda made: with_record(made, 6, user_number=5),
        {(6, "user-number", "RECORD_REPEATED")},
        set(),
    ),
    "earlier than the one before": (
        lambda made: with_record(made, 5, time=NOW + timedelta(minutes=3)),
        {(5, "time", "RECORD_TIME_WRONG")},
        set(),
    ),
    "unreadable": (unreadable, {(4, "record", "TRUST_STATEMENT_MALFORMED")}, set()),
    "of another key": (
        lambda made: with_record(made, 6, organisation="other"),
        {(6, "record", "RECORD_OF_OTHER_KEY"), (6, "allowed", "GRANT_OF_OTHER_USER")},
        set(),
    ),
    "entries of another kind": (
        lambda made: replace(made, kind=EntryKind.EVIDENCE).parts(),
        everywhere("record", "ENTRY_OF_OTHER_KIND"),
        set(),
    ),
    "not in the log": (unproven, {(6, "log", "INCLUSION_NOT_PROVEN")}, set()),
    "logged late": (logged_late, {(4, "log-time", "LOGGED_LATE")}, set()),
    "logged before it was signed": (logged_early, {(4, "log-time", "LOGGED_BEFORE_SIGNED")}, set()),
    "request by another key": (
        lambda made: with_record(made, 4, request_by="bob"),
        {(4, "signature", "SIGNATURE_INVALID")},
        set(),
    ),
    "record by another key": (
        lambda made: with_record(made, 4, record_by="bob"),
        {(4, "signature", "SIGNATURE_INVALID")},
        set(),
    ),
    "refusal by another key": (
        lambda made: with_record(made, 2, request_by="bob"),
        {(2, "signature", "SIGNATURE_INVALID")},
        set(),
    ),
    "certificate left out": (
        lambda made: without(
            made,
            ExportedCertificate,
            lambda part: part == ExportedCertificate(_der(made.office, "alice")),
        ),
        everywhere("certificate", "CERTIFICATE_MISSING") | everywhere("grant", "CERTIFICATE_MISSING", USED),
        set(),
    ),
    "certificate of another account": (
        lambda made: with_record(made, 4, user="bob"),
        {
            (4, "certificate", "CERTIFICATE_OF_OTHER_ACCOUNT"),
            (4, "allowed", "GRANT_OF_OTHER_USER"),
            (4, "user-number", "RECORD_OF_USER_MISSING"),
            (5, "user-number", "RECORD_OF_USER_MISSING"),
        },
        set(),
    ),
    "certificate by another authority": (
        lambda made: with_certificate(made, "alice", Office(Issuer()).certificates["alice"]),
        everywhere("certificate", "CERTIFICATE_NOT_ISSUED") | everywhere("grant", "CERTIFICATE_NOT_ISSUED", USED),
        set(),
    ),
    "certificate that had ended": (
        lambda made: reissued(made, "alice", end=NOW + timedelta(minutes=4)),
        everywhere("certificate", "CERTIFICATE_NOT_VALID", (4, 5, 6)),
        set(),
    ),
    "half alone": (
        signer_alone,
        everywhere("certificate", "CERTIFICATE_MALFORMED") | everywhere("grant", "CERTIFICATE_MALFORMED", USED),
        set(),
    ),
    "revoked meanwhile": (
        lambda made: revoked(made, "alice", 4),
        everywhere("not-revoked", "CERTIFICATE_REVOKED", (4, 5, 6)),
        set(),
    ),
    "grant left out": (lambda made: without(made, ExportedGrant), everywhere("grant", "GRANT_MISSING", USED), set()),
    "grant by another key": (
        lambda made: with_grant(made, request=sign(made.grant.words, "bob")),
        everywhere("grant", "SIGNATURE_INVALID", USED),
        set(),
    ),
    "approved by one": (
        lambda made: with_orders(made, APPROVED[0]),
        everywhere("grant", "GRANT_NOT_APPROVED", USED),
        set(),
    ),
    "approved by one twice": (
        lambda made: with_orders(made, APPROVED[0], APPROVED[0]),
        everywhere("grant", "GRANT_ORDER_WRONG", USED),
        set(),
    ),
    "approved by its user": (
        lambda made: with_orders(made, APPROVED[0], ("alice", A, 1)),
        everywhere("grant", "GRANT_ORDER_WRONG", USED),
        set(),
    ),
    "approved in an earlier round": (
        lambda made: with_orders(made, *APPROVED, ("dora", S, 1), *APPROVED),
        everywhere("grant", "GRANT_ORDER_WRONG", USED),
        set(),
    ),
    "approval of another grant": (
        lambda made: with_grant(made, orders=orders(made.office, bytes(32), *APPROVED)),
        everywhere("grant", "GRANT_ORDER_WRONG", USED),
        set(),
    ),
    "approval by another key": (
        lambda made: with_grant(
            made, orders=(made.grant.orders[0], replace(made.grant.orders[1], signature=made.grant.orders[0].signature))
        ),
        everywhere("grant", "SIGNATURE_INVALID", USED),
        set(),
    ),
    "administrator's certificate revoked": (
        lambda made: revoked(made, "bob", -70),
        everywhere("grant", "CERTIFICATE_REVOKED", USED),
        set(),
    ),
    "used after it was suspended": (
        lambda made: with_orders(made, *APPROVED, ("dora", S, 1)),
        everywhere("grant", "GRANT_NOT_ACTIVE", USED),
        set(),
    ),
    "used after it was revoked": (
        lambda made: with_orders(made, *APPROVED, ("dora", R, 1)),
        everywhere("grant", "GRANT_NOT_ACTIVE", USED),
        set(),
    ),
    "another kind": (
        lambda made: with_record(made, 4, document_kind="will"),
        {(4, "allowed", "KIND_OUTSIDE_GRANT")},
        set(),
    ),
    "another digest": (
        lambda made: with_record(made, 4, digest=bytes(32)),
        {(4, "allowed", "DIGEST_OUTSIDE_GRANT")},
        set(),
    ),
    "another kind of key": (
        lambda made: with_record(made, 4, operation=KeyOperation.PSS_SHA256),
        {(4, "allowed", "OPERATION_NOT_OF_KEY")},
        set(),
    ),
    "after the grant": (
        lambda made: make(made.office, end=NOW - timedelta(minutes=5, seconds=30)).parts(),
        everywhere("allowed", "GRANT_ENDED", (5, 6)),
        set(),
    ),
    "too often": (
        lambda made: make(made.office, uses=3).parts(),
        everywhere("uses", "GRANT_USED_UP", (5, 6)),
        set(),
    ),
    "key of another organisation": (
        of_other_organisation,
        everywhere("key-certificate", "CERTIFICATE_OF_OTHER_ORGANISATION", USED),
        set(),
    ),
    "key's certificate revoked": (
        lambda made: revoked(made, "acme", -7),
        everywhere("key-certificate", "CERTIFICATE_REVOKED", (3, 4, 5, 6)),
        set(),
    ),
    "another log": (
        another_checkpoint,
        everywhere("log", "INCLUSION_NOT_PROVEN"),
        {"NOTE_NOT_SIGNED"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_found(office: Office, name: str) -> None:
    """Under the number of the record, by one check alone."""
    spoil, expected, of_export = CASES[name]
    report = verify(spoil(make(office)), office.trust)
    assert {(each.number, each.name, each.reason) for each in report.findings} == expected
    assert {each.reason for each in report.export.checks if each.reason} == of_export
    assert report.outcome is Outcome.FAILED
    assert report.failed == len(report.findings)


def test_an_honest_export_holds(office: Office) -> None:
    """Whole; of one user's, with what others used left out; of a time; and the file is what its parts are."""
    made = make(office)
    parts = made.parts()
    report = verify(parts, office.trust)
    assert (report.outcome, report.findings, report.missing) == (Outcome.PASSED, (), 0)
    assert (report.records, report.first, report.last) == (6, 1, 6)
    assert report.outcomes == {UseOutcome.DONE: 4, UseOutcome.REFUSED: 1, UseOutcome.ABANDONED: 1}
    assert report.checkpoint is not None
    assert report.checkpoint.size == 6
    read_head, read_rest = read_export(BytesIO(write(parts)).read)
    assert [read_head, *read_rest] == parts

    for number, each in enumerate(made.recorded, start=1):  # with Bob's uses in between
        made.recorded[number - 1] = record(
            each.asked, 2 * number, user_number=number, outcome=UseOutcome.DONE, detail="", result=bytes(32)
        )
    head, *rest = made.parts()
    assert isinstance(head, ExportHead)
    of_user = [replace(head, user="alice"), *rest]
    assert verify(of_user, office.trust).outcome is Outcome.PASSED
    gone = without_record(of_user, 2)
    report = verify(gone, office.trust)
    assert [(each.number, each.reason) for each in report.findings] == [(6, "RECORD_OF_USER_MISSING")]
    assert report.missing == 1

    head, *rest = make(office).parts()
    assert isinstance(head, ExportHead)
    begin = NOW + timedelta(minutes=4)
    later = [part for part in rest if not isinstance(part, ExportedRecord)] + rest[-3:]
    of_time = [replace(head, begin=begin, records=3), *later]
    assert verify(of_time, office.trust).outcome is Outcome.PASSED
    findings = verify([replace(head, begin=begin), *rest], office.trust).findings
    assert [(each.number, each.reason) for each in findings] == [(n, "RECORD_OF_OTHER_TIME") for n in (1, 2, 3)]
    gone = without_record(of_time, 2)
    assert [each.number for each in verify(gone, office.trust).findings] == [5]


def test_one_suspension_does_not_undo_what_was_before_it(office: Office) -> None:
    """What was used between the approvals and it holds, and so does what was used when it was approved again."""
    made = make(office)
    again = ("bob", A, 2), ("carol", A, 2)
    for what in ((*APPROVED, ("dora", S, 1), *again), (("dora", GrantAction.REFUSE, 1), *APPROVED)):
        assert verify(with_orders(made, *what), office.trust).outcome is Outcome.PASSED


def test_what_the_verifier_does_not_know_leaves_it_open(office: Office) -> None:
    """Nothing is proven of certificates without an authority; of the log, with its key or the authority's word."""
    parts = make(office).parts()
    open_checks = {"authority", "revocation-list", "checkpoint"}
    report = verify(parts, BundleTrust())
    assert (report.outcome, report.findings) == (Outcome.INDETERMINATE, ())
    assert {each.name for each in report.export.checks if each.outcome is Outcome.INDETERMINATE} == open_checks
    report = verify(parts, BundleTrust(log_key=VerifierKey.of(ORIGIN, LOG)))
    assert report.export.check("checkpoint").outcome is Outcome.PASSED
    other = VerifierKey.of(ORIGIN, Ed25519PrivateKey.generate())
    assert verify(parts, replace(office.trust, log_key=other)).export.check("checkpoint").reason == "NOTE_NOT_SIGNED"
    report = verify(parts, BundleTrust(Issuer().certificate))
    assert report.outcome is Outcome.FAILED
    assert report.export.check("revocation-list").reason == "REVOCATION_LIST_NOT_ISSUED"
    made = make(office)
    made.list_time = NOW
    report = verify(made.parts(), office.trust)
    assert report.outcome is Outcome.INDETERMINATE
    assert report.export.check("revocation-list").reason == "REVOCATION_LIST_OUTDATED"


def test_a_file_is_read_whole_or_refused(office: Office) -> None:
    """Cut within a part, or of other kinds; where a byte was changed, it is refused or does not hold."""
    parts = make(office, 3).parts()
    data, first = write(parts), len(parts[0].to_der())
    assert is_export(data[:64])
    assert not is_export(data[first:])
    assert not is_export(b"PK\x03\x04")
    for wrong in (data[first:], b"", data[:1], data[: first - 1], data[:-1], data + b"\x30", data + data[:first]):
        with malformed("EXPORT_MALFORMED"):
            _ = [*read_export(BytesIO(wrong).read)[1]]
    for kind in (b"certificate", b"records export"):
        with malformed("EXPORT_MALFORMED"):
            _ = [*read_export(BytesIO(data.replace(kind, b"x" * len(kind))).read)[1]]
    named = [part for part in parts if part != ExportedCertificate(_der(office, "dora"))]
    data = write(named)
    for place in range(first, len(data), 61):  # nobody signed what the head says of itself
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            head, rest = read_export(BytesIO(bytes(changed)).read)
            assert verification.verify_export(head, rest, office.trust).outcome is not Outcome.PASSED
        except MalformedInput:
            continue


def test_findings_are_counted_beyond_those_that_are_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a report stays small."""
    monkeypatch.setattr(verification, "MAX_FINDINGS", 2)
    report = verify(make(office, uses=1).parts(), office.trust)
    assert ([each.number for each in report.findings], report.failed) == ([3, 4], 4)


def without_record(parts: list[Part], place: int) -> list[Part]:
    """The record at that place from the first one on left out, and not counted."""
    head = parts[0]
    assert isinstance(head, ExportHead)
    first = next(index for index, part in enumerate(parts) if isinstance(part, ExportedRecord))
    left = [part for index, part in enumerate(parts) if index != first + place - 1]
    return [replace(head, records=head.records - 1), *left[1:]]


def _der(office: Office, name: str) -> bytes:
    return office.certificates[name].public_bytes(Encoding.DER)
