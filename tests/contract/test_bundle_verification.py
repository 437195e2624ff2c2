"""The report on a bundle: each thing that can be wrong with it fails its own check, and no independent one."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from contract.bundle.checks import BundleTrust
from contract.bundle.content import measure_content
from contract.bundle.files import BundleFile
from contract.bundle.verification import CHECKS, BundleReport, number_of, verify_bundle
from contract.certificates import SessionCertificate
from contract.log_entry import EntryKind
from contract.oids import DEFAULT_ARC
from contract.profiles import session_profile, signer_profile
from contract.report import Outcome, Report
from contract.session_info import Scheme
from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from mpc.four_prime_rsa import Purpose
from tests.contract.disclosure import (
    LOG_KEY,
    LOGGED,
    ORIGIN,
    REASON,
    Case,
    Log,
    answer_to,
    answered_case,
    bundle_files,
    case_of,
    disclosed,
    entry_of,
    simple_case,
)
from tests.contract.evidence import CONTENT_KEY, Deposit, deposit, seal_content
from tests.contract.structures import HEADER, JOINT_KEY, NESTED_KEY
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import CONTENT, NOW, SESSION_ID, Issuer, Person, World, describe
from tests.mpc.refusals import malformed
from transparency.keys import VerifierKey

MESSAGE = tuple(name for name in CHECKS if name not in {"answered", "time-stamp"})
ANSWER = tuple(name for name in CHECKS if name not in {"authority", "time-stamp"})
CONTENTS = {"description", "content", "sealed-content", "trailer"}

Wrong = tuple[str, Outcome, str]


def failed(name: str, reason: str) -> Wrong:
    """A check that failed."""
    return name, Outcome.FAILED, reason


def undecided(name: str, reason: str) -> Wrong:
    """A check that could not be made."""
    return name, Outcome.INDETERMINATE, reason


def wrong(report: Report) -> list[Wrong]:
    """Every check that did not pass."""
    return [(each.name, each.outcome, each.reason) for each in report.checks if each.outcome is not Outcome.PASSED]


def names(report: Report) -> tuple[str, ...]:
    """Of the checks that were made, in order."""
    return tuple(each.name for each in report.checks)


# One spoiler for each check. Everything else about the bundle is as somebody would make it who cheats in this alone.


def spoiled(world: World, deposited: Deposit) -> Case:
    """A message, whatever was deposited, with a log that is honest."""
    return case_of(world, (deposited,), world.authority)


def with_author(world: World, change: Callable[[Person], Person]) -> World:
    """The session with another Alice."""
    people = tuple(change(each) if each.name == "alice" else each for each in world.people)
    members = tuple(each.member for each in people)
    return replace(world, people=people, info=replace(world.info, members=members))


def issued_by_another(person: Person) -> Person:
    """Her certificate for signing is of an authority that nobody knows."""
    key = person.sign.public_key
    profile = signer_profile(person.name, person.name.title(), Purpose.SIGN, key, DEFAULT_ARC)
    certificate = Issuer().issue(profile, key)
    return replace(person, sign=replace(person.sign, certificate=certificate))


def session_by_another(world: World, purpose: Purpose) -> World:
    """One of the session's certificates is of an authority that nobody knows."""
    spoilt = replace(world)
    share = world.signing_share if purpose is Purpose.SIGN else world.decryption_share
    key = share.public.to_cryptography()
    certificate = Issuer().issue(session_profile(world.info, purpose, key, DEFAULT_ARC), key)
    place = "sign" if purpose is Purpose.SIGN else "encrypt"
    vars(spoilt)[place] = SessionCertificate(certificate, DEFAULT_ARC)
    return spoilt


def another_authority(world: World) -> Case:
    """The verifier knows another one."""
    return replace(simple_case(world), trust=BundleTrust(Issuer().certificate, LOG_KEY))


def another_signature(world: World) -> Case:
    """Deposited with a signature of another statement."""
    signature = world.signed(replace(world.statement(), sequence=8))
    return spoiled(world, deposit(world, signature=signature))


