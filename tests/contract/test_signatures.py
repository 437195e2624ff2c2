"""Signatures of statements: what holds in one scheme, session or by one author says nothing elsewhere."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.certificates import joint_key
from contract.possession import PossessionProof, PossessionRole
from contract.session_info import Scheme
from contract.signatures import (
    JointSignature,
    SeparateSignature,
    Signature,
    check_author_signature,
    joint_message,
    require_scheme,
    sign_as_session,
    sign_separately,
    verify_signature,
)
from contract.signer_keys import SignerAlgorithm, algorithm_of, check_signature_alone, sign_alone
from contract.statement import Answer, Decision, Statement
from mpc.four_prime_rsa import create_partial_signature, own_private_key
from mpc.four_prime_rsa.certification import certify_modulus
from tests.contract.refusals import unverified
from tests.contract.world import NOW, World, describe
from tests.mpc.parties import ENGINE, RANDOM
from tests.mpc.refusals import malformed, wrong_purpose

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture(scope="module")
def joint_statement(joint: World) -> tuple[Statement, Signature]:
    """Signed by Alice in the joint session."""
    statement = joint.statement()
    return statement, joint.signed(statement)


def verify(world: World, statement: Statement, signature: Signature) -> Statement:
    """Verify with the certificates of the statement's author."""
    return verify_signature(statement.to_der(), signature, world.person(statement.author).sign, world.sign)


def test_joint_signature_holds(joint: World, joint_statement: tuple[Statement, Signature]) -> None:
    """And an answer to it by its recipient."""
    statement, signature = joint_statement
    assert verify(joint, statement, signature) == statement
    answer = replace(joint.statement("bob"), answer=Answer(Decision.ACCEPT, statement))
    assert verify(joint, answer, joint.signed(answer)) == answer


