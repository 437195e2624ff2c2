"""The oblivious pseudorandom function, by the test vectors of RFC 9497 appendix A.1.1 and by what it promises."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import MalformedInput
from mpc.oprf import Blinded, OprfKey, blind, random_scalar

SEED = bytes([0xA3]) * 32
INFO = b"test key"
BLIND = bytes.fromhex("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706")
VECTORS = [  # input, blinded element, evaluated element, output
    (
        "00",
        "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
        "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
        (
            "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
            "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6"
        ),
    ),
    (
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
        "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
        (
            "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
            "f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73"
        ),
    ),
]
FIELD = 2**255 - 19


@pytest.mark.parametrize(("value", "blinded", "evaluated", "output"), VECTORS)
def test_the_vectors_of_the_standard(value: str, blinded: str, evaluated: str, output: str) -> None:
    """Byte for byte, from seed to output."""
    client = Blinded(bytes.fromhex(value), BLIND)

    assert client.element.hex() == blinded
    assert OprfKey(SEED, INFO).evaluate(client.element).hex() == evaluated
    assert client.finalize(bytes.fromhex(evaluated)).hex() == output


@given(value=st.binary(min_size=1, max_size=40), seed=st.binary(min_size=32, max_size=32), info=st.binary(max_size=20))
def test_its_value_depends_on_input_and_key_alone_and_the_server_never_sees_the_same_twice(
    value: bytes, seed: bytes, info: bytes
) -> None:
    """Another blind changes what the server sees, and nothing else."""
    key = OprfKey(seed, info)
    first, second = blind(value, secrets.token_bytes), blind(value, secrets.token_bytes)

    output = first.finalize(key.evaluate(first.element))

    assert second.finalize(key.evaluate(second.element)) == output
    assert first.element != second.element
    other_input, other_key = blind(value + b"0", secrets.token_bytes), OprfKey(seed, info + b"0")
    assert other_input.finalize(key.evaluate(other_input.element)) != output
    assert second.finalize(other_key.evaluate(second.element)) != output


@pytest.mark.parametrize(
    "element",
    [
        bytes(32),  # the identity: its multiples say nothing of the input, and all of them are it
        bytes(31),
        bytes(33),
        FIELD.to_bytes(32, "little"),  # zero, written otherwise
        (1).to_bytes(32, "little"),  # negative in the sense of RFC 9496
        b"\xff" * 32,
    ],
    ids=["identity", "short", "long", "not-reduced", "negative", "above-the-field"],
)
def test_what_is_no_element_is_refused_by_both_sides(element: bytes) -> None:
    """Nobody computes with what may lie in a small group."""
    for take in (OprfKey(SEED, INFO).evaluate, Blinded(b"1234", BLIND).finalize):
        with pytest.raises(MalformedInput) as refused:
            take(element)
        assert refused.value.reason == "ELEMENT_MALFORMED"


@pytest.mark.parametrize("value", [b"", bytes(65536)])
def test_an_input_that_the_function_does_not_take_is_refused(value: bytes) -> None:
    """Its length stands in two bytes, and nobody hardens nothing."""
    with pytest.raises(ValueError, match="an input has"):
        blind(value, secrets.token_bytes)


def test_a_seed_of_another_length_is_refused() -> None:
    """A caller's mistake."""
    with pytest.raises(ValueError, match="a seed has 32 bytes"):
        OprfKey(bytes(31), INFO)


def test_a_blind_is_never_zero() -> None:
    """It is drawn again, whatever the generator gives."""
    order = 2**252 + 27742317777372353535851937790883648493
    given_bytes = iter([bytes(64), order.to_bytes(64, "little"), (order + 5).to_bytes(64, "little")])

    assert random_scalar(lambda _count: next(given_bytes)) == (5).to_bytes(32, "little")


def test_neither_key_nor_input_is_shown() -> None:
    """Both could be searched for otherwise."""
    assert repr(OprfKey(SEED, INFO)) == "<OprfKey redacted>"
    assert repr(Blinded(b"1234", BLIND)) == "<Blinded redacted>"
