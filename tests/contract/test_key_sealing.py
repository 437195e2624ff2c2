"""Key ciphertexts: for one recipient, in one envelope, in one session; and one answer to whatever does not open."""

from __future__ import annotations

import secrets
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract.content_key import ContentKey
from contract.envelope import EnvelopeCore
from contract.key_ciphertext import JointKeyCiphertext, KeyCiphertext, NestedKeyCiphertext
from contract.key_sealing import content_key_from, joint_ciphertext, open_inner, peel_session, seal_key
from contract.sealing import oaep_parameters
from mpc.errors import DecryptionFailed, MalformedInput
from mpc.four_prime_rsa import (
    DecryptionShare,
    HashAlgorithm,
    OaepParameters,
    Role,
    combine_decryption,
    create_partial_decryption,
    decrypt_alone,
    parse_partial_decryption,
)
from tests.contract.refusals import undecrypted, unverified
from tests.contract.world import ENVELOPE_ID, SESSION_ID, Person, World
from tests.mpc.parties import ENGINE, RANDOM
from tests.mpc.refusals import malformed, wrong_purpose

KEY = ContentKey(b"K" * 32)


def core(world: World) -> EnvelopeCore:
    """An envelope of Zoe to everybody."""
    names = tuple(each.name for each in world.people)
    return EnvelopeCore(ENVELOPE_ID, SESSION_ID, "zoe", world.encrypt.fingerprint, names)


def seal(world: World, name: str) -> KeyCiphertext:
    """Seal for a member."""
    return seal_key(KEY, core(world).label(name), world.person(name).encrypt, world.encrypt, secrets.token_bytes)


def open_jointly(world: World, recipient: Person, sealed: KeyCiphertext, label: bytes) -> bytes:
    """Open as recipient and session do over the wire."""
    assert recipient.decryption_share is not None
    ciphertext = joint_ciphertext(sealed, recipient.encrypt, world.encrypt)
    sent = create_partial_decryption(world.decryption_share, ciphertext, ENGINE, RANDOM).to_bytes()
    theirs = parse_partial_decryption(ciphertext, Role.SERVER, sent)
    ours = create_partial_decryption(recipient.decryption_share, ciphertext, ENGINE, RANDOM)
    return combine_decryption(ciphertext, ours, theirs, oaep_parameters(label))


def inner_of(world: World, sealed: KeyCiphertext) -> bytes:
    """Peel as the session does."""
    return peel_session(world.decryption_share, sealed, ENGINE, RANDOM)


def test_joint_key_ciphertext_opens(joint: World) -> None:
    """For its recipient, by the label of its envelope."""
    for name in ("alice", "bob"):
        opened = open_jointly(joint, joint.person(name), seal(joint, name), core(joint).label(name))
        assert content_key_from(opened).to_secret_bytes() == KEY.to_secret_bytes()


def test_joint_key_ciphertext_of_another_recipient_or_envelope(joint: World) -> None:
    """Swapped keys, another name, another envelope id, another author: all one answer."""
    alice, bob, envelope = joint.person("alice"), joint.person("bob"), core(joint)
    sealed = seal(joint, "alice")
    with undecrypted():
        open_jointly(joint, alice, sealed, envelope.label("bob"))
    others = [
        replace(envelope, envelope_id="envelope-" + "a" * 26),
        replace(envelope, session_id="session-" + "a" * 26),
        replace(envelope, author="dora"),
        replace(envelope, session_certificate=bytes(32)),
        replace(envelope, recipients=("alice",)),
    ]
    labels = {envelope.label("alice"), envelope.label("bob"), *(other.label("alice") for other in others)}
    assert len(labels) == 7
    for other in others:
        with undecrypted():
            open_jointly(joint, alice, sealed, other.label("alice"))
    # Either the number is above N_bob * N_session, which anybody sees, or the padding fails.
    with pytest.raises((MalformedInput, DecryptionFailed)):
        open_jointly(joint, bob, sealed, envelope.label("bob"))


