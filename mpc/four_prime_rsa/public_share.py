"""Public shares: one party's modulus, and everything that is checked of one that comes from outside.

A public share that exists is well-formed: right size, odd. ``admit_foreign_share`` is the way in for one that the
other party sent, or that stands in a certificate somebody else made; it does every check of the list below. None of
them proves that the modulus is good: a party that wants to can always publish its own primes. They find mistakes, bad
random generators, and shares made to look like another's. In two-party generation the certificate of
``certification`` comes on top.

1. exponent 65537;
2. exact length, and N_i >= 2^(k - 1/2), so that the joint modulus has exactly 2k bits;
3. odd;
4. no prime factor below 2^16;
5. not a perfect power, so not a prime power;
6. composite;
7. no ROCA fingerprint (CVE-2017-15361). On each half: a ROCA half hides in the product;
8. Fermat's method does not split it: p and q are not close.

What concerns both halves together (equal, sharing a factor, close) is checked by ``JointPublicKey``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Final

import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from gmpy2 import mpz

from mpc.errors import MalformedInput, PeerMisbehaved
from mpc.four_prime_rsa.integers import integer_from_bytes, integer_to_bytes
from mpc.four_prime_rsa.roles import Purpose, Role

PUBLIC_EXPONENT: Final = 65537
"""e of every share and every joint key."""

HALF_BITS: Final = (2048, 3072, 4096)
"""Sizes that a share may have; the joint modulus has twice as many bits."""

_SMALL_PRIME_BOUND: Final = 1 << 16
_SMALL_PRIME_PRODUCT: Final = gmpy2.primorial(_SMALL_PRIME_BOUND)
_FERMAT_ROUNDS: Final = 256  # splits |p - q| up to about 2^5 times the fourth root of N; chance never comes near
_ROCA_PRIMES: Final = tuple(
    prime for prime in range(3, 168, 2) if all(prime % divisor for divisor in range(3, 13, 2) if divisor < prime)
)


@dataclass(frozen=True, slots=True)
class PublicShare:
    """One party's public share (N_i, 65537). Public: may be shown and logged.

    The constructor is for one's own shares and for values that were admitted before; for one from outside use
    ``admit_foreign_share``.

    Args:
        role: whose share it is.
        purpose: what the share does.
        modulus: N_i, odd, exactly 2048, 3072 or 4096 bits, at least 2^(bits - 1/2).

    Raises:
        PeerMisbehaved: MODULUS_SIZE_WRONG, MODULUS_TOO_SMALL, MODULUS_EVEN; the culprit is ``role``.
    """

    role: Role
    purpose: Purpose
    modulus: int

    def __post_init__(self) -> None:
        bits = self.modulus.bit_length() if self.modulus > 0 else 0
        if bits not in HALF_BITS:
            raise _rejected(
                self.role, "MODULUS_SIZE_WRONG", f"has {bits} bits, must have one of {HALF_BITS}", found=bits
            )
        if (self.modulus * self.modulus).bit_length() != 2 * bits:
            raise _rejected(
                self.role, "MODULUS_TOO_SMALL", f"is below 2^({bits} - 1/2): the joint modulus would be short"
            )
        if self.modulus % 2 == 0:
            raise _rejected(self.role, "MODULUS_EVEN", "is even")

    @classmethod
    def from_bytes(cls, role: Role, purpose: Purpose, data: bytes) -> PublicShare:
        """Read ``to_bytes``, for values that were admitted before. Raises as the constructor does."""
        return cls(role, purpose, int.from_bytes(data, "big"))

    @property
    def half_bits(self) -> int:
        """Bits of the modulus: 2048, 3072 or 4096."""
        return self.modulus.bit_length()

    @property
    def byte_length(self) -> int:
        """Bytes of the modulus: 256, 384 or 512."""
        return self.half_bits // 8

    def to_bytes(self) -> bytes:
        """The modulus, big-endian, exactly ``byte_length`` bytes."""
        return integer_to_bytes(self.modulus, self.byte_length)

    def to_cryptography(self) -> RSAPublicKey:
        """The half alone as ``cryptography`` has it: for its own certificate, and for what it signs alone."""
        return RSAPublicNumbers(PUBLIC_EXPONENT, self.modulus).public_key()


def admit_foreign_share(
    role: Role, purpose: Purpose, half_bits: int, modulus: bytes, exponent: int = PUBLIC_EXPONENT
) -> PublicShare:
    """Read a public share that comes from outside, and do every check of the module's list.

    Takes some 15 to 60 ms: for a share seen for the first time, not for every use.

    Args:
        role: whose share it is said to be: who is to blame if it does not hold.
        purpose: what it will do.
        half_bits: the size agreed on: 2048, 3072 or 4096.
        modulus: big-endian, exactly half_bits / 8 bytes.
        exponent: the public exponent that came with it.

    Raises:
        MalformedInput: HALF_BITS_WRONG (our caller's agreement), MODULUS_LENGTH_WRONG (bytes).
        PeerMisbehaved: the reason names the check that failed; the culprit is ``role``.
    """
    check_half_bits(half_bits)
    value = integer_from_bytes(modulus, half_bits // 8, reason="MODULUS_LENGTH_WRONG", what=f"the {role} modulus")
    if exponent != PUBLIC_EXPONENT:  # (1)
        raise _rejected(role, "EXPONENT_WRONG", f"comes with another exponent than {PUBLIC_EXPONENT}")
    share = PublicShare(role, purpose, value)  # (2), (3)
    if share.half_bits != half_bits:
        raise _rejected(
            role, "MODULUS_SIZE_WRONG", f"has {share.half_bits} bits, not {half_bits}", found=share.half_bits
        )
    check_foreign_modulus(role, value)
    return share


def check_foreign_modulus(role: Role, modulus: int) -> None:
    """Checks 4 to 8 of the module's list, of an odd modulus of any size: for RSA keys that are to be no half, too.

    Raises:
        PeerMisbehaved: the reason names the check that failed; the culprit is ``role``.
    """
    number = mpz(modulus)
    if gcd(number, _SMALL_PRIME_PRODUCT) != 1:  # (4)
        raise _rejected(role, "MODULUS_HAS_SMALL_FACTOR", "has a prime factor below 2^16")
    if gmpy2.is_power(number):  # (5)
        raise _rejected(role, "MODULUS_IS_POWER", "is a power of a smaller number")
    if gmpy2.is_strong_prp(number, 2):  # (6) one round: every prime passes it, and is refused
        raise _rejected(role, "MODULUS_IS_PRIME", "is prime")
    if has_roca_fingerprint(modulus):  # (7)
        raise _rejected(role, "MODULUS_HAS_ROCA_FINGERPRINT", "was made by a faulty generator (CVE-2017-15361)")
    if _fermat_splits(number):  # (8)
        raise _rejected(role, "MODULUS_FACTORS_TOO_CLOSE", "is split by Fermat's method: its primes are close")


def check_half_bits(half_bits: int) -> None:
    """Raise MalformedInput (HALF_BITS_WRONG) unless a share may have that many bits."""
    if half_bits not in HALF_BITS:
        raise MalformedInput(
            "HALF_BITS_WRONG", f"a half has {' or '.join(map(str, HALF_BITS))} bits, not {half_bits}", found=half_bits
        )


def has_roca_fingerprint(modulus: int) -> bool:
    """Whether ``modulus`` is a power of 65537 modulo every prime from 3 to 167.

    Primes of the faulty generator are k M + (65537^a mod M) with M divisible by those primes (Nemec et al., "The
    Return of Coppersmith's Attack", CCS 2017, section 2), hence so are their products. An honest modulus passes for
    one by chance with probability below 2^-27.
    """
    return all(modulus % prime in powers for prime, powers in _ROCA_POWERS)


def _rejected(role: Role, reason: str, text: str, **metadata: int) -> PeerMisbehaved:
    return PeerMisbehaved(reason, f"the {role} modulus {text}", culprit=role, **metadata)


def _fermat_splits(number: mpz) -> bool:
    root = gmpy2.isqrt(number) + 1  # number is no square: it is no perfect power
    return any(gmpy2.is_square((root + step) ** 2 - number) for step in range(_FERMAT_ROUNDS))


def _powers_of_65537(prime: int) -> frozenset[int]:
    powers = {1}
    power = PUBLIC_EXPONENT % prime
    while power != 1:
        powers.add(power)
        power = power * PUBLIC_EXPONENT % prime
    return frozenset(powers)


_ROCA_POWERS: Final = tuple((prime, _powers_of_65537(prime)) for prime in _ROCA_PRIMES)
