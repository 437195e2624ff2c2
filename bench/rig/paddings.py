"""Padded messages with one thing wrong. EME-OAEP (RFC 8017 section 7.1.1) by hand: no library errs on purpose."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters
from mpc.four_prime_rsa.encodings.mgf1 import mgf1, xor

OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)
VALID = "valid"
REFERENCE = "separator missing"
CONTROL = "separator missing, again (control)"
RANDOM = "random, first byte zero"
RANDOM_LARGE = "random, first byte not zero"
_HASH_BYTES = OAEP.hash.digest_size
_MESSAGE_BYTES = 32  # a content key
_SEPARATOR = 1


def _valid(zeros: int) -> bytes:
    return OAEP.hash.digest(OAEP.label) + bytes(zeros) + bytes([_SEPARATOR]) + secrets.token_bytes(_MESSAGE_BYTES)


def _other_label(zeros: int) -> bytes:
    return secrets.token_bytes(_HASH_BYTES) + _valid(zeros)[_HASH_BYTES:]


def _early_byte(zeros: int) -> bytes:
    return _replaced(_valid(zeros), _HASH_BYTES)


def _late_byte(zeros: int) -> bytes:
    return _replaced(_valid(zeros), _HASH_BYTES + zeros)


def _no_separator(zeros: int) -> bytes:
    return OAEP.hash.digest(OAEP.label) + bytes(zeros + 1 + _MESSAGE_BYTES)


def _noise(zeros: int) -> bytes:
    return secrets.token_bytes(_HASH_BYTES + zeros + 1 + _MESSAGE_BYTES)


_KINDS: dict[str, tuple[Callable[[int], bytes], bool]] = {  # data block, and whether the first byte is zero
    VALID: (_valid, True),
    REFERENCE: (_no_separator, True),
    CONTROL: (_no_separator, True),
    "label's hash wrong": (_other_label, True),
    "wrong byte early in the padding": (_early_byte, True),
    "wrong byte at the separator": (_late_byte, True),
    "first byte not zero, else valid": (_valid, False),
    RANDOM: (_noise, True),
    RANDOM_LARGE: (_noise, False),
}
KINDS = tuple(_KINDS)
"""What can be wrong, for people; the first is nothing."""


def make_padded(kind: str, modulus_bytes: int) -> bytes:
    """Make a fresh padded message of that kind, EM, below 2^(8 modulus_bytes - 1) as every modulus is above that."""
    make_block, starts_with_zero = _KINDS[kind]
    block = make_block(modulus_bytes - 2 * _HASH_BYTES - 2 - _MESSAGE_BYTES)
    seed = secrets.token_bytes(_HASH_BYTES)
    masked_block = xor(block, mgf1(seed, len(block), OAEP.mgf_hash))
    masked_seed = xor(seed, mgf1(masked_block, _HASH_BYTES, OAEP.mgf_hash))
    first = 0 if starts_with_zero else 1 + secrets.randbelow(0x7F)
    return bytes([first]) + masked_seed + masked_block


def _replaced(block: bytes, place: int) -> bytes:
    return block[:place] + bytes([2 + secrets.randbelow(0xFE)]) + block[place + 1 :]