@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_nested_key_ciphertext_opens(separate: World, name: str) -> None:
    """RSA and X25519."""
    recipient, label = separate.person(name), core(separate).label(name)
    inner = inner_of(separate, seal(separate, name))
    assert open_inner(recipient.decrypt_key, inner, label).to_secret_bytes() == KEY.to_secret_bytes()


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_inner_ciphertext_that_is_wrong(separate: World, name: str) -> None:
    """Flipped, cut, of another length, label, key or kind."""
    recipient, label = separate.person(name), core(separate).label(name)
    inner = inner_of(separate, seal(separate, name))
    flipped = bytes([*inner[:-1], inner[-1] ^ 1])
    for wrong in (b"", inner[1:], inner + b"\x00", b"\x00" + inner, flipped, bytes(len(inner)), b"\xff" * len(inner)):
        with undecrypted():
            open_inner(recipient.decrypt_key, wrong, label)
    with undecrypted():
        open_inner(recipient.decrypt_key, inner, core(separate).label("carol"))
    for other in (x25519.X25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)):
        with undecrypted():
            open_inner(other, inner, label)


def test_content_key_of_another_length(separate: World) -> None:
    """A sender who seals something else is told nothing."""
    alice, bob = separate.person("alice").encrypt, separate.person("bob").encrypt
    label = b"l" * 32
    assert isinstance(alice.public_key, rsa.RSAPublicKey)
    short = alice.public_key.encrypt(b"short", oaep_parameters(label).to_cryptography_padding())
    with undecrypted():
        open_inner(separate.person("alice").decrypt_key, short, label)
    assert isinstance(bob.public_key, x25519.X25519PublicKey)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    with undecrypted():
        open_inner(separate.person("bob").decrypt_key, suite.encrypt(b"short", bob.public_key, label), label)
    with undecrypted():
        content_key_from(b"short")
    with malformed("CONTENT_KEY_MALFORMED"):
        ContentKey(b"short")


def test_session_layer_that_is_wrong(separate: World, session_decryption_share: DecryptionShare) -> None:
    """Flipped, of another label, of a wrapping key of another length, with another box."""
    share = session_decryption_share
    good, other = seal(separate, "bob"), seal(separate, "bob")
    assert isinstance(good, NestedKeyCiphertext)
    assert isinstance(other, NestedKeyCiphertext)
    public = separate.encrypt.public_share().to_cryptography()
    layer = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"fourseal/v1/session layer")
    no_label = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)
    wrapping_key = decrypt_alone(share, good.session, layer)
    short = AESGCM(b"w" * 16).encrypt(bytes(12), bytes(80), None)
    for wrong in (
        replace(good, session=good.session[:-1] + bytes([good.session[-1] ^ 1])),
        replace(good, session=other.session),
        replace(good, box=other.box),
        replace(good, box=good.box[:-1] + bytes([good.box[-1] ^ 1])),
        replace(good, session=public.encrypt(wrapping_key, no_label.to_cryptography_padding())),
        NestedKeyCiphertext(public.encrypt(b"w" * 16, layer.to_cryptography_padding()), short),
    ):
        with undecrypted():
            peel_session(share, wrong, ENGINE, RANDOM)


def test_schemes_and_purposes_are_not_mixed(joint: World, separate: World) -> None:
    """A ciphertext of one scheme is no use in the other; certificates for signing encrypt nothing."""
    in_joint, in_separate = seal(joint, "alice"), seal(separate, "alice")
    assert isinstance(in_joint, JointKeyCiphertext)
    alice = joint.person("alice")
    with malformed("KEY_CIPHERTEXT_MALFORMED"):
        peel_session(joint.decryption_share, in_joint, ENGINE, RANDOM)
    with malformed("KEY_CIPHERTEXT_MALFORMED"):
        joint_ciphertext(in_separate, alice.encrypt, joint.encrypt)
    with unverified("SCHEME_WRONG"):
        joint_ciphertext(in_joint, alice.encrypt, separate.encrypt)
    for recipient, session in ((alice.sign, joint.encrypt), (alice.encrypt, joint.sign)):
        with wrong_purpose():
            seal_key(KEY, bytes(32), recipient, session, secrets.token_bytes)
        with wrong_purpose():
            joint_ciphertext(in_joint, recipient, session)
    signing: Any = separate.signing_share
    with wrong_purpose():
        peel_session(signing, in_separate, ENGINE, RANDOM)


def test_openssl_opens_the_inner_ciphertext(separate: World, tmp_path: Path) -> None:
    """With the recipient's RSA key, the label in hexadecimal, and nothing of ours."""
    alice, label = separate.person("alice"), core(separate).label("alice")
    pem = alice.decrypt_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "inner").write_bytes(inner_of(separate, seal(separate, "alice")))
    options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256", f"rsa_oaep_label:{label.hex()}"]
    command = ["openssl", "pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "inner"]
    for option in options:
        command += ["-pkeyopt", option]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == KEY.to_secret_bytes(), done.stderr
