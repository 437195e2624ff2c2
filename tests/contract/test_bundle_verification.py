"""The report on a bundle: each thing that can be wrong with it fails its own check, and no independent one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from contract.bundle.checks import BundleTrust
from contract.bundle.verification import CHECKS, number_of
from contract.certificates import SessionCertificate
from contract.log_entry import EntryKind
from contract.oids import DEFAULT_ARC
from contract.profiles import session_profile, signer_profile
from contract.report import Outcome
from contract.session_info import Scheme
from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from mpc.four_prime_rsa import Purpose
from tests.contract.bundle_reports import Wrong, failed, names, undecided, wrong
from tests.contract.disclosure import (
    LOG_KEY,
    ORIGIN,
    REASON,
    Case,
    Log,
    answer_to,
    answered_case,
    case_of,
    entry_of,
    logged_at,
    simple_case,
    with_list,
)
from tests.contract.evidence import CONTENT_KEY, Deposit, deposit
from tests.contract.structures import HEADER, JOINT_KEY, NESTED_KEY
from tests.contract.world import CONTENT, NOW, SESSION_ID, Issuer, Person, World, describe
from tests.mpc.refusals import malformed
from transparency.keys import VerifierKey

MESSAGE = tuple(name for name in CHECKS if name not in {"answered", "time-stamp"})
ANSWER = tuple(name for name in CHECKS if name not in {"authority", "time-stamp"})
CONTENTS = {"description", "content", "sealed-content", "trailer"}

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


def test_record_of_another_statement_or_signature(joint: World) -> None:
    """The one is the message's, and the other not: also where that holds by itself."""
    good = deposit(joint)
    case, again = spoiled(joint, good), joint.signed(good.statement)
    assert again != good.record.signature
    assert failed("record", "RECORD_OF_OTHER_MESSAGE") in wrong(case.message(signature=again).report().message)
    other = deposit(joint, replace(good.statement, sequence=8), signature=good.record.signature)
    report = spoiled(joint, other).message(statement=good.statement).report()
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


def test_authority_that_is_none(joint: World) -> None:
    """The verifier was given a signer's certificate for one: it stands in the bundle, too, and issues nothing."""
    certificate = joint.person("bob").sign.certificate
    case = simple_case(joint)
    case = replace(case, bundle=replace(case.bundle, authority=certificate, revocations=None))
    report = replace(case, trust=replace(case.trust, authority=certificate)).report().message
    assert failed("authority", "AUTHORITY_UNSUITABLE") in wrong(report)


def test_verifier_who_knows_nobody(joint: World) -> None:
    """Then it can say what fails, and cannot say that all is well."""
    case = replace(simple_case(joint), trust=BundleTrust())
    report = case.report()
    assert wrong(report.message) == [undecided("authority", "TRUST_MISSING"), undecided("log", "TRUST_MISSING")]
    assert report.outcome is Outcome.INDETERMINATE
    assert replace(another_signature(joint), trust=BundleTrust()).report().outcome is Outcome.FAILED