def another_issuer_of_the_author(world: World) -> Case:
    """So its revocation list says nothing of the author."""
    return simple_case(with_author(world, issued_by_another))


def revoked_before(world: World) -> Case:
    """A second before the statement's time."""
    return with_list(simple_case(world), world, NOW - timedelta(seconds=1))


def another_issuer_of_the_session(world: World) -> Case:
    """Of its certificate for signing."""
    return simple_case(session_by_another(world, Purpose.SIGN))


def time_of_another_day(world: World) -> Case:
    """Before the session."""
    return spoiled(world, deposit(world, replace(world.statement(), time=NOW - timedelta(hours=2))))


def recipient_who_is_no_member(world: World) -> Case:
    """In the revision that the statement names."""
    info = replace(world.info, members=tuple(each for each in world.info.members if each.name != "bob"))
    return simple_case(replace(world, info=info))


def another_description(world: World) -> Case:
    """Of the same content, under another name; the trailer has it too."""
    description = replace(describe(), name="other.txt")
    return spoiled(world, deposit(world, world.statement(), description=description))


def another_content(world: World) -> Case:
    """As long as the one described, and deposited so."""
    return spoiled(world, deposit(world, world.statement(), b"The contraCt.", description=describe()))


def another_sealed_content(world: World) -> Case:
    """The record is of something else."""
    good = deposit(world)
    return spoiled(world, replace(good, record=replace(good.record, content_digest=bytes(32))))


def another_trailer(world: World) -> Case:
    """One that opens to nothing."""
    good = deposit(world)
    return spoiled(world, replace(good, record=replace(good.record, trailer=bytes(len(good.record.trailer)))))


def another_record(world: World) -> Case:
    """Its author could never open it."""
    good = deposit(world)
    other = NESTED_KEY if world.info.scheme is Scheme.JOINT else JOINT_KEY
    return spoiled(world, replace(good, record=replace(good.record, sender_key=other)))


def another_issuer_of_the_envelope(world: World) -> Case:
    """Of the session's certificate for encryption."""
    return simple_case(session_by_another(world, Purpose.DECRYPT))


def another_log(world: World) -> Case:
    """Of that name, with another key."""
    key = VerifierKey.of(ORIGIN, ed25519.Ed25519PrivateKey.generate())
    return replace(simple_case(world), trust=BundleTrust(world.authority.certificate, key))


def logged_before(world: World) -> Case:
    """Eleven minutes before the statement's time."""
    return logged_at(world, NOW - timedelta(minutes=11))


def logged_at(world: World, time: datetime) -> Case:
    """With an honest receipt."""
    deposited, log = deposit(world), Log()
    entry = entry_of(deposited, time=time)
    index = log.append(entry)
    message = disclosed(world, deposited, entry, log.receipt(index))
    case = simple_case(world)
    return replace(case, bundle=replace(case.bundle, message=message))


def with_list(case: Case, world: World, time: datetime, issued: datetime = NOW + timedelta(days=1)) -> Case:
    """A list on which Alice's certificate is revoked since then."""
    entry = (world.person("alice").sign.certificate, time, x509.ReasonFlags.key_compromise)
    builder = world.authority.revocation_list(entry, issued=issued, next_update=issued + timedelta(days=1))
    return replace(case, bundle=replace(case.bundle, revocations=world.authority.sign_list(builder)))


