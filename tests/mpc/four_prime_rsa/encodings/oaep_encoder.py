"""EME-OAEP encoding (RFC 8017 section 7.1.1), written for tests: it also makes every kind of broken encoding."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hypothesis import strategies as st

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters


@dataclass(frozen=True)
class Spoiled:
    """What is wrong with an encoding; by default nothing.

    Args:
        first: the first byte of EM, which must be 0.
        label_mask: changes the hash of the label.
        filler: the bytes before the separator, which must be 0; alone or at one place (``filler_at``, from the left).
        separator: the byte before the message, which must be 1.
        without_separator: zeros to the end, and no message.
    """

    first: int = 0
    label_mask: int = 0
    filler: int = 0
    filler_at: int | None = None
    separator: int = 1
    without_separator: bool = False


spoiled_encodings = st.one_of(
    st.builds(Spoiled, first=st.integers(1, 255)),
    st.builds(Spoiled, label_mask=st.integers(1, 255)),
    st.builds(Spoiled, filler=st.integers(2, 255), filler_at=st.integers(0, 200)),
    st.builds(Spoiled, separator=st.integers(2, 255)),
    st.just(Spoiled(without_separator=True)),
    st.builds(Spoiled, first=st.integers(1, 255), label_mask=st.integers(1, 255), separator=st.integers(2, 255)),
)
parameter_sets = st.builds(
    OaepParameters, st.sampled_from(HashAlgorithm), st.sampled_from(HashAlgorithm), st.binary(max_size=40)
)


def encode(message: bytes, seed: bytes, parameters: OaepParameters, length: int, spoiled: Spoiled) -> bytes:
    """Encode ``message`` into ``length`` bytes, with a seed of the hash's length."""
    label_hash = bytearray(hashlib.new(parameters.hash, parameters.label).digest())
    label_hash[-1] ^= spoiled.label_mask
    room = length - 1 - 2 * len(label_hash)
    if spoiled.without_separator:
        padded = bytearray(room)
    else:
        padded = bytearray(room - len(message) - 1) + bytes([spoiled.separator]) + message
    if spoiled.filler:
        gap = room - len(message) - 1
        padded[spoiled.filler_at if spoiled.filler_at is not None else gap // 2] = spoiled.filler
    masked_db = _masked(bytes(label_hash + padded), seed, parameters)
    return bytes([spoiled.first]) + _masked(seed, masked_db, parameters) + masked_db


def _masked(data: bytes, seed: bytes, parameters: OaepParameters) -> bytes:
    size = hashlib.new(parameters.mgf_hash).digest_size
    blocks = (
        hashlib.new(parameters.mgf_hash, seed + counter.to_bytes(4, "big")).digest()
        for counter in range(len(data) // size + 1)
    )
    return bytes(left ^ right for left, right in zip(data, b"".join(blocks), strict=False))
