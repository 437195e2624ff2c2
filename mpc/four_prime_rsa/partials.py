"""The one way in which a share's secret exponent is used, and the check that stands behind every partial.

A partial s_i of a number m holds when s_i^e = m mod N_i. Anybody can check that, with public numbers. So:

* our own partial is checked before it leaves this module: a fault in CRT arithmetic would reveal a prime;
* the peer's partial is checked before it is combined: that names the culprit.

The check is in the type: there is no ``Partial`` that does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gmpy2
from gmpy2 import mpz

from mpc.engines.interface import Exponentiator, Random
from mpc.errors import FaultDetected, PeerMisbehaved
from mpc.four_prime_rsa.half import Half
from mpc.four_prime_rsa.integers import integer_from_bytes, integer_to_bytes
from mpc.four_prime_rsa.public_share import PUBLIC_EXPONENT, PublicShare
from mpc.four_prime_rsa.roles import Role


@dataclass(frozen=True, slots=True)
class Partial:
    """number^(d_i) mod N_i, checked.

    Args:
        public: the share of whose exponent it is.
        number: at least 0, below N; its residue mod N_i counts.
        value: the partial: above 0 and below N_i, one encoding of each.
        what: the field's word for it, for the error.

    Raises:
        FaultDetected: it does not hold.
    """

    public: PublicShare
    number: int = field(repr=False)
    value: int = field(repr=False)
    what: str

    def __post_init__(self) -> None:
        if not is_partial(self.public, self.number, self.value):
            raise FaultDetected(self.what)

    def to_bytes(self) -> bytes:
        """Big-endian, exactly the length of N_i."""
        return integer_to_bytes(self.value, self.public.byte_length)


class MadeOfPartial:
    """A partial of something: a partial signature, a partial decryption."""

    __slots__ = ()
    partial: Partial

    @property
    def role(self) -> Role:
        """Whose it is."""
        return self.partial.public.role

    @property
    def value(self) -> int:
        """The number: above 0, below N_i."""
        return self.partial.value

    def to_bytes(self) -> bytes:
        """Big-endian, exactly the length of N_i."""
        return self.partial.to_bytes()


def compute_partial(half: Half, number: int, engine: Exponentiator[Any], random: Random, *, what: str) -> Partial:
    """Return number^(d_i) mod N_i. Arguments and exceptions are those of ``compute_partials``."""
    return compute_partials([(half, number)], engine, random, what=what)[0]


def compute_partials(
    wishes: Sequence[tuple[Half, int]], engine: Exponentiator[Any], random: Random, *, what: str
) -> list[Partial]:
    """Return number^(d_i) mod N_i for each half and number.

    Args:
        wishes: our own halves, each with a number: at least 0, below N; reduced mod N_i here.
        engine: who exponentiates with them.
        random: randomness for blinding.
        what: the field's word for the results, for the error.

    Raises:
        FaultDetected: one of the results does not hold. All are dropped.
    """
    operations = [(half.key, int(mpz(number) % half.public.modulus)) for half, number in wishes]
    values = engine.exponentiate(operations, random)
    return [Partial(half.public, number, value, what) for (half, number), value in zip(wishes, values, strict=True)]


def parse_partial(public: PublicShare, number: int, data: bytes, *, what: str) -> Partial:
    """Read the peer's partial of ``number`` from exactly N_i's length of bytes, and check it.

    Raises:
        MalformedInput: PARTIAL_MALFORMED: wrong length.
        PeerMisbehaved: PARTIAL_SIGNATURE_INVALID or PARTIAL_DECRYPTION_INVALID; the culprit is ``public.role``.
    """
    value = integer_from_bytes(data, public.byte_length, reason="PARTIAL_MALFORMED", what=f"the {what}")
    try:
        return Partial(public, number, value, what)
    except FaultDetected:
        reason = f"{what.replace(' ', '_').upper()}_INVALID"
        raise PeerMisbehaved(reason, f"the {public.role}'s {what} does not hold", culprit=public.role) from None


def is_partial(public: PublicShare, number: int, value: int) -> bool:
    """Whether 0 < value < N_i, and value^e = number mod N_i."""
    in_range = 0 < value < public.modulus  # one encoding of each partial: s + N_i would hold too
    return in_range and gmpy2.powmod(value, PUBLIC_EXPONENT, public.modulus) == mpz(number) % public.modulus