SPOILERS: tuple[tuple[Callable[[World], Case], tuple[Wrong, ...]], ...] = (
    (another_authority, (failed("authority", "AUTHORITY_WRONG"),)),
    (another_signature, (failed("signature", "SIGNATURE_INVALID"),)),
    (
        another_issuer_of_the_author,
        (
            failed("author-certificate", "CERTIFICATE_NOT_ISSUED"),
            undecided("author-not-revoked", "PREREQUISITE_FAILED"),
        ),
    ),
    (revoked_before, (failed("author-not-revoked", "CERTIFICATE_REVOKED"),)),
    (another_issuer_of_the_session, (failed("session-certificate", "CERTIFICATE_NOT_ISSUED"),)),
    (time_of_another_day, (failed("time", "TIME_OUTSIDE_SESSION"),)),
    (recipient_who_is_no_member, (failed("members", "RECIPIENT_NOT_A_MEMBER"),)),
    (another_description, (failed("description", "DESCRIPTION_WRONG"),)),
    (another_content, (failed("content", "CONTENT_WRONG"),)),
    (another_sealed_content, (failed("sealed-content", "SEALED_CONTENT_WRONG"),)),
    (another_trailer, (failed("trailer", "CONTENT_DAMAGED"),)),
    (another_record, (failed("record", "KEY_CIPHERTEXT_OF_OTHER_SCHEME"),)),
    (another_issuer_of_the_envelope, (failed("envelope-certificate", "CERTIFICATE_NOT_ISSUED"),)),
    (another_log, (failed("log", "NOTE_NOT_SIGNED"),)),
    (logged_before, (failed("log-time", "LOGGED_BEFORE_SIGNED"),)),
)


@pytest.mark.parametrize(("spoil", "expected"), SPOILERS, ids=[each[0].__name__ for each in SPOILERS])
def test_one_thing_is_wrong(
    joint: World, separate: World, spoil: Callable[[World], Case], expected: tuple[Wrong, ...]
) -> None:
    """Only that check fails, and those that need it cannot be made; in both schemes."""
    for world in (joint, separate):
        report = spoil(world).report()
        assert names(report.message) == MESSAGE
        assert wrong(report.message) == list(expected)
        assert report.outcome is Outcome.FAILED


def test_every_check_has_a_spoiler() -> None:
    """Those of the table, and the two that are spoiled further below."""
    assert {expected[0][0] for _, expected in SPOILERS} == {*CHECKS} - {"answered", "time-stamp"}
    assert [number_of(name) for name in CHECKS] == list(range(1, 18))


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, bytes(SEGMENT_BYTES), bytes(2 * SEGMENT_BYTES + 1)])
def test_good_bundles(joint: World, separate: World, content: bytes) -> None:
    """Empty content, and where segments end."""
    for world in (joint, separate):
        report = simple_case(world, content).report()
        assert (wrong(report.message), report.outcome) == ([], Outcome.PASSED)
        assert names(report.message) == MESSAGE


def test_answers_of_every_kind_of_key(separate: World) -> None:
    """One accepts, one rejects; each has a report of its own."""
    report = answered_case(separate, ("bob", Decision.REJECT), ("carol", Decision.ACCEPT)).report()
    assert report.outcome is Outcome.PASSED
    assert [(each.name, each.decision) for each in report.answers] == [
        ("bob", Decision.REJECT),
        ("carol", Decision.ACCEPT),
    ]
    assert {names(each.report) for each in report.answers} == {ANSWER}


def test_missing_answers_are_shown_as_missing(separate: World) -> None:
    """And say nothing against the message, nor against the answers that are there."""
    report = answered_case(separate, ("carol", Decision.ACCEPT)).report()
    assert [(each.name, each.decision, names(each.report)) for each in report.answers] == [
        ("bob", None, ()),
        ("carol", Decision.ACCEPT, ANSWER),
    ]
    assert report.outcome is Outcome.PASSED


def test_answer_whose_content_is_not_disclosed(joint: World) -> None:
    """What it decides is in its statement; the checks on content are not made."""
    case = answered_case(joint, ("bob", Decision.REJECT))
    answer = replace(case.bundle.answers[0], disclosure=None)
    contents = {"content": case.contents["content"]}
    hidden = replace(case, bundle=replace(case.bundle, answers=(answer,)), contents=contents)
    report = hidden.report()
    assert report.outcome is Outcome.PASSED
    assert names(report.answers[0].report) == tuple(name for name in ANSWER if name not in CONTENTS)
    assert not any("answers/1-content" in name for name in hidden.files())
    assert REASON not in b"".join(hidden.files().values())


