"""The report on a message: each thing that can be wrong with it fails its own check, and no independent one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from contract.envelope import EnvelopeHeader, RecipientKey
from contract.report import Check, Outcome, Report
from contract.revocation import RevocationList
from contract.session_info import Scheme
from contract.statement import Answer, Decision, Statement
from contract.trailer import SignedStatement
from contract.verification import Certificates, Expected, ReceivedMessage, Trust, verify_message
from tests.contract.structures import JOINT_KEY, NESTED_KEY
from tests.contract.world import CONTENT, ENVELOPE_ID, NOW, SESSION_ID, Issuer, Person, World, describe

NAMES = (
    *("signature", "author-certificate", "author-not-revoked", "session-certificate", "session", "time", "members"),
    *("addressed", "envelope-certificate", "description", "content", "sequence", "number", "answer"),
    "session-not-revoked",
)


@dataclass(frozen=True)
class Case:
    """What ``verify_message`` takes."""

    message: ReceivedMessage
    certificates: Certificates
    trust: Trust
    expected: Expected

    def report(self) -> Report:
        """What it answers."""
        return verify_message(self.message, self.certificates, self.trust, self.expected)

    def changed(self, **changes: Any) -> Case:  # noqa: ANN401  # fields of four types, by their names
        """With other fields in whichever of the four has them."""
        parts: dict[str, Any] = {"message": self.message, "certificates": self.certificates}
        parts |= {"trust": self.trust, "expected": self.expected}
        for name, part in parts.items():
            own = {field: changes.pop(field) for field in list(changes) if hasattr(part, field)}
            parts[name] = replace(part, **own)
        assert not changes
        return Case(**parts)


def case(world: World, statement: Statement, name: str = "bob") -> Case:
    """A message as that member gets it."""
    recipients = tuple(each.name for each in statement.recipients)
    ciphertext = JOINT_KEY if world.info.scheme is Scheme.JOINT else NESTED_KEY
    keys = tuple(RecipientKey(each, ciphertext) for each in recipients)
    header = EnvelopeHeader(ENVELOPE_ID, SESSION_ID, statement.author, world.encrypt.fingerprint, keys)
    signed = SignedStatement(statement, describe(), world.signed(statement))
    revocations = world.authority.sign_list(world.authority.revocation_list())
    return Case(
        ReceivedMessage(header, signed, len(CONTENT), hashlib.sha256(CONTENT).digest()),
        Certificates(world.person(statement.author).sign, world.sign, world.encrypt),
        Trust(world.authority.certificate, RevocationList.read(revocations, world.authority.certificate)),
        Expected(SESSION_ID, name, world.person(name).encrypt.fingerprint, 6, 3),
    )


@pytest.fixture(scope="module")
def good(joint: World) -> Case:
    """Alice's to Bob, in the joint scheme."""
    return case(joint, joint.statement())


def assert_wrong(report: Report, *expected: tuple[str, Outcome, str]) -> None:
    """Exactly these did not pass."""
    assert tuple(check.name for check in report.checks) == NAMES
    found = [(each.name, each.outcome, each.reason) for each in report.checks if each.outcome is not Outcome.PASSED]
    assert found == list(expected)


def failed(name: str, reason: str) -> tuple[str, Outcome, str]:
    """A check that failed."""
    return name, Outcome.FAILED, reason


def undecided(name: str, reason: str) -> tuple[str, Outcome, str]:
    """A check that could not be made."""
    return name, Outcome.INDETERMINATE, reason


def test_good_message(good: Case) -> None:
    """Everything passes, without a reason."""
    report = good.report()
    assert_wrong(report)
    assert report.outcome is Outcome.PASSED
    assert {each.reason for each in report.checks} == {""}
    assert report.check("time") == Check("time", Outcome.PASSED, "")


@pytest.mark.parametrize("author", ["alice", "bob", "carol"])
def test_good_message_of_the_separate_scheme(separate: World, author: str) -> None:
    """By every kind of key."""
    name = "alice" if author != "alice" else "bob"
    assert_wrong(case(separate, separate.statement(author), name).report())


def test_answer(joint: World, good: Case) -> None:
    """To a statement that we know to be genuine, or do not know."""
    answer = replace(joint.statement("bob"), answer=Answer(Decision.ACCEPT, good.message.signed.statement))
    received = case(joint, answer, "alice")
    assert_wrong(received.report(), undecided("answer", "ANSWERED_STATEMENT_UNKNOWN"))
    assert received.report().outcome is Outcome.INDETERMINATE
    assert_wrong(received.changed(statements=frozenset({good.message.signed.statement.digest})).report())


def test_signature_of_another_statement(joint: World, good: Case) -> None:
    """Here of one with another sequence number."""
    other = joint.signed(replace(joint.statement(), sequence=8))
    wrong = good.changed(signed=replace(good.message.signed, signature=other))
    assert_wrong(wrong.report(), failed("signature", "SIGNATURE_INVALID"))
    assert wrong.report().outcome is Outcome.FAILED


