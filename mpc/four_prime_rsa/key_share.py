"""Key shares: one party's own two-prime RSA key, secret.

A share is made by OpenSSL's key generation (FIPS 186-5 A.1.3 with SP 800-56B), through ``cryptography``, and checked
again here; some 44 % are thrown away because their modulus is below 2^(k - 1/2). OpenSSL's own random generator
is used for this one thing: it is better tested than anything we could write around a generator passed in.

Signing shares and decryption shares are different types: what signs does not decrypt (``roles.Purpose``).
"""

from __future__ import annotations

from math import gcd, lcm
from typing import Final

import gmpy2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from mpc.engines.interface import CrtPrivateKey
from mpc.errors import FaultDetected, MalformedInput, PeerMisbehaved
from mpc.four_prime_rsa.half import DecryptionHalf, Half, SigningHalf
from mpc.four_prime_rsa.public_share import PUBLIC_EXPONENT, PublicShare, check_half_bits, has_roca_fingerprint
from mpc.four_prime_rsa.roles import Purpose, Role

_CLOSENESS_SLACK_BITS: Final = 100  # FIPS 186-5 A.1.1: |p - q| > 2^(nlen/2 - 100)


class KeyShare(Half):
    """One party's share: N_i = p_i q_i, e, and d_i in CRT form. Made by ``generate_key_share`` or ``load_key_share``.

    Security: never leaves the party that holds it, and never reaches a log. Python cannot wipe it from memory.
    """

    __slots__ = ("crt", "public")

    def __init__(self, public: PublicShare, crt: CrtPrivateKey) -> None:
        self.public = public
        self.crt = crt

    @property
    def key(self) -> CrtPrivateKey:
        """For an engine that works with numbers."""
        return self.crt

    def _public_summary(self) -> str:
        return f"role={self.public.role} bits={self.public.half_bits}"

    def to_secret_bytes(self) -> bytes:
        """The share as PKCS#8 DER, unencrypted: for a key store or custody that seals it at once."""
        crt = self.crt
        exponent = int(gmpy2.invert(PUBLIC_EXPONENT, lcm(crt.p - 1, crt.q - 1)))
        numbers = rsa.RSAPrivateNumbers(
            p=crt.p,
            q=crt.q,
            d=exponent,
            dmp1=crt.exponent_p,
            dmq1=crt.exponent_q,
            iqmp=crt.q_inverse,
            public_numbers=rsa.RSAPublicNumbers(PUBLIC_EXPONENT, crt.modulus),
        )
        key = numbers.private_key(unsafe_skip_rsa_key_validation=True)  # our own numbers, checked when they came in
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class SigningShare(KeyShare, SigningHalf):
    """A share that signs, and does nothing else."""

    __slots__ = ()


class DecryptionShare(KeyShare, DecryptionHalf):
    """A share that decrypts, and does nothing else."""

    __slots__ = ()


_TYPES: Final[dict[Purpose, type[SigningShare | DecryptionShare]]] = {
    Purpose.SIGN: SigningShare,
    Purpose.DECRYPT: DecryptionShare,
}


def generate_key_share(role: Role, purpose: Purpose, half_bits: int) -> SigningShare | DecryptionShare:
    """Make a new share. Takes from some 10 ms (2048 bits) to some seconds (4096); the GIL is free meanwhile.

    Raises:
        MalformedInput: HALF_BITS_WRONG.
        FaultDetected: the library made a key that breaks the rules of FIPS 186-5.
    """
    while True:
        share = try_key_share(role, purpose, half_bits)
        if share is not None:
            return share


def try_key_share(role: Role, purpose: Purpose, half_bits: int) -> SigningShare | DecryptionShare | None:
    """As ``generate_key_share``, one try: None if what came of it is to be thrown away."""
    check_half_bits(half_bits)
    numbers = rsa.generate_private_key(PUBLIC_EXPONENT, half_bits).private_numbers()
    modulus = numbers.public_numbers.n
    if (modulus * modulus).bit_length() != 2 * half_bits or has_roca_fingerprint(modulus):
        return None
    return _share_from_numbers(role, purpose, numbers)


def load_key_share(role: Role, purpose: Purpose, secret_bytes: bytes) -> SigningShare | DecryptionShare:
    """Read ``KeyShare.to_secret_bytes``. Role and purpose are kept beside the bytes, authenticated with them.

    Raises:
        MalformedInput: SHARE_DAMAGED: not a two-prime RSA key that holds together. Says nothing of its content.
    """
    try:
        key = load_der_private_key(secret_bytes, None, unsafe_skip_rsa_key_validation=True)  # we check it ourselves
        if not isinstance(key, rsa.RSAPrivateKey):
            raise _damaged()
        return _share_from_numbers(role, purpose, key.private_numbers())
    except (ValueError, TypeError, UnsupportedAlgorithm, FaultDetected, PeerMisbehaved):
        raise _damaged() from None  # the cause could quote the bytes


def _share_from_numbers(role: Role, purpose: Purpose, numbers: rsa.RSAPrivateNumbers) -> SigningShare | DecryptionShare:
    crt = CrtPrivateKey(
        modulus=numbers.public_numbers.n,
        public_exponent=numbers.public_numbers.e,
        p=numbers.p,
        q=numbers.q,
        exponent_p=numbers.dmp1,
        exponent_q=numbers.dmq1,
        q_inverse=numbers.iqmp,
    )
    if not _holds_together(crt):
        raise FaultDetected("key share")
    public = PublicShare(role, purpose, crt.modulus)
    return _TYPES[purpose](public, crt)


def _holds_together(crt: CrtPrivateKey) -> bool:
    """Check all but primality: the numbers belong to each other, and keep the rules of FIPS 186-5 A.1.1."""
    p, q, e = crt.p, crt.q, PUBLIC_EXPONENT
    half = crt.modulus.bit_length() // 2
    if {p >> (half - 1), q >> (half - 1)} != {1} or crt.public_exponent != e or p * q != crt.modulus:
        return False
    if gcd(e, p - 1) != 1 or gcd(e, q - 1) != 1 or crt.q_inverse * q % p != 1:
        return False
    if e * crt.exponent_p % (p - 1) != 1 or e * crt.exponent_q % (q - 1) != 1:
        return False
    return abs(p - q) > 1 << (half - _CLOSENESS_SLACK_BITS) and gmpy2.invert(e, lcm(p - 1, q - 1)) > 1 << half


def _damaged() -> MalformedInput:
    return MalformedInput("SHARE_DAMAGED", "these bytes are not a key share that holds together")
