"""EME-OAEP decoding against foreign vectors and a foreign encoder, and against every kind of broken padding."""

from __future__ import annotations

from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters
from mpc.four_prime_rsa.encodings import oaep
from tests.mpc.four_prime_rsa.encodings.oaep_encoder import Spoiled, encode, parameter_sets, spoiled_encodings
from tests.mpc.four_prime_rsa.encodings.vectors import oaep_label_vector, oaep_vectors

HASH_PAIRS = list(product(HashAlgorithm, HashAlgorithm))
LENGTH = 512
WHOLE = Spoiled()


@pytest.fixture(scope="module")
def whole_key() -> rsa.RSAPrivateKey:
    """An ordinary RSA key, for the foreign encoder."""
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(("hash_algorithm", "mgf_hash"), HASH_PAIRS)
def test_decodes_the_vectors(hash_algorithm: HashAlgorithm, mgf_hash: HashAlgorithm) -> None:
    """Sixty ciphertexts under ten keys, by each pair of hashes."""
    parameters = OaepParameters(hash_algorithm, mgf_hash)
    vectors = oaep_vectors(f"oaep-custom/oaep-{mgf_hash}-{hash_algorithm}.txt")
    assert (len(vectors), len({vector.modulus for vector in vectors})) == (60, 10)
    assert all(oaep.decode(vector.encoded, parameters) == vector.plaintext for vector in vectors)


def test_decodes_the_vector_with_a_label() -> None:
    """And not without its label."""
    vector, algorithm, label = oaep_label_vector()
    assert oaep.decode(vector.encoded, OaepParameters(algorithm, algorithm, label)) == vector.plaintext
    with pytest.raises(DecryptionFailed):
        oaep.decode(vector.encoded, OaepParameters(algorithm, algorithm))


@given(parameters=parameter_sets, data=st.data())
def test_decodes_what_cryptography_encodes(
    whole_key: rsa.RSAPrivateKey, parameters: OaepParameters, data: st.DataObject
) -> None:
    """Messages of every length, empty and longest among them, with any byte at their beginning."""
    longest = parameters.max_plaintext_bytes(256)
    message = data.draw(st.binary(max_size=longest) | st.just(b"") | st.just(bytes(longest)) | st.just(b"\0\1\0"))
    ciphertext = whole_key.public_key().encrypt(message, parameters.to_cryptography_padding())
    numbers = whole_key.private_numbers()
    encoded = pow(int.from_bytes(ciphertext, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    assert oaep.decode(encoded, parameters) == message


@given(parameters=parameter_sets, message=st.binary(max_size=200), spoiled=spoiled_encodings, data=st.data())
def test_every_broken_padding_has_the_same_answer(
    parameters: OaepParameters, message: bytes, spoiled: Spoiled, data: st.DataObject
) -> None:
    """Same type, text, reason and metadata, and nothing chained to it that would tell more."""
    size = parameters.hash.digest_size
    seed = data.draw(st.binary(min_size=size, max_size=size))
    assert oaep.decode(encode(message, seed, parameters, LENGTH, WHOLE), parameters) == message
    with pytest.raises(DecryptionFailed) as caught:
        oaep.decode(encode(message, seed, parameters, LENGTH, spoiled), parameters)
    _assert_the_one_answer(caught.value)


@pytest.mark.parametrize("encoded", [bytes(LENGTH), bytes(LENGTH - 1) + b"\1", b"\0" + b"\xff" * (LENGTH - 1)])
def test_numbers_without_any_padding_have_the_same_answer(encoded: bytes) -> None:
    """Zero, one and a large number: what the ciphertexts 0, 1 and a chosen one decrypt to."""
    with pytest.raises(DecryptionFailed) as caught:
        oaep.decode(encoded, OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256))
    _assert_the_one_answer(caught.value)


@pytest.mark.parametrize("wrong", [pair for pair in HASH_PAIRS if pair != HASH_PAIRS[0]])
def test_other_hashes_than_the_senders_have_the_same_answer(wrong: tuple[HashAlgorithm, HashAlgorithm]) -> None:
    """Hash and MGF hash are no secret, yet the answer does not say which was wrong."""
    encoded = encode(b"message", bytes(32), OaepParameters(*HASH_PAIRS[0]), LENGTH, WHOLE)
    with pytest.raises(DecryptionFailed) as caught:
        oaep.decode(encoded, OaepParameters(*wrong))
    _assert_the_one_answer(caught.value)


def _assert_the_one_answer(error: DecryptionFailed) -> None:
    assert error.args == ("the ciphertext could not be decrypted",)
    assert (error.reason, error.metadata) == ("DECRYPTION_FAILED", {})
    assert (error.__cause__, error.__context__) == (None, None)