def test_content_and_description(good: Case) -> None:
    """Cut, changed, or described otherwise."""
    assert_wrong(good.changed(content_length=12).report(), failed("content", "CONTENT_WRONG"))
    assert_wrong(good.changed(content_digest=bytes(32)).report(), failed("content", "CONTENT_WRONG"))
    renamed = replace(describe(), name="other.txt")
    wrong = good.changed(signed=replace(good.message.signed, description=renamed))
    assert_wrong(wrong.report(), failed("description", "DESCRIPTION_WRONG"))


def test_repeated_missing_and_reordered(good: Case) -> None:
    """By the author's two counts."""
    assert_wrong(good.changed(last_sequence=7).report(), failed("sequence", "MESSAGE_REPEATED"))
    assert_wrong(good.changed(next_number=4).report(), failed("number", "MESSAGE_REPEATED"))
    assert_wrong(good.changed(next_number=2).report(), undecided("number", "MESSAGE_MISSING"))
    assert_wrong(good.changed(last_sequence=0).report())


def test_session_of_somebody_else(good: Case) -> None:
    """We are in another one; or the envelope says so."""
    other = "session-" + "b" * 26
    assert_wrong(good.changed(session_id=other).report(), failed("session", "SESSION_WRONG"))
    header = replace(good.message.header, session_id=other)
    assert_wrong(good.changed(header=header).report(), failed("session", "SESSION_WRONG"))


@pytest.mark.parametrize(
    ("offset", "passes"),
    [
        (timedelta(hours=-1), True),
        (timedelta(hours=-1, seconds=-1), False),
        (timedelta(hours=1, seconds=-1), True),
        (timedelta(hours=1), False),
    ],
)
def test_time_window(joint: World, offset: timedelta, passes: bool) -> None:  # noqa: FBT001  # a parameter of a test
    """From the begin on, and before the end."""
    statement = replace(joint.statement(), time=NOW + offset)
    assert_wrong(case(joint, statement).report(), *[] if passes else [failed("time", "TIME_OUTSIDE_SESSION")])


def test_not_for_us(good: Case, joint: World, separate: World) -> None:
    """No recipient, or by another certificate, or in an envelope that names others."""
    not_ours = good.changed(name="dora").report()
    assert_wrong(not_ours, failed("addressed", "NOT_A_RECIPIENT"), failed("number", "NOT_A_RECIPIENT"))
    other = good.changed(encrypt_certificate=bytes(32)).report()
    assert_wrong(other, failed("addressed", "RECIPIENT_CERTIFICATE_WRONG"))
    header = good.message.header
    more = replace(header, keys=(*header.keys, RecipientKey("carol", JOINT_KEY)))
    for wrong in (more, replace(header, author="zoe")):
        assert_wrong(good.changed(header=wrong).report(), failed("addressed", "ENVELOPE_MISMATCHED"))
    assert joint.info.session_id == separate.info.session_id


def test_envelope_of_another_session_certificate(good: Case, joint: World, separate: World) -> None:
    """For signing, of the other scheme, or not the one that it names."""
    wrong = failed("envelope-certificate", "ENVELOPE_CERTIFICATE_WRONG")
    open_ = undecided("session-not-revoked", "PREREQUISITE_FAILED")
    header = good.message.header
    assert_wrong(good.changed(header=replace(header, session_certificate=bytes(32))).report(), wrong, open_)
    for certificate in (joint.sign, separate.encrypt):
        changed = replace(header, session_certificate=certificate.fingerprint)
        assert_wrong(good.changed(header=changed, session_encrypt=certificate).report(), wrong, open_)


def test_envelope_of_another_revision(good: Case, joint: World) -> None:
    """Members may have changed between sealing and signing: the keys are the same."""
    later = replace(joint, info=replace(joint.info, revision=5))
    header = replace(good.message.header, session_certificate=later.encrypt.fingerprint)
    assert_wrong(good.changed(header=header, session_encrypt=later.encrypt).report())


def test_recipient_who_is_no_member(joint: World) -> None:
    """Or has another certificate in that revision: a swapped key."""
    alice, bob = joint.person("alice"), joint.person("bob")
    swapped = replace(bob.member, encrypt_certificate=bytes(32))
    for members in ((alice.member,), (alice.member, swapped)):
        world = replace(joint, info=replace(joint.info, members=members))
        received = case(world, replace(world.statement(), session_certificate=world.sign.fingerprint))
        assert_wrong(received.report(), failed("members", "RECIPIENT_NOT_A_MEMBER"))


def test_author_who_is_no_member(joint: World, good: Case) -> None:
    """In the revision that the statement names."""
    world = replace(joint, info=replace(joint.info, members=(joint.person("bob").member,)))
    statement = replace(good.message.signed.statement, session_certificate=world.sign.fingerprint)
    signed = replace(good.message.signed, statement=statement)
    wrong = good.changed(signed=signed, session_sign=world.sign).report()
    assert_wrong(wrong, failed("signature", "AUTHOR_NOT_A_MEMBER"), failed("members", "AUTHOR_NOT_A_MEMBER"))