def test_answer_to_another_message(joint: World) -> None:
    """Genuine, and to something else: Bob never accepted this."""
    other = replace(joint.statement(), sequence=8)
    accepted = deposit(joint, answer_to(joint, "bob", other, Decision.ACCEPT, REASON), REASON)
    report = case_of(joint, (deposit(joint), accepted), joint.authority).report()
    assert wrong(report.message) == []
    assert wrong(report.answers[0].report) == [failed("answered", "ANSWER_TO_ANOTHER")]
    assert report.outcome is Outcome.FAILED


def test_wrong_answer_spoils_the_whole_and_not_the_message(joint: World) -> None:
    """Its signature here."""
    statement = joint.statement()
    said = answer_to(joint, "bob", statement, Decision.ACCEPT, REASON)
    forged = deposit(joint, said, REASON, signature=joint.signed(replace(said, sequence=9)))
    report = case_of(joint, (deposit(joint, statement), forged), joint.authority).report()
    assert wrong(report.message) == []
    assert wrong(report.answers[0].report) == [failed("signature", "SIGNATURE_INVALID")]
    assert report.outcome is Outcome.FAILED


def test_certificate_of_another_session(joint: World, separate: World) -> None:
    """Of the other scheme, though for the same keys and of the same id: neither for signing nor for encryption."""
    case = simple_case(joint)
    signing = wrong(case.message(session_sign=separate.sign).report().message)
    assert failed("signature", "STATEMENT_OF_OTHER_CERTIFICATE") in signing
    assert failed("record", "ENVELOPE_CERTIFICATE_WRONG") in signing
    sealing = wrong(case.message(session_encrypt=separate.encrypt).report().message)
    assert sealing == [failed("record", "ENVELOPE_CERTIFICATE_WRONG")]


def test_record_of_another_session(joint: World) -> None:
    """An envelope of another session, around a statement of this one."""
    good = deposit(joint)
    header = replace(good.record.header, session_id="session-" + "b" * 26)
    report = spoiled(joint, replace(good, record=replace(good.record, header=header))).report()
    assert failed("record", "SESSION_WRONG") in wrong(report.message)
    assert header.session_id != SESSION_ID
    assert HEADER.session_id == SESSION_ID


def test_entry_of_another_message(joint: World) -> None:
    """Also logged, also genuine: of another statement."""
    other = deposit(joint, replace(joint.statement(), sequence=8))
    log = Log()
    entry = entry_of(other)
    index = log.append(entry)
    report = simple_case(joint).message(entry=entry, receipt=log.receipt(index)).report()
    assert failed("record", "RECORD_OF_OTHER_MESSAGE") in wrong(report.message)


def test_trailer_of_another_message(joint: World) -> None:
    """It opens, for it was sealed with this key in this envelope: and says another name of the content."""
    good = deposit(joint)
    other = deposit(joint, good.statement, description=replace(describe(), name="other.txt"))
    record = replace(good.record, trailer=other.record.trailer)
    report = spoiled(joint, replace(good, record=record)).report()
    assert wrong(report.message) == [failed("trailer", "TRAILER_OF_OTHER_MESSAGE")]


def test_entry_of_another_kind(joint: World) -> None:
    """What is logged of an operation may have any body: also one that reads as a record."""
    entry = replace(simple_case(joint).bundle.message.entry, kind=EntryKind.OPERATION)
    with malformed("BUNDLE_MALFORMED"):
        simple_case(joint).message(entry=entry)


def test_entry_that_was_never_logged(joint: World) -> None:
    """The receipt is of another one."""
    case = simple_case(joint)
    entry = replace(case.bundle.message.entry, nonce=bytes(32))
    assert wrong(case.message(entry=entry).report().message) == [failed("log", "INCLUSION_NOT_PROVEN")]


def test_content_key_of_another_envelope(joint: World) -> None:
    """Neither content nor trailer are what was deposited."""
    case = simple_case(joint)
    assert case.bundle.message.disclosure is not None
    other = replace(case.bundle.message.disclosure, content_key=type(CONTENT_KEY)(bytes(32)))
    assert wrong(case.message(disclosure=other).report().message) == [
        failed("sealed-content", "SEALED_CONTENT_WRONG"),
        failed("trailer", "CONTENT_DAMAGED"),
    ]


