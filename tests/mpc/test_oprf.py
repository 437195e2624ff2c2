"""The oblivious pseudorandom function, by the test vectors of RFC 9497 appendix A.1.2 and by what it promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import MalformedInput, PeerMisbehaved
from mpc.oprf import Blinded, OprfKey, require_element

KEY = OprfKey(bytes([0xA3]) * 32, b"test key")
PUBLIC_KEY = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"
VECTORS = [  # input, blinded element, evaluated element, output
    (
        "00",
        "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
        "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
        (
            "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
            "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
        ),
    ),
    (
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
        "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
        (
            "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
            "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
        ),
    ),
]
FIELD = 2**255 - 19


@pytest.mark.parametrize(("value", "blinded", "evaluated", "output"), VECTORS)
def test_the_vectors_of_the_standard(value: str, blinded: str, evaluated: str, output: str) -> None:
    """Byte for byte, but for the proof, for which there is one of many."""
    assert KEY.public_key.hex() == PUBLIC_KEY
    assert KEY.evaluate(bytes.fromhex(blinded))[64:].hex() == evaluated
    ours = Blinded(bytes.fromhex(value))
    assert ours.finalize(KEY.evaluate(ours.element), KEY.public_key).hex() == output


@given(value=st.binary(min_size=1, max_size=40), seed=st.binary(min_size=32, max_size=32), info=st.binary(max_size=20))
def test_its_value_depends_on_input_and_key_alone_and_the_server_never_sees_the_same_twice(
    value: bytes, seed: bytes, info: bytes
) -> None:
    """Another blind changes what the server sees, and nothing else."""
    key = OprfKey(seed, info)
    first, second = Blinded(value), Blinded(value)

    output = first.finalize(key.evaluate(first.element), key.public_key)

    assert second.finalize(key.evaluate(second.element), key.public_key) == output
    assert first.element != second.element
    other_input, other_key = Blinded(value + b"0"), OprfKey(seed, info + b"0")
    assert other_input.finalize(key.evaluate(other_input.element), key.public_key) != output
    assert second.finalize(other_key.evaluate(second.element), other_key.public_key) != output


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
def test_what_is_no_element_is_refused(element: bytes) -> None:
    """Nobody computes with what may lie in a small group."""
    for take in (KEY.evaluate, require_element):
        with pytest.raises(MalformedInput) as refused:
            take(element)
        assert refused.value.reason == "ELEMENT_MALFORMED"


def test_a_server_that_uses_another_key_is_found_out() -> None:
    """So a right PIN cannot be made to look wrong."""
    ours, other = Blinded(b"1234"), OprfKey(bytes(32), b"test key")
    right = KEY.evaluate(ours.element)
    wrong = (
        (other.evaluate(ours.element), KEY.public_key),
        (right, other.public_key),
        (KEY.evaluate(Blinded(b"1234").element), KEY.public_key),
        (KEY.evaluate(ours.element)[:32] + right[32:], KEY.public_key),
        (right[:64] + ours.element, KEY.public_key),
        (bytes(96), KEY.public_key),
        (right[:95], KEY.public_key),
        (b"", KEY.public_key),
        (right, bytes(32)),
        (right, b""),
    )
    for evaluation, public_key in wrong:
        with pytest.raises(PeerMisbehaved) as refused:
            ours.finalize(evaluation, public_key)
        assert (refused.value.reason, refused.value.culprit) == ("EVALUATION_WRONG", "server")


@pytest.mark.parametrize("value", [b"", bytes(65536)])
def test_an_input_that_the_function_does_not_take_is_refused(value: bytes) -> None:
    """Its length stands in two bytes, and nobody hardens nothing."""
    with pytest.raises(ValueError, match="an input has"):
        Blinded(value)


def test_a_seed_of_another_length_is_refused() -> None:
    """A caller's mistake."""
    with pytest.raises(ValueError, match="a seed has 32 bytes"):
        OprfKey(bytes(31), b"")


def test_neither_key_nor_input_is_shown() -> None:
    """Both could be searched for otherwise."""
    assert repr(KEY) == "<OprfKey redacted>"
    assert repr(Blinded(b"1234")) == "<Blinded redacted>"
