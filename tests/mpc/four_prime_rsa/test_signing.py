"""Joint signing: what is signed, who may sign it, what is combined, and what the receiver accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from hypothesis import given, settings
from hypothesis import strategies as st

from mpc.four_prime_rsa import (
    EncodedMessage,
    PartialSignature,
    Role,
    SignatureAlgorithm,
    check_joint_signature,
    combine_signature,
    create_partial_signature,
)
from tests.mpc.parties import ENGINE, RANDOM, Decrypters, Signers, signing_share
from tests.mpc.refusals import blamed, malformed, wrong_purpose

CLIENT, SERVER = Role.CLIENT, Role.SERVER
PSS, PKCS1 = SignatureAlgorithm.PSS_SHA256, SignatureAlgorithm.PKCS1_SHA256


def verify(message: EncodedMessage, signature: bytes) -> None:
    """Verify with ``cryptography``."""
    algorithm = message.algorithm
    message.joint_key.to_cryptography().verify(
        signature, message.digest, algorithm.to_cryptography_padding(), Prehashed(algorithm.hash.to_cryptography())
    )


def partials(signers: Signers, message: EncodedMessage) -> tuple[PartialSignature, PartialSignature]:
    """Make the client's and the server's partial."""
    client, server = (create_partial_signature(signers.share(role), message, ENGINE, RANDOM) for role in Role)
    return client, server


@given(data=st.data(), algorithm=st.sampled_from(SignatureAlgorithm))
@settings(max_examples=30)
def test_any_digest_is_signed(signers: Signers, data: st.DataObject, algorithm: SignatureAlgorithm) -> None:
    """By every algorithm; a foreign verifier accepts it, and the receiver too."""
    digest = data.draw(st.binary(min_size=algorithm.hash.digest_size, max_size=algorithm.hash.digest_size))
    message = signers.message(algorithm, digest)
    signature = signers.sign(message)
    assert len(signature) == 512
    verify(message, signature)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_every_size_signs(algorithm: SignatureAlgorithm, sized_signers: Signers) -> None:
    """By every algorithm."""
    message = sized_signers.message(algorithm)
    verify(message, sized_signers.sign(message))


def test_signature_follows_from_message_and_salt(signers: Signers) -> None:
    """A repeat after a crash gives the same bytes; another salt gives others."""
    digest, salt = RANDOM(32), RANDOM(32)
    message = EncodedMessage(signers.key, PSS, digest, salt)
    assert signers.sign(message) == signers.sign(EncodedMessage(signers.key, PSS, digest, salt))
    assert signers.sign(message) != signers.sign(EncodedMessage(signers.key, PSS, digest, RANDOM(32)))


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
@pytest.mark.parametrize("change", [-1, 1])
def test_digest_of_another_length_is_refused(algorithm: SignatureAlgorithm, change: int, signers: Signers) -> None:
    """One byte less or more, none at all, and SHA-1's."""
    for length in (algorithm.hash.digest_size + change, 0, 20):
        with malformed("DIGEST_LENGTH_WRONG"):
            EncodedMessage(signers.key, algorithm, bytes(length), bytes(algorithm.salt_length))


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_salt_of_another_length_is_refused(algorithm: SignatureAlgorithm, signers: Signers) -> None:
    """One byte more or less for PSS, any at all for PKCS#1 v1.5."""
    for length in {algorithm.salt_length + 1, algorithm.salt_length - 1, 0} - {-1, algorithm.salt_length}:
        with malformed("SALT_LENGTH_WRONG"):
            EncodedMessage(signers.key, algorithm, bytes(algorithm.hash.digest_size), bytes(length))


def test_decryption_key_signs_nothing(signers: Signers, decrypters: Decrypters) -> None:
    """Neither as a key nor as a share, whatever a caller without a type checker passes."""
    with wrong_purpose():
        EncodedMessage(decrypters.key, PSS, bytes(32), bytes(32))
    with wrong_purpose():
        create_partial_signature(
            decrypters.client,  # type: ignore[arg-type]
            signers.message(PSS),
            ENGINE,
            RANDOM,
        )


def test_share_of_another_key_signs_nothing(signers: Signers, other_signers: Signers) -> None:
    """Of either role."""
    for share in (other_signers.client, other_signers.server, signing_share(CLIENT)):
        with malformed("SHARE_OF_OTHER_KEY"):
            create_partial_signature(share, signers.message(PSS), ENGINE, RANDOM)


