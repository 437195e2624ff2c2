"""Joint decryption: what is decrypted, by whom, what is combined, and the one answer to every broken padding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import (
    Ciphertext,
    HashAlgorithm,
    OaepParameters,
    PartialDecryption,
    Role,
    combine_decryption,
    create_partial_decryption,
)
from tests.mpc.four_prime_rsa.encodings.oaep_encoder import Spoiled, encode, parameter_sets, spoiled_encodings
from tests.mpc.parties import ENGINE, RANDOM, Decrypters, Signers, decryption_share
from tests.mpc.refusals import malformed, wrong_purpose

CLIENT = Role.CLIENT
OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)


def encrypted(decrypters: Decrypters, encoded: bytes) -> bytes:
    """Encrypt EM as it is, as a sender does who does not keep to the padding."""
    value = int.from_bytes(encoded, "big")
    return decrypters.key.raise_to_public_exponent(value).to_bytes(512, "big")


def partials(decrypters: Decrypters, ciphertext: Ciphertext) -> tuple[PartialDecryption, PartialDecryption]:
    """Make the client's and the server's partial."""
    client, server = (create_partial_decryption(decrypters.share(role), ciphertext, ENGINE, RANDOM) for role in Role)
    return client, server


@given(data=st.data(), parameters=parameter_sets)
@settings(max_examples=30)
def test_any_plaintext_is_decrypted(decrypters: Decrypters, data: st.DataObject, parameters: OaepParameters) -> None:
    """By every pair of hashes and with labels, the longest plaintext and the empty one among them."""
    longest = parameters.max_plaintext_bytes(512)
    plaintext = data.draw(st.binary(max_size=longest) | st.just(b"") | st.just(b"\1" * longest))
    ciphertext = decrypters.key.to_cryptography().encrypt(plaintext, parameters.to_cryptography_padding())
    assert decrypters.decrypt(ciphertext, parameters) == plaintext


@given(parameters=parameter_sets, message=st.binary(max_size=100), spoiled=spoiled_encodings)
@settings(max_examples=30)
def test_every_broken_padding_has_the_same_answer(
    decrypters: Decrypters, parameters: OaepParameters, message: bytes, spoiled: Spoiled
) -> None:
    """The ciphertext is well-formed, both partials hold, and nothing tells what was broken."""
    seed = bytes(parameters.hash.digest_size)
    spoiled = Spoiled(**{**spoiled.__dict__, "first": spoiled.first % 128})  # so that EM stays below N
    encoded = encode(message, seed, parameters, 512, spoiled)
    if encoded == encode(message, seed, parameters, 512, Spoiled()):
        assert decrypters.decrypt(encrypted(decrypters, encoded), parameters) == message
        return
    with pytest.raises(DecryptionFailed) as caught:
        decrypters.decrypt(encrypted(decrypters, encoded), parameters)
    error = caught.value
    assert (error.args, error.reason, error.metadata) == (
        ("the ciphertext could not be decrypted",),
        "DECRYPTION_FAILED",
        {},
    )
    assert (error.__cause__, error.__context__) == (None, None)


def test_another_label_is_a_broken_padding(decrypters: Decrypters) -> None:
    """Also an empty one."""
    labelled = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"one")
    ciphertext = decrypters.key.to_cryptography().encrypt(b"message", labelled.to_cryptography_padding())
    assert decrypters.decrypt(ciphertext, labelled) == b"message"
    for label in (b"", b"two", b"one\0"):
        with pytest.raises(DecryptionFailed):
            decrypters.decrypt(ciphertext, OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, label))


@pytest.mark.parametrize("length", [0, 1, 256, 511, 513, 1024])
def test_ciphertext_of_another_length_is_refused(length: int, decrypters: Decrypters) -> None:
    """Anybody sees the length, so it may have an error of its own."""
    with malformed("CIPHERTEXT_MALFORMED"):
        Ciphertext(decrypters.key, b"\1" * length)


def test_number_that_nothing_encrypts_to_is_refused(decrypters: Decrypters) -> None:
    """Zero, the modulus and above; and whatever shares a prime with it, which would be found by that sender alone."""
    key = decrypters.key
    factors = [crt_prime for role in Role for crt_prime in (decrypters.share(role).crt.p, decrypters.share(role).crt.q)]
    moduli = [decrypters.share(role).public.modulus for role in Role]
    for value in (0, key.modulus, key.modulus + 1, (1 << 4096) - 1, *factors, *moduli, factors[0] * 12345):
        with malformed("CIPHERTEXT_MALFORMED"):
            Ciphertext(key, value.to_bytes(512, "big"))
    for value in (1, 2, key.modulus - 1):
        assert Ciphertext(key, value.to_bytes(512, "big")).value == value


def test_signing_key_decrypts_nothing(signers: Signers, decrypters: Decrypters) -> None:
    """Neither as a key nor as a share, whatever a caller without a type checker passes."""
    with wrong_purpose():
        Ciphertext(signers.key, b"\1" * 512)
    with wrong_purpose():
        create_partial_decryption(
            signers.client,  # type: ignore[arg-type]
            Ciphertext(decrypters.key, b"\1" * 512),
            ENGINE,
            RANDOM,
        )


def test_share_of_another_key_decrypts_nothing(decrypters: Decrypters, other_decrypters: Decrypters) -> None:
    """Of either role."""
    ciphertext = Ciphertext(decrypters.key, b"\1" * 512)
    for share in (other_decrypters.client, other_decrypters.server, decryption_share(CLIENT)):
        with malformed("SHARE_OF_OTHER_KEY"):
            create_partial_decryption(share, ciphertext, ENGINE, RANDOM)


def test_partials_of_other_ciphertexts_or_parties_are_not_combined(
    decrypters: Decrypters, other_decrypters: Decrypters
) -> None:
    """Exchanged, twice the same, of two ciphertexts, of another one than asked for, of another key."""
    padding = OAEP.to_cryptography_padding()
    ciphertext = Ciphertext(decrypters.key, decrypters.key.to_cryptography().encrypt(b"m", padding))
    other = Ciphertext(decrypters.key, decrypters.key.to_cryptography().encrypt(b"m", padding))
    foreign = Ciphertext(other_decrypters.key, other_decrypters.key.to_cryptography().encrypt(b"m", padding))
    (client, server), (other_client, other_server) = partials(decrypters, ciphertext), partials(decrypters, other)
    foreign_client, foreign_server = partials(other_decrypters, foreign)
    assert combine_decryption(ciphertext, client, server, OAEP) == b"m"
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
            combine_decryption(ciphertext, one, two, OAEP)


def test_partial_does_not_print_its_number(decrypters: Decrypters) -> None:
    """With the other party's share it opens the ciphertext."""
    ciphertext = Ciphertext(decrypters.key, b"\x44" * 512)
    for partial in partials(decrypters, ciphertext):
        assert str(partial.value) not in repr(partial)
        assert f"{partial.value:x}" not in repr(partial)
