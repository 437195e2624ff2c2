"""Evidence records: their parts belong together, and every party opens its key ciphertext later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.certificates import SessionCertificate
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord, check_record
from contract.key_ciphertext import JointKeyCiphertext, NestedKeyCiphertext
from contract.key_sealing import content_key_from, joint_ciphertext, open_inner, peel_session
from contract.sealing import oaep_parameters
from contract.stream import SEGMENT_BYTES
from mpc.four_prime_rsa import combine_decryption, create_partial_decryption, parse_partial_decryption
from mpc.four_prime_rsa.roles import Role
from tests.contract.evidence import CONTENT_KEY, deposit
from tests.contract.refusals import unverified
from tests.contract.structures import JOINT_KEY, NESTED_KEY, RECORD
from tests.contract.world import World
from tests.mpc.parties import ENGINE, RANDOM
from tests.mpc.refusals import malformed, wrong_purpose


def check(world: World, record: EvidenceRecord) -> None:
    """With the certificates of that session."""
    check_record(record, world.person(record.statement.author).sign, world.sign, world.encrypt)


@pytest.fixture(scope="module")
def good(joint: World) -> EvidenceRecord:
    """Alice's to Bob."""
    return deposit(joint).record


@pytest.mark.parametrize("author", ["alice", "bob", "carol"])
def test_records_of_both_schemes_hold(joint: World, separate: World, author: str) -> None:
    """By every kind of key; what was read from their bytes as well."""
    for world in (joint, separate):
        if author in {each.name for each in world.people}:
            record = deposit(world, world.statement(author)).record
            check(world, EvidenceRecord.from_der(record.to_der()))


def test_the_author_opens_its_own_in_the_joint_scheme(joint: World, good: EvidenceRecord) -> None:
    """With the session, as a recipient does; the label is that of its own name."""
    alice = joint.person("alice")
    assert alice.decryption_share is not None
    ciphertext = joint_ciphertext(good.key_for("alice"), alice.encrypt, joint.encrypt)
    sent = create_partial_decryption(joint.decryption_share, ciphertext, ENGINE, RANDOM).to_bytes()
    theirs = parse_partial_decryption(ciphertext, Role.SERVER, sent)
    ours = create_partial_decryption(alice.decryption_share, ciphertext, ENGINE, RANDOM)
    secret = combine_decryption(ciphertext, ours, theirs, oaep_parameters(good.header.label("alice")))
    assert content_key_from(secret).to_secret_bytes() == CONTENT_KEY.to_secret_bytes()


def test_everybody_opens_their_own_in_the_separate_scheme(separate: World) -> None:
    """The author with its half alone, after the session peeled its layer off."""
    record = deposit(separate).record
    for person in separate.people:
        inner = peel_session(separate.decryption_share, record.key_for(person.name), ENGINE, RANDOM)
        keys = [person.decrypt_key, *([person.decryption_share] if person.decryption_share else [])]
        for key in keys:
            opened = open_inner(key, inner, record.header.label(person.name))
            assert opened.to_secret_bytes() == CONTENT_KEY.to_secret_bytes()
    with malformed("NOT_A_RECIPIENT"):
        record.key_for("dora")


def test_another_statement(joint: World, good: EvidenceRecord) -> None:
    """The signature is over this one."""
    with unverified("SIGNATURE_INVALID"):
        check(joint, replace(good, statement=replace(good.statement, sequence=8)))


def test_another_authors_certificate(joint: World, good: EvidenceRecord) -> None:
    """Bob's, or Alice's for encryption."""
    with unverified("STATEMENT_OF_OTHER_CERTIFICATE"):
        check_record(good, joint.person("bob").sign, joint.sign, joint.encrypt)
    with wrong_purpose():
        check_record(good, joint.person("alice").encrypt, joint.sign, joint.encrypt)


def test_header_of_another_message(joint: World, good: EvidenceRecord) -> None:
    """Of another session, author or recipients."""
    header, other = good.header, "session-" + "b" * 26
    with unverified("SESSION_WRONG"):
        check(joint, replace(good, header=replace(header, session_id=other)))
    wrong: tuple[EnvelopeHeader, ...] = (
        replace(header, author="zoe"),
        replace(header, keys=(*header.keys, RecipientKey("carol", JOINT_KEY))),
    )
    for each in wrong:
        with unverified("ENVELOPE_MISMATCHED"):
            check(joint, replace(good, header=each))


def test_header_of_another_session_certificate(joint: World, separate: World, good: EvidenceRecord) -> None:
    """Not the one at hand, one for signing, or one of the other scheme."""
    header = good.header
    cases: tuple[tuple[bytes, SessionCertificate], ...] = (
        (bytes(32), joint.encrypt),
        (joint.sign.fingerprint, joint.sign),
        (separate.encrypt.fingerprint, separate.encrypt),
    )
    for named, certificate in cases:
        record = replace(good, header=replace(header, session_certificate=named))
        with unverified("ENVELOPE_CERTIFICATE_WRONG"):
            check_record(record, joint.person("alice").sign, joint.sign, certificate)


def test_key_ciphertext_of_another_scheme_or_size(joint: World, separate: World, good: EvidenceRecord) -> None:
    """The author's or a recipient's: nobody could ever open it."""
    longer = JointKeyCiphertext(bytes(768))
    for wrong in (NESTED_KEY, longer):
        with unverified("KEY_CIPHERTEXT_OF_OTHER_SCHEME"):
            check(joint, replace(good, sender_key=wrong))
        with unverified("KEY_CIPHERTEXT_OF_OTHER_SCHEME"):
            check(joint, replace(good, header=replace(good.header, keys=(RecipientKey("bob", wrong),))))
    nested = deposit(separate).record
    for each in (JOINT_KEY, NestedKeyCiphertext(bytes(384), bytes(96))):
        with unverified("KEY_CIPHERTEXT_OF_OTHER_SCHEME"):
            check(separate, replace(nested, sender_key=each))


@pytest.mark.parametrize(
    ("segments", "length"),
    [
        *((0, 0), (0, 16), (-1, 0), (1, 15), (1, SEGMENT_BYTES + 17), (2, 32), (2, SEGMENT_BYTES + 32)),
        *((3, 2 * SEGMENT_BYTES + 48), (1 << 42, (1 << 63) + (1 << 46))),
    ],
)
def test_lengths_that_no_content_has(segments: int, length: int) -> None:
    """There is one way to cut content into segments."""
    with malformed("EVIDENCE_RECORD_MALFORMED"):
        replace(RECORD, segments=segments, content_length=length)


@pytest.mark.parametrize("plain", [0, 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, 5 << 30])
def test_lengths_that_content_has(plain: int) -> None:
    """Empty, short, and where one segment ends."""
    segments = max(1, -(-plain // SEGMENT_BYTES))
    record = replace(RECORD, segments=segments, content_length=plain + 16 * segments)
    assert EvidenceRecord.from_der(record.to_der()).plain_length == plain


@pytest.mark.parametrize("trailer", [b"", bytes(16), bytes(200 << 10)])
def test_trailer_of_a_length_that_none_has(trailer: bytes) -> None:
    """Empty, nothing but a tag, or too long."""
    with malformed("EVIDENCE_RECORD_MALFORMED"):
        replace(RECORD, trailer=trailer)
