"""The one way in which a share's secret exponent is used, and the check that stands behind every partial.

A partial s_i of a number m holds when s_i^e = m mod N_i. Anybody can check that, with public numbers. So:

* our own partial is checked before it leaves this module: a fault in CRT arithmetic would reveal a prime;
* the peer's partial is checked before it is combined: that names the culprit.
"""

from __future__ import annotations

from collections.abc import Sequence

import gmpy2

from mpc.engines.interface import Engine, Random
from mpc.errors import FaultDetected, PeerMisbehaved
from mpc.four_prime_rsa.integers import integer_from_bytes
from mpc.four_prime_rsa.key_share import KeyShare
from mpc.four_prime_rsa.public_share import PUBLIC_EXPONENT, PublicShare


def compute_partial(share: KeyShare, number: int, engine: Engine, random: Random, *, what: str) -> int:
    """Return number^(d_i) mod N_i, checked. The arguments are those of ``compute_partials``.

    Raises:
        FaultDetected: the result does not hold. It is dropped.
    """
    return compute_partials([(share, number)], engine, random, what=what)[0]


def compute_partials(wishes: Sequence[tuple[KeyShare, int]], engine: Engine, random: Random, *, what: str) -> list[int]:
    """Return number^(d_i) mod N_i for each share and number, checked.

    Args:
        wishes: our own shares, each with a number: at least 0, below N; reduced mod N_i here.
        engine: who exponentiates.
        random: randomness for blinding.
        what: the field's word for the results, for the error.

    Raises:
        FaultDetected: one of the results does not hold. All are dropped.
    """
    operations = [(share.crt, number % share.public.modulus) for share, number in wishes]
    partials = engine.exponentiate(operations, random)
    for (share, _), (_, base), partial in zip(wishes, operations, partials, strict=True):
        if not _holds(share.public, partial, base):
            raise FaultDetected(what)
    return partials


def parse_partial(public: PublicShare, number: int, data: bytes, *, what: str) -> int:
    """Read the peer's partial of ``number`` from exactly N_i's length of bytes, and check it.

    Raises:
        MalformedInput: PARTIAL_MALFORMED: wrong length.
        PeerMisbehaved: PARTIAL_SIGNATURE_INVALID or PARTIAL_DECRYPTION_INVALID; the culprit is ``public.role``.
    """
    partial = integer_from_bytes(data, public.byte_length, reason="PARTIAL_MALFORMED", what=f"the {what}")
    if not _holds(public, partial, number % public.modulus):
        reason = f"{what.replace(' ', '_').upper()}_INVALID"
        raise PeerMisbehaved(reason, f"the {public.role}'s {what} does not hold", culprit=public.role)
    return partial


def _holds(public: PublicShare, partial: int, base: int) -> bool:
    in_range = 0 < partial < public.modulus  # one encoding of each partial: s + N_i would hold too
    return in_range and gmpy2.powmod(partial, PUBLIC_EXPONENT, public.modulus) == base