def test_verifier_who_knows_nobody(joint: World) -> None:
    """Then it can say what fails, and cannot say that all is well."""
    case = replace(simple_case(joint), trust=BundleTrust())
    report = case.report()
    assert wrong(report.message) == [undecided("authority", "TRUST_MISSING"), undecided("log", "TRUST_MISSING")]
    assert report.outcome is Outcome.INDETERMINATE
    assert replace(another_signature(joint), trust=BundleTrust()).report().outcome is Outcome.FAILED


# Revocation, and what shows when the signature was there.


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, [failed("author-not-revoked", "CERTIFICATE_REVOKED")]),
        (0, [failed("author-not-revoked", "CERTIFICATE_REVOKED")]),
        (1, [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]),
        (60, [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]),
        (61, []),
    ],
)
def test_revoked_certificate(joint: World, seconds: int, expected: list[Wrong]) -> None:
    """Logged a minute after it was signed: revoked in between, a thief may have dated it back."""
    case = with_list(simple_case(joint), joint, NOW + timedelta(seconds=seconds))
    assert wrong(case.report().message) == expected


@pytest.mark.parametrize(
    ("issued", "expected"),
    [(LOGGED, []), (LOGGED - timedelta(seconds=1), [undecided("author-not-revoked", "REVOCATION_LIST_OUTDATED")])],
)
def test_age_of_the_revocation_list(joint: World, issued: datetime, expected: list[Wrong]) -> None:
    """One from before it was logged does not know what happened until then."""
    builder = joint.authority.revocation_list(issued=issued, next_update=issued + timedelta(days=30))
    case = simple_case(joint)
    case = replace(case, bundle=replace(case.bundle, revocations=joint.authority.sign_list(builder)))
    assert wrong(case.report().message) == expected


def test_revocation_list_missing_or_of_another(joint: World) -> None:
    """Of somebody else it says nothing."""
    case = simple_case(joint)
    none = replace(case, bundle=replace(case.bundle, revocations=None))
    assert wrong(none.report().message) == [undecided("author-not-revoked", "REVOCATION_LIST_MISSING")]
    assert "revoked.crl" not in none.files()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> TimeStampAuthority:
    """One that the verifier trusts."""
    return TimeStampAuthority(tmp_path_factory.mktemp("tsa"))


def trusting(case: Case, *roots: TimeStampAuthority) -> Case:
    """The verifier knows these authorities for time stamps."""
    return replace(case, trust=replace(case.trust, time_stamps=tuple(each.root for each in roots)))


def stamped(case: Case, tsa: TimeStampAuthority) -> Case:
    """Now, which is after the time of all tests' statements; with a list that is newer."""
    response = tsa.stamp(case.bundle.message.receipt.checkpoint.to_bytes())
    return case.message(time_stamp=response)


def newer_list(case: Case, world: World, *revoked: tuple[x509.Certificate, datetime, None]) -> Case:
    """A list of tomorrow."""
    issued = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    builder = world.authority.revocation_list(*revoked, issued=issued, next_update=issued + timedelta(days=1))
    return replace(case, bundle=replace(case.bundle, revocations=world.authority.sign_list(builder)))


def test_time_stamp(joint: World, tsa: TimeStampAuthority, tmp_path: Path) -> None:
    """Good; of somebody whom we do not know; of another checkpoint; missing though we know somebody."""
    assert datetime.now(UTC) > LOGGED, "the stamp is made now"
    case = newer_list(stamped(simple_case(joint), tsa), joint)
    report = trusting(case, tsa).report()
    assert (wrong(report.message), report.outcome) == ([], Outcome.PASSED)
    assert "time-stamp" in names(report.message)
    assert wrong(case.report().message) == [undecided("time-stamp", "TRUST_MISSING")]
    other = TimeStampAuthority(tmp_path)
    assert wrong(trusting(case, other).report().message) == [failed("time-stamp", "TIME_STAMP_NOT_GENUINE")]
    elsewhere = case.message(time_stamp=tsa.stamp(b"another checkpoint"))
    assert wrong(trusting(elsewhere, tsa).report().message) == [failed("time-stamp", "TIME_STAMP_NOT_GENUINE")]
    none = trusting(case.message(time_stamp=None), tsa)
    assert wrong(none.report().message) == [undecided("time-stamp", "TIME_STAMP_MISSING")]


