"""An oblivious pseudorandom function: OPRF(ristretto255, SHA-512) of RFC 9497, mode OPRF.

The client has an input that can be guessed, a PIN for example; the server has a key. The client learns F(key, input),
and nothing of the key; the server learns nothing at all, not even whether two inputs were the same. So whoever has
stolen what F's value protects must ask the server for every guess, and the server counts.

1. client: ``blind`` the input, send the blinded element;
2. server: ``OprfKey.evaluate`` it;
3. client: ``Blinded.finalize`` what comes back.

The server's answer comes without proof: with another key the value is another one, and what it protects does not open.
The group's arithmetic is libsodium's, in constant time (RFC 9496, by the package rbcl).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha512
from typing import Final

from rbcl import (
    crypto_core_ristretto255_from_hash,
    crypto_core_ristretto255_is_valid_point,
    crypto_core_ristretto255_scalar_invert,
    crypto_core_ristretto255_scalar_reduce,
    crypto_scalarmult_ristretto255,
)

from mpc.errors import MalformedInput
from mpc.secret import Secret

ELEMENT_BYTES: Final = 32
"""Length of an element of the group."""
OUTPUT_BYTES: Final = 64
"""Length of a value of the function."""
SEED_BYTES: Final = 32
"""Length of what a key is derived from."""
MAX_INPUT_BYTES: Final = 65535
"""Length of an input, at most."""

_CONTEXT: Final = b"OPRFV1-\x00-ristretto255-SHA512"  # RFC 9497 section 3.1 with mode 0x00, and section 4.1
_HASH_BLOCK_BYTES: Final = 128
_UNIFORM_BYTES: Final = 64
_ZERO: Final = bytes(32)
_IDENTITY: Final = bytes(32)  # how the identity element is written

Random = Callable[[int], bytes]


class OprfKey(Secret):
    """The server's key.

    Args:
        seed: 32 random bytes, which are all that has to be kept.
        info: what the key is for; another ``info`` gives another key. At most 65535 bytes.
    """

    __slots__ = ("_scalar",)

    def __init__(self, seed: bytes, info: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        self._scalar = _derive_scalar(seed, info)

    def evaluate(self, blinded: bytes) -> bytes:
        """What the client needs for one input. The caller has counted the attempt before.

        Args:
            blinded: the client's element, 32 bytes.

        Raises:
            MalformedInput: ELEMENT_MALFORMED.
        """
        require_element(blinded)
        return _multiply(self._scalar, blinded)


class Blinded(Secret):
    """An input on its way to the server. From ``blind``; for one use.

    ``element`` goes to the server, 32 bytes.
    """

    __slots__ = ("_blind", "_input", "element")

    def __init__(self, value: bytes, blind: bytes) -> None:
        if not 0 < len(value) <= MAX_INPUT_BYTES:
            raise ValueError(f"an input has 1 to {MAX_INPUT_BYTES} bytes")
        self._input = value
        self._blind = blind
        self.element = _multiply(blind, _hash_to_group(value))

    def finalize(self, evaluated: bytes) -> bytes:
        """The function's value for the input, 64 bytes.

        Args:
            evaluated: the server's answer, 32 bytes.

        Raises:
            MalformedInput: ELEMENT_MALFORMED.
        """
        require_element(evaluated)
        inverse = crypto_core_ristretto255_scalar_invert(self._blind)
        element = _multiply(inverse, evaluated)
        return sha512(_prefixed(self._input) + _prefixed(element) + b"Finalize").digest()


def blind(value: bytes, random: Random) -> Blinded:
    """Hide an input from the server.

    Args:
        value: 1 to 65535 bytes.
        random: gives random bytes.
    """
    return Blinded(value, random_scalar(random))


def require_element(element: bytes) -> None:
    """See that it is an element of the group, and not the identity.

    Raises:
        MalformedInput: ELEMENT_MALFORMED.
    """
    if len(element) != ELEMENT_BYTES or element == _IDENTITY or not crypto_core_ristretto255_is_valid_point(element):
        raise MalformedInput("ELEMENT_MALFORMED", "this is no element of the group ristretto255")


def random_scalar(random: Random) -> bytes:
    """A random scalar that is not zero, 32 bytes."""
    while (scalar := _reduce(random(_UNIFORM_BYTES))) == _ZERO:
        pass  # with a probability of 2^-252
    return scalar


def _derive_scalar(seed: bytes, info: bytes) -> bytes:
    """``DeriveKeyPair`` of RFC 9497 section 3.2.1."""
    for number in range(256):
        scalar = _reduce(_expand(seed + _prefixed(info) + bytes([number]), b"DeriveKeyPair" + _CONTEXT))
        if scalar != _ZERO:  # it is zero with a probability of 2^-252
            return scalar
    raise AssertionError("256 scalars in a row are zero")


def _hash_to_group(value: bytes) -> bytes:
    element: bytes = crypto_core_ristretto255_from_hash(_expand(value, b"HashToGroup-" + _CONTEXT))
    return element


def _multiply(scalar: bytes, element: bytes) -> bytes:
    product: bytes = crypto_scalarmult_ristretto255(scalar, element)
    return product


def _reduce(number: bytes) -> bytes:
    """A number of 64 bytes as a scalar."""
    scalar: bytes = crypto_core_ristretto255_scalar_reduce(number)
    return scalar


def _expand(value: bytes, tag: bytes) -> bytes:
    """``expand_message_xmd`` of RFC 9380 section 5.3.1 with SHA-512, for the 64 bytes that one block gives."""
    ending = tag + bytes([len(tag)])
    first = sha512(bytes(_HASH_BLOCK_BYTES) + value + _UNIFORM_BYTES.to_bytes(2, "big") + b"\0" + ending).digest()
    return sha512(first + b"\x01" + ending).digest()


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
