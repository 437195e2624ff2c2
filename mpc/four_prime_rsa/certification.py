"""Certification of a modulus: a proof, without interaction, that x -> x^e is a permutation modulo N_i.

Source: S. Goldberg, L. Reyzin, O. Sagga, F. Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and
Beyond", ASIACRYPT 2019, ePrint 2018/057; security parameter kappa = 128, alpha = 65537 = e. The prover shows roots of
numbers that come out of a hash: m1 = 8 of exponent e N, and m2 - m1 = 1 of exponent e. Only who knows the
factorisation finds them, and for a modulus where x -> x^e is not a permutation most numbers have no such root.

A half that lives in a token takes roots of e alone: nobody there computes with N. Its certification is ``TOKEN_ROOTS``
roots of exponent e, as many as it takes for kappa bits: they prove that e is prime to phi(N), so that x -> x^e permutes
what is invertible, and leave out that N has no square in it (docs/adr/0020).

It accepts a prime, and a modulus with a 40-bit factor: the checks of ``public_share`` are needed beside it.

The hash is bound to a context (protocol, version, purpose, key, role, transcript), so that a proof made for one key
says nothing in another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any, Final

import gmpy2
from gmpy2 import mpz

from mpc.engines.interface import CrtPrivateKey, Exponentiator, Random
from mpc.errors import FaultDetected, MalformedInput, PeerMisbehaved
from mpc.four_prime_rsa.algorithms import HashAlgorithm
from mpc.four_prime_rsa.encodings.mgf1 import mgf1
from mpc.four_prime_rsa.half import Half
from mpc.four_prime_rsa.integers import hash_fields, integer_from_bytes, integer_to_bytes
from mpc.four_prime_rsa.key_share import KeyShare
from mpc.four_prime_rsa.public_share import PUBLIC_EXPONENT, PublicShare
from mpc.four_prime_rsa.roles import Role

_DOMAIN: Final = "fourseal/v1/certification"
_EN_ROOTS: Final = 8  # m1 = ceil(kappa / log2(alpha))
_E_ROOTS: Final = 1  # m2 - m1
CERTIFICATION_ROOTS: Final = _EN_ROOTS + _E_ROOTS
"""Roots in a proof."""
TOKEN_ROOTS: Final = _EN_ROOTS
"""Roots, all of exponent e, in that of a half in a token."""
_E_ROOTS_DOMAIN: Final = "fourseal/v1/certification/e-roots"


def certify_modulus(half: Half, context: bytes, engine: Exponentiator[Any], random: Random) -> list[bytes]:
    """Prove our own modulus. Costs nine private exponentiations; eight in a token.

    Args:
        half: whose modulus is proved.
        context: what the proof is bound to, at most 2^32 - 1 bytes; see ``generation``.
        engine: who exponentiates.
        random: randomness for blinding.

    Returns:
        Nine roots, big-endian, each exactly the length of N_i: first the eight of exponent e N_i, then that of e.
        Of a half in a token: eight, all of e.

    Raises:
        FaultDetected: a root does not hold; nothing is released.
    """
    public = half.public
    if isinstance(half, KeyShare):
        keys = [_en_root_key(half.crt)] * _EN_ROOTS + [half.crt] * _E_ROOTS
    else:
        keys = [half.key] * TOKEN_ROOTS
    exponents = _exponents(public, len(keys))
    operations = [(key, int(_challenge(public, context, index, len(keys)))) for index, key in enumerate(keys)]
    roots = []
    for (_, challenge), exponent, root in zip(
        operations, exponents, engine.exponentiate(operations, random), strict=True
    ):
        in_range = 0 < root < public.modulus
        if not in_range or gmpy2.powmod(root, exponent, public.modulus) != challenge:
            raise FaultDetected("certification root")
        roots.append(integer_to_bytes(root, public.byte_length))
    return roots


def check_certification(public: PublicShare, context: bytes, roots: Sequence[bytes]) -> None:
    """Check a proof of the other party's modulus. Takes some 20 to 150 ms.

    Args:
        public: its share, admitted by ``admit_foreign_share`` (which looks for prime factors below alpha).
        context: as the prover must have used.
        roots: nine, or eight of a half in the server's token, each exactly the length of N_i.

    Raises:
        MalformedInput: CERTIFICATION_MALFORMED: wrong number or length of roots.
        PeerMisbehaved: CERTIFICATION_INVALID; the culprit is ``public.role``.
    """
    counts = (CERTIFICATION_ROOTS, TOKEN_ROOTS) if public.role is Role.SERVER else (CERTIFICATION_ROOTS,)
    if len(roots) not in counts:
        raise MalformedInput(
            "CERTIFICATION_MALFORMED",
            f"a certification has {CERTIFICATION_ROOTS} roots, not {len(roots)}",
            expected=CERTIFICATION_ROOTS,
            found=len(roots),
        )
    values = [
        integer_from_bytes(root, public.byte_length, reason="CERTIFICATION_MALFORMED", what="a certification root")
        for root in roots
    ]
    for index, (value, exponent) in enumerate(zip(values, _exponents(public, len(roots)), strict=True)):
        in_range = 0 < value < public.modulus
        if not in_range or _power(value, exponent, public.modulus) != _challenge(public, context, index, len(roots)):
            raise PeerMisbehaved(
                "CERTIFICATION_INVALID", f"the {public.role}'s proof of its modulus does not hold", culprit=public.role
            )


def _exponents(public: PublicShare, count: int) -> list[int]:
    en_roots = _EN_ROOTS if count == CERTIFICATION_ROOTS else 0
    return [PUBLIC_EXPONENT * public.modulus] * en_roots + [PUBLIC_EXPONENT] * (count - en_roots)


def _en_root_key(crt: CrtPrivateKey) -> CrtPrivateKey:
    """The exponent (e N)^-1 in CRT form. N is prime to p - 1 and q - 1 for all but a vanishing part of moduli."""
    exponent = PUBLIC_EXPONENT * crt.modulus
    if gcd(crt.modulus, (crt.p - 1) * (crt.q - 1)) != 1:
        raise FaultDetected("modulus")
    return CrtPrivateKey(
        modulus=crt.modulus,
        public_exponent=exponent,
        p=crt.p,
        q=crt.q,
        exponent_p=int(gmpy2.invert(exponent, crt.p - 1)),
        exponent_q=int(gmpy2.invert(exponent, crt.q - 1)),
        q_inverse=crt.q_inverse,
    )


def _challenge(public: PublicShare, context: bytes, index: int, count: int) -> mpz:
    """rho_j: MGF1-SHA-256 of a seed for this modulus, context, index and attempt, first below N_i (and not 0)."""
    size = public.byte_length
    attempt = 0
    while True:
        seed = hash_fields(
            _DOMAIN if count == CERTIFICATION_ROOTS else _E_ROOTS_DOMAIN,
            context,
            public.role.encode(),
            public.purpose.encode(),
            public.to_bytes(),
            PUBLIC_EXPONENT.to_bytes(4, "big"),
            index.to_bytes(4, "big"),
            attempt.to_bytes(4, "big"),
        )
        candidate = mpz(int.from_bytes(mgf1(seed, size, HashAlgorithm.SHA256), "big"))
        if 0 < candidate < public.modulus:
            return candidate
        attempt += 1


def _power(value: int, exponent: int, modulus: int) -> mpz:
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        return gmpy2.powmod(value, exponent, modulus)