def test_time_stamp_from_before_the_log(joint: World, tsa: TimeStampAuthority) -> None:
    """Then the log's clock, or its word, is wrong."""
    late = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    case = trusting(newer_list(stamped(logged_at(joint, late), tsa), joint), tsa)
    assert wrong(case.report().message) == [failed("time-stamp", "STAMPED_BEFORE_LOGGED")]


def test_what_the_stamp_shows_counts_more_than_the_log(joint: World, tsa: TimeStampAuthority) -> None:
    """Revoked after it was logged, says the log; only the stamp would show it, and that came later."""
    certificate = joint.person("alice").sign.certificate
    case = newer_list(stamped(simple_case(joint), tsa), joint, (certificate, LOGGED + timedelta(seconds=1), None))
    assert wrong(trusting(case, tsa).report().message) == [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]
    assert wrong(case.report().message) == [undecided("time-stamp", "TRUST_MISSING")]


# Content of any size.


def stream(length: int, piece: int) -> Callable[[], Iterator[bytes]]:
    """Zeros, made as they are read."""
    return lambda: (bytes(min(piece, length - at)) for at in range(0, length, piece))


@pytest.mark.parametrize("piece", [1000, 1 << 16, 5 << 20])
def test_pieces_of_any_size(joint: World, piece: int) -> None:
    """The same is found, however the file is read."""
    length = 2 * SEGMENT_BYTES + 5000
    core = deposit(joint).record.header.core
    sealed, segments = seal_content(bytes(length), CONTENT_KEY, core)
    told: list[int] = []
    file = BundleFile("content", length, stream(length, piece))
    found = measure_content(file, CONTENT_KEY.stream_key(core), told.append)
    assert (found.length, found.digest) == (length, hashlib.sha256(bytes(length)).digest())
    assert (found.segments, found.sealed_length) == (segments, len(sealed))
    assert found.sealed_digest == hashlib.sha256(sealed).digest()
    assert sum(told) == length
    assert len(told) == -(-length // piece)


def test_memory_does_not_grow_with_content(joint: World) -> None:
    """A few segments, for sixty of them."""
    length = 60 * SEGMENT_BYTES
    file = BundleFile("content", length, stream(length, 1 << 18))
    key = CONTENT_KEY.stream_key(deposit(joint).record.header.core)
    tracemalloc.start()
    try:
        assert measure_content(file, key, lambda _: None).segments == 60
        assert tracemalloc.get_traced_memory()[1] < 8 * SEGMENT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("change", [-1, 1, 1 << 20])
def test_content_of_another_length_than_its_file_says(joint: World, change: int) -> None:
    """An archive may lie: reading ends there."""
    case = simple_case(joint)
    given = [each for each in bundle_files(case.files()) if each.name != "content"]
    lying = BundleFile("content", len(CONTENT), stream(len(CONTENT) + change, 1 << 16))
    read = case.read()
    assert len(given) == len(case.files()) - 1
    with malformed("BUNDLE_MALFORMED"):
        verify_bundle(replace(read, contents={"content": lying}), case.trust)


def test_endless_content_is_not_read_to_the_end(joint: World) -> None:
    """Reading stops where the length that it says is passed."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1000)

    key = CONTENT_KEY.stream_key(deposit(joint).record.header.core)
    with malformed("BUNDLE_MALFORMED"):
        measure_content(BundleFile("content", 10_000, endless), key, lambda _: None)
    assert taken == 11


def test_progress_tells_every_byte(joint: World) -> None:
    """Of the answers' contents too."""
    case = answered_case(joint, ("bob", Decision.ACCEPT))
    told: list[int] = []
    report: BundleReport = verify_bundle(case.read(), case.trust, told.append)
    assert report.outcome is Outcome.PASSED
    assert sum(told) == len(CONTENT) + len(REASON)