def test_message_is_fixed(signers: Signers) -> None:
    """What was encoded is what is signed."""
    message = signers.message(PSS)
    with pytest.raises(FrozenInstanceError):
        message.representative = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        EncodedMessage(signers.key, PSS, bytes(32), bytes(32), 2)  # type: ignore[call-arg]


def test_encoded_number_is_below_the_joint_modulus(sized_signers: Signers) -> None:
    """And above the halves, which reduce it: PSS uses all but the highest bit."""
    bits = sized_signers.key.modulus.bit_length()
    numbers = [sized_signers.message(algorithm).representative for algorithm in SignatureAlgorithm for _ in range(20)]
    assert max(numbers) < 1 << (bits - 1) <= sized_signers.key.modulus
    assert min(numbers) > sized_signers.client.public.modulus


def test_partials_of_other_messages_or_parties_are_not_combined(signers: Signers, other_signers: Signers) -> None:
    """Exchanged, twice the same, of two messages, of another message than asked for, of another key."""
    message, other = signers.message(PSS), signers.message(PSS)
    foreign = EncodedMessage(other_signers.key, PSS, message.digest, message.salt)
    (client, server), (other_client, other_server) = partials(signers, message), partials(signers, other)
    foreign_client, foreign_server = partials(other_signers, foreign)
    assert len(combine_signature(message, client, server)) == 512
    for one, two in (
        (server, client),
        (client, client),
        (server, server),
        (other_client, server),
        (client, other_server),
        (other_client, other_server),
        (foreign_client, server),
        (foreign_client, foreign_server),
    ):
        with malformed("PARTIALS_MISMATCHED"):
            combine_signature(message, one, two)


WRONG_SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "zero": lambda _: bytes(512),
    "one": lambda _: bytes(511) + b"\1",
    "greatest": lambda _: b"\xff" * 512,
    "cut": lambda right: right[:-1],
    "padded in front": lambda right: b"\0" + right,
    "padded behind": lambda right: right + b"\0",
    "lowest bit": lambda right: right[:-1] + bytes([right[-1] ^ 1]),
    "highest bit": lambda right: bytes([right[0] ^ 128]) + right[1:],
    "reversed": lambda right: right[::-1],
    "the client's partial": lambda right: right[256:].rjust(512, b"\0"),
}


@pytest.mark.parametrize("name", WRONG_SIGNATURES)
def test_receiver_refuses_a_wrong_signature(name: str, signers: Signers) -> None:
    """And blames the server, which combined it."""
    message = signers.message(PSS)
    ours, _ = partials(signers, message)
    with blamed(SERVER, "JOINT_SIGNATURE_INVALID"):
        check_joint_signature(ours, WRONG_SIGNATURES[name](signers.sign(message)))


@pytest.mark.parametrize("share", ["client", "server"])
def test_receiver_refuses_what_is_right_in_one_half(share: str, signers: Signers) -> None:
    """S plus a multiple of one half's modulus is right there, and wrong in the other half."""
    message = signers.message(PSS)
    ours, _ = partials(signers, message)
    wrong = int.from_bytes(signers.sign(message), "big") + getattr(signers, share).public.modulus
    with blamed(SERVER, "JOINT_SIGNATURE_INVALID"):
        check_joint_signature(ours, (wrong % signers.key.modulus).to_bytes(512, "big"))


def test_receiver_refuses_the_signature_of_another_message(signers: Signers) -> None:
    """Other digest, salt, algorithm: each makes another message."""
    message = signers.message(PSS)
    ours, theirs = partials(signers, message)
    signature = combine_signature(message, ours, theirs)
    check_joint_signature(ours, signature)
    for other in (
        EncodedMessage(signers.key, PSS, RANDOM(32), message.salt),
        EncodedMessage(signers.key, PSS, message.digest, RANDOM(32)),
        EncodedMessage(signers.key, PKCS1, message.digest, b""),
    ):
        with blamed(SERVER, "JOINT_SIGNATURE_INVALID"):
            check_joint_signature(partials(signers, other)[0], signature)
    with malformed("PARTIALS_MISMATCHED"):
        check_joint_signature(theirs, signature)


def test_receiver_refuses_a_second_encoding(signers: Signers) -> None:
    """S + N has the same e-th power; software that does not look would accept it."""
    message = signers.message(PSS)
    while (second := int.from_bytes(signers.sign(message), "big") + signers.key.modulus) >> 4096:
        message = signers.message(PSS)
    assert pow(second, 65537, signers.key.modulus) == message.representative
    with blamed(SERVER, "JOINT_SIGNATURE_INVALID"):
        check_joint_signature(partials(signers, message)[0], second.to_bytes(512, "big"))