def test_openssl_verifies_a_joint_signature(
    joint: World, joint_statement: tuple[Statement, Signature], tmp_path: Path
) -> None:
    """With nothing but the joint public key, the statement and the signature."""
    statement, signature = joint_statement
    assert isinstance(signature, JointSignature)
    key = joint_key(joint.person("alice").sign, joint.sign).to_cryptography()
    (tmp_path / "joint.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "statement.der").write_bytes(statement.to_der())
    (tmp_path / "signature").write_bytes(signature.data)
    command = ["openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
    command += ["-verify", "joint.pem", "-signature", "signature", "statement.der"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Verified OK\n"), done.stderr


@pytest.mark.parametrize("author", ["alice", "bob", "carol"])
def test_separate_signatures_hold(separate: World, author: str) -> None:
    """Of every kind of key."""
    statement = separate.statement(author)
    signature = separate.signed(statement)
    assert isinstance(signature, SeparateSignature)
    assert verify(separate, statement, signature) == statement
    check_author_signature(statement, signature.signer, separate.person(author).sign, separate.sign)


CHANGES: dict[str, Callable[[Statement], Statement]] = {
    "time": lambda s: replace(s, time=s.time.replace(second=1)),
    "sequence": lambda s: replace(s, sequence=s.sequence + 1),
    "description": lambda s: replace(s, description=bytes(32)),
    "number": lambda s: replace(s, recipients=(replace(s.recipients[0], number=4), *s.recipients[1:])),
    "recipients": lambda s: replace(s, recipients=(replace(s.recipients[0], name="zoe"),)),
    "certificate": lambda s: replace(
        s, recipients=(replace(s.recipients[0], encrypt_certificate=bytes(32)), *s.recipients[1:])
    ),
    "answer": lambda s: replace(
        s,
        answer=Answer(
            Decision.REJECT,
            replace(s, author="zoe", recipients=(replace(s.recipients[0], name=s.author),)),
        ),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("scheme", Scheme)
def test_signature_of_another_statement(
    joint: World, separate: World, scheme: Scheme, change: Callable[[Statement], Statement]
) -> None:
    """Whatever field of it was changed."""
    world = joint if scheme is Scheme.JOINT else separate
    statement = world.statement()
    with unverified("SIGNATURE_INVALID"):
        verify(world, change(statement), world.signed(statement))


@pytest.mark.parametrize(
    "changes",
    [
        {"session_id": "session-" + "b" * 26},
        {"session_certificate": bytes(32)},
        {"author_certificate": bytes(32)},
        {"author": "zoe"},
    ],
)
def test_statement_that_names_others(joint: World, changes: dict[str, Any]) -> None:
    """It says itself by whom and where it was signed."""
    statement = replace(joint.statement(), **changes)
    alice = joint.person("alice").sign
    signature = JointSignature(bytes(512))
    with unverified("STATEMENT_OF_OTHER_CERTIFICATE"):
        verify_signature(statement.to_der(), signature, alice, joint.sign)
    with unverified("STATEMENT_OF_OTHER_CERTIFICATE"):
        joint_message(statement, alice, joint.sign, bytes(32))


def test_signature_of_another_author_or_session(
    joint: World, joint_statement: tuple[Statement, Signature], separate: World
) -> None:
    """Shown with certificates that are not those of the statement."""
    statement, signature = joint_statement
    for author, session in (
        (joint.person("bob").sign, joint.sign),
        (joint.person("alice").sign, separate.sign),
    ):
        with unverified("STATEMENT_OF_OTHER_CERTIFICATE"):
            verify_signature(statement.to_der(), signature, author, session)
    of_bob = replace(
        joint.statement("bob"), time=statement.time, sequence=statement.sequence, description=statement.description
    )
    with unverified("SIGNATURE_INVALID"):
        verify(joint, of_bob, signature)


def test_certificates_for_encryption_verify_nothing(joint: World) -> None:
    """Of whichever of the two."""
    statement, alice = joint.statement(), joint.person("alice")
    for author, session in ((alice.encrypt, joint.sign), (alice.sign, joint.encrypt)):
        with wrong_purpose():
            verify_signature(statement.to_der(), JointSignature(bytes(512)), author, session)


def test_author_who_is_no_member(joint: World, joint_statement: tuple[Statement, Signature]) -> None:
    """A revision without Alice; then one where she has another certificate."""
    statement, _ = joint_statement
    alice, bob = joint.person("alice"), joint.person("bob")
    other = replace(alice.member, sign_certificate=bytes(32))
    for info in (
        replace(joint.info, members=(bob.member,)),
        replace(joint.info, members=(other, bob.member)),
    ):
        world = replace(joint, info=info)
        stranger = replace(statement, session_certificate=world.sign.fingerprint)
        with unverified("AUTHOR_NOT_A_MEMBER"):
            joint_message(stranger, alice.sign, world.sign, bytes(32))
        with unverified("AUTHOR_NOT_A_MEMBER"):
            verify(world, stranger, JointSignature(bytes(512)))


def test_signature_of_the_other_scheme(joint: World, separate: World) -> None:
    """Though it holds: the two sessions here have the same shares, and Alice the same key."""
    alice = joint.person("alice")
    statement = separate.statement()
    as_joint = replace(joint, info=replace(separate.info, scheme=Scheme.JOINT))
    twin = replace(statement, session_certificate=as_joint.sign.fingerprint)
    joint_signature = as_joint.signed(twin)
    assert verify(as_joint, twin, joint_signature) == twin
    separate_signature = separate.signed(statement)
    with unverified("SCHEME_WRONG"):
        verify(separate, statement, joint_signature)
    with unverified("SCHEME_WRONG"):
        verify(as_joint, twin, separate_signature)
    with unverified("SCHEME_WRONG"):
        joint_message(statement, alice.sign, separate.sign, bytes(32))
    with unverified("SCHEME_WRONG"):
        sign_separately(alice.sign_key, twin, alice.sign, as_joint.sign)
    with unverified("SCHEME_WRONG"):
        sign_as_session(joint.signing_share, twin, alice.sign, as_joint.sign, ENGINE, RANDOM)
    with unverified("SCHEME_WRONG"):
        check_author_signature(twin, b"x", alice.sign, as_joint.sign)
    require_scheme(separate.sign, Scheme.SEPARATE)


def test_joint_signatures_parts_are_no_separate_ones(joint: World, separate: World) -> None:
    """Partials are signatures by no half; a joint signature cut in two neither."""
    alice = separate.person("alice")
    statement = separate.statement()
    as_joint = replace(joint, info=replace(separate.info, scheme=Scheme.JOINT))
    twin = replace(statement, session_certificate=as_joint.sign.fingerprint)
    message = joint_message(twin, alice.sign, as_joint.sign, secrets.token_bytes(32))
    assert alice.signing_share is not None
    theirs = create_partial_signature(alice.signing_share, message, ENGINE, RANDOM).to_bytes()
    ours = create_partial_signature(separate.signing_share, message, ENGINE, RANDOM).to_bytes()
    with unverified("SIGNATURE_INVALID"):
        verify(separate, statement, SeparateSignature(SignerAlgorithm.RSA_PSS_SHA256, theirs, ours))
    good = separate.signed(statement)
    assert isinstance(good, SeparateSignature)
    with unverified("SIGNATURE_INVALID"):
        verify(as_joint, twin, JointSignature(good.signer + good.session))


def test_each_of_two_signatures_counts(separate: World) -> None:
    """One side's is not enough, nor one side's twice, nor the two swapped."""
    statement, other = separate.statement(), separate.statement("alice", "bob")
    good, wrong = separate.signed(statement), separate.signed(other)
    assert isinstance(good, SeparateSignature)
    assert isinstance(wrong, SeparateSignature)
    for signature in (
        replace(good, signer=wrong.signer),
        replace(good, session=wrong.session),
        replace(good, signer=good.session),
        replace(good, session=good.signer),
        replace(good, signer=good.session, session=good.signer),
    ):
        with unverified("SIGNATURE_INVALID"):
            verify(separate, statement, signature)


@pytest.mark.parametrize("author", ["alice", "bob", "carol"])
def test_algorithm_must_be_that_of_the_key(separate: World, author: str) -> None:
    """Whatever the signature says of itself."""
    statement = separate.statement(author)
    good = separate.signed(statement)
    assert isinstance(good, SeparateSignature)
    for algorithm in set(SignerAlgorithm) - {good.algorithm}:
        with unverified("SIGNATURE_INVALID"):
            verify(separate, statement, replace(good, algorithm=algorithm))


def test_joint_signature_has_one_form(joint: World, joint_statement: tuple[Statement, Signature]) -> None:
    """Not a number above N, nor another length, nor a flipped bit."""
    statement, signature = joint_statement
    assert isinstance(signature, JointSignature)
    modulus = joint_key(joint.person("alice").sign, joint.sign).modulus
    value = int.from_bytes(signature.data, "big")
    wrong = [
        bytes([*signature.data[:-1], signature.data[-1] ^ 1]),
        bytes(512),
        b"\xff" * 512,
        bytes(256) + signature.data,
    ]
    if value + modulus < 1 << 4096:
        wrong.append((value + modulus).to_bytes(512, "big"))
    for data in wrong:
        with unverified("SIGNATURE_INVALID"):
            verify(joint, statement, JointSignature(data))


def test_salt_of_another_length_or_hash(separate: World) -> None:
    """The same key, the same padding, other parameters."""
    alice = separate.person("alice")
    key, data = alice.sign_key, separate.statement().to_der()
    assert isinstance(key, rsa.RSAPrivateKey)
    for salt, hashing in ((0, SHA256()), (20, SHA256()), (48, SHA384())):
        signature = key.sign(data, padding.PSS(padding.MGF1(hashing), salt), hashing)
        with unverified("SIGNATURE_INVALID"):
            check_signature_alone(alice.sign.public_key, signature, data)
    with unverified("SIGNATURE_INVALID"):
        check_signature_alone(alice.sign.public_key, key.sign(data, padding.PKCS1v15(), SHA256()), data)


def test_ecdsa_signature_has_one_form() -> None:
    """Of the two values of s the lower, in DER, with nothing behind."""
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(8):  # of OpenSSL's signatures half have the higher s
        signature = sign_alone(key, b"data")
        check_signature_alone(key.public_key(), signature, b"data")
        r, s = decode_dss_signature(signature)
        assert s <= P256_ORDER // 2
        high = encode_dss_signature(r, P256_ORDER - s)
        key.public_key().verify(high, b"data", ec.ECDSA(SHA256()))
        for wrong in (high, signature + b"\x00", b"\x30\x81" + signature[1:], signature[:-1], b"", b"\x30\x00"):
            with unverified("SIGNATURE_INVALID"):
                check_signature_alone(key.public_key(), wrong, b"data")


def test_signatures_alone_of_every_kind_refuse_what_is_wrong() -> None:
    """Other data, other length, other key."""
    for key in (
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    ):
        public, signature = key.public_key(), sign_alone(key, b"data")
        check_signature_alone(public, signature, b"data")
        assert algorithm_of(public) in SignerAlgorithm
        for wrong, data in (
            (signature, b"date"),
            (signature[1:], b"data"),
            (b"\x00" + signature, b"data"),
            (b"", b"data"),
        ):
            with unverified("SIGNATURE_INVALID"):
                check_signature_alone(public, wrong, data)
    with malformed("SIGNER_KEY_UNSUITABLE"):
        sign_alone(ec.generate_private_key(ec.SECP384R1()), b"data")


def test_rsa_signature_without_its_leading_zero() -> None:
    """The same number in one byte less: there is one encoding of each."""
    key = rsa.generate_private_key(65537, 2048)
    signature = b"\x01"
    while signature[0]:  # one in 256 begins with a zero
        signature = sign_alone(key, b"data")
    check_signature_alone(key.public_key(), signature, b"data")
    with unverified("SIGNATURE_INVALID"):
        check_signature_alone(key.public_key(), signature[1:], b"data")


def test_what_the_keys_sign_otherwise_signs_no_statement(separate: World) -> None:
    """A proof of possession, and the roots of a certification."""
    alice = separate.person("alice")
    statement = separate.statement()
    good = separate.signed(statement)
    assert isinstance(good, SeparateSignature)
    proof = PossessionProof(
        role=PossessionRole.SIGNER,
        account="alice",
        login_id="login",
        agent_certificate=bytes(32),
        server_certificate=bytes(32),
        client_nonce=bytes(32),
        server_nonce=bytes(32),
        time=NOW,
        certificates=(alice.sign.fingerprint, alice.encrypt.fingerprint),
    ).to_der()
    with unverified("SIGNATURE_INVALID"):
        verify(separate, statement, replace(good, signer=sign_alone(alice.sign_key, proof)))
    with pytest.raises(Exception, match="not") as caught:
        verify_signature(proof, good, alice.sign, separate.sign)
    assert type(caught.value).__name__ == "MalformedInput"
    for root in certify_modulus(separate.signing_share, statement.to_der(), ENGINE, RANDOM):
        with unverified("SIGNATURE_INVALID"):
            verify(separate, statement, replace(good, session=root))


def test_session_signs_with_its_own_share_alone(joint: World, separate: World) -> None:
    """Not with a member's, and not with one that decrypts."""
    statement, alice = separate.statement(), separate.person("alice")
    assert alice.signing_share is not None
    with malformed("SHARE_OF_OTHER_KEY"):
        sign_as_session(alice.signing_share, statement, alice.sign, separate.sign, ENGINE, RANDOM)
    decrypting: Any = joint.decryption_share
    with malformed("SHARE_OF_OTHER_KEY"):
        sign_as_session(decrypting, statement, alice.sign, separate.sign, ENGINE, RANDOM)
    assert own_private_key(separate.signing_share).key_size == 2048


def test_joint_message_is_of_the_statements_bytes(joint: World) -> None:
    """The digest is computed, never sent; the salt has 32 bytes."""
    statement, alice = joint.statement(), joint.person("alice").sign
    message = joint_message(statement, alice, joint.sign, bytes(32))
    assert message.digest == statement.digest
    with malformed("SALT_LENGTH_WRONG"):
        joint_message(statement, alice, joint.sign, bytes(20))
    assert statement.description == describe().commitment