def test_other_certificates_than_the_statement_names(good: Case, joint: World) -> None:
    """Bob's for a statement of Alice."""
    wrong = good.changed(author=joint.person("bob").sign).report()
    assert_wrong(wrong, failed("signature", "STATEMENT_OF_OTHER_CERTIFICATE"))


def test_another_authority(good: Case) -> None:
    """Then its list says nothing of these certificates either."""
    assert_wrong(
        good.changed(authority=Issuer().certificate).report(),
        failed("author-certificate", "CERTIFICATE_NOT_ISSUED"),
        undecided("author-not-revoked", "PREREQUISITE_FAILED"),
        failed("session-certificate", "CERTIFICATE_NOT_ISSUED"),
        failed("envelope-certificate", "CERTIFICATE_NOT_ISSUED"),
        undecided("session-not-revoked", "PREREQUISITE_FAILED"),
    )


def test_certificate_that_had_expired(joint: World) -> None:
    """At the statement's time; whether it has since does not matter."""
    late = NOW + timedelta(days=300, seconds=1)
    info = replace(joint.info, end=late + timedelta(days=1))
    world = replace(joint, info=info)
    received = case(world, replace(world.statement(), time=late))
    assert_wrong(
        received.report(),
        failed("author-certificate", "CERTIFICATE_NOT_VALID"),
        undecided("author-not-revoked", "PREREQUISITE_FAILED"),
        failed("session-certificate", "CERTIFICATE_NOT_VALID"),
        failed("envelope-certificate", "CERTIFICATE_NOT_VALID"),
        undecided("session-not-revoked", "PREREQUISITE_FAILED"),
    )


def revoked(authority: Issuer, certificate: x509.Certificate, delta: timedelta) -> RevocationList:
    """A list on which the certificate stands since then."""
    builder = authority.revocation_list(
        (certificate, NOW + delta, x509.ReasonFlags.key_compromise),
        issued=NOW + timedelta(days=1),
        next_update=NOW + timedelta(days=2),
    )
    return RevocationList.read(authority.sign_list(builder), authority.certificate)


def test_revocation_counts_as_of_the_statements_time(good: Case, authority: Issuer, alice: Person) -> None:
    """Revoked before or just then: failed. Afterwards: it was good when it was made."""
    wrong = failed("author-not-revoked", "CERTIFICATE_REVOKED")
    for delta, expected in ((-1, [wrong]), (0, [wrong]), (1, [])):
        revocations = revoked(authority, alice.sign.certificate, timedelta(seconds=delta))
        assert_wrong(good.changed(revocations=revocations).report(), *expected)


def test_session_certificate_that_was_revoked(good: Case, joint: World, authority: Issuer) -> None:
    """Either of the two; as of the statement's time."""
    wrong = failed("session-not-revoked", "CERTIFICATE_REVOKED")
    for certificate in (joint.sign.certificate, joint.encrypt.certificate):
        for delta, expected in ((-1, [wrong]), (0, [wrong]), (1, [])):
            revocations = revoked(authority, certificate, timedelta(seconds=delta))
            assert_wrong(good.changed(revocations=revocations).report(), *expected)


def test_revoked_certificate_of_a_member_is_its_own_matter(separate: World, authority: Issuer) -> None:
    """What others send to one another holds as before."""
    received = case(separate, separate.statement("alice", "bob"))
    for certificate in (separate.person("carol").sign.certificate, separate.person("carol").encrypt.certificate):
        assert_wrong(received.changed(revocations=revoked(authority, certificate, timedelta(days=-1))).report())


def test_revocation_that_nobody_can_tell(good: Case, authority: Issuer, alice: Person) -> None:
    """No list, or one that was outdated then; what stands on an outdated one still counts."""
    assert_wrong(
        good.changed(revocations=None).report(),
        undecided("author-not-revoked", "REVOCATION_LIST_MISSING"),
        undecided("session-not-revoked", "REVOCATION_LIST_MISSING"),
    )
    builder: Callable[..., x509.CertificateRevocationListBuilder] = authority.revocation_list
    times = {"issued": NOW - timedelta(days=2), "next_update": NOW}
    stale = RevocationList.read(authority.sign_list(builder(**times)), authority.certificate)
    assert_wrong(
        good.changed(revocations=stale).report(),
        undecided("author-not-revoked", "REVOCATION_LIST_OUTDATED"),
        undecided("session-not-revoked", "REVOCATION_LIST_OUTDATED"),
    )
    entry = (alice.sign.certificate, NOW - timedelta(days=3), None)
    stale = RevocationList.read(authority.sign_list(builder(entry, **times)), authority.certificate)
    assert_wrong(
        good.changed(revocations=stale).report(),
        failed("author-not-revoked", "CERTIFICATE_REVOKED"),
        undecided("session-not-revoked", "REVOCATION_LIST_OUTDATED"),
    )
