"""The joint public key: the product of two public shares. To the rest of the world an ordinary RSA public key."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd
from typing import Final

import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gmpy2 import mpz

from mpc.errors import MalformedInput, WrongPurpose
from mpc.four_prime_rsa.public_share import PUBLIC_EXPONENT, PublicShare
from mpc.four_prime_rsa.roles import Purpose, Role

_CLOSENESS_SLACK_BITS: Final = 100  # halves of k bits differ by more than 2^(k - 100), as FIPS 186-5 asks of primes


@dataclass(frozen=True, slots=True)
class JointPublicKey:
    """N = N_client * N_server with e = 65537. Public: may be shown and logged.

    Args:
        client: the client's public share.
        server: the server's public share, of the same size and purpose.

    Raises:
        MalformedInput: ROLES_MIXED_UP, HALF_SIZES_DIFFER, MODULI_NOT_COPRIME, MODULI_TOO_CLOSE. Who of two parties
            copied the other's modulus cannot be told from the numbers; in two-party generation the commitment tells
            (``generation``), and there the error names the culprit.
        WrongPurpose: the shares' purposes differ.
    """

    client: PublicShare
    server: PublicShare
    modulus: int = field(init=False)
    client_modulus_inverse: int = field(init=False, repr=False)
    """N_client^-1 mod N_server, for the CRT of two partials. Public."""

    def __post_init__(self) -> None:
        client, server = self.client, self.server
        if (client.role, server.role) != (Role.CLIENT, Role.SERVER):
            raise MalformedInput("ROLES_MIXED_UP", "a joint key takes the client's share and then the server's")
        if client.purpose is not server.purpose:
            raise WrongPurpose(wanted=client.purpose, found=server.purpose)
        if client.half_bits != server.half_bits:
            raise MalformedInput(
                "HALF_SIZES_DIFFER",
                f"the halves have {client.half_bits} and {server.half_bits} bits, must have the same",
                client=client.half_bits,
                server=server.half_bits,
            )
        if gcd(client.modulus, server.modulus) != 1:
            raise MalformedInput("MODULI_NOT_COPRIME", "the two moduli are equal or share a prime")
        if abs(client.modulus - server.modulus).bit_length() <= client.half_bits - _CLOSENESS_SLACK_BITS:
            raise MalformedInput("MODULI_TOO_CLOSE", "the two moduli are so close that Fermat's method splits N")
        object.__setattr__(self, "modulus", client.modulus * server.modulus)
        object.__setattr__(self, "client_modulus_inverse", int(gmpy2.invert(client.modulus, server.modulus)))

    @property
    def purpose(self) -> Purpose:
        """What the key does."""
        return self.client.purpose

    @property
    def half_bits(self) -> int:
        """Bits of each half; the modulus has exactly twice as many."""
        return self.client.half_bits

    @property
    def byte_length(self) -> int:
        """Bytes of the modulus, of a signature and of a ciphertext: 512, 768 or 1024."""
        return 2 * self.client.byte_length

    def share_of(self, role: Role) -> PublicShare:
        """The public share of that party."""
        return self.client if role is Role.CLIENT else self.server

    def require(self, purpose: Purpose) -> None:
        """Raise WrongPurpose unless the key is for ``purpose``."""
        if self.purpose is not purpose:
            raise WrongPurpose(wanted=purpose, found=self.purpose)

    def combine(self, client_residue: int, server_residue: int) -> int:
        """The number below N with these residues mod N_client and mod N_server (CRT)."""
        difference = mpz(server_residue - client_residue)  # a third of the time that Python's integers take
        factor = difference * self.client_modulus_inverse % self.server.modulus
        return int(client_residue + self.client.modulus * factor)

    def is_coprime(self, value: int) -> bool:
        """Whether ``value`` shares no factor with N. Public values only."""
        return gcd(value, self.modulus) == 1

    def raise_to_public_exponent(self, value: int) -> int:
        """value^e mod N. Public values only: the time depends on them."""
        return int(gmpy2.powmod(value, PUBLIC_EXPONENT, self.modulus))

    def has_residues(self, value: int, client_residue: int, server_residue: int) -> bool:
        """Whether ``value`` is the number below N with these residues: the check of ``combine``.

        When the residues are checked partials of a number, ``value`` is its e-th root mod N, with no power to compute:
        it is one mod N_client and mod N_server, and these share no factor (Chinese remainder theorem).
        """
        number = mpz(value)
        return (
            0 <= value < self.modulus
            and number % self.client.modulus == client_residue
            and number % self.server.modulus == server_residue
        )

    def to_cryptography(self) -> RSAPublicKey:
        """The key as ``cryptography`` has it, to verify, encrypt and serialise with."""
        return RSAPublicNumbers(PUBLIC_EXPONENT, self.modulus).public_key()

    def to_der(self) -> bytes:
        """The key as DER SubjectPublicKeyInfo (RFC 5280), rsaEncryption."""
        return self.to_cryptography().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
