"""The engine of OpenSSL: on processors with AVX-512 IFMA several times as fast as gmpy2."""

from __future__ import annotations

from collections.abc import Sequence

import gmpy2

from mpc.engines.interface import CrtPrivateKey, Exponentiation, Random
from mpc.engines.openssl import ENGINE, Library, OpensslKey
from mpc.errors import EngineUnavailable


class LibcryptoEngine:
    """``EVP_PKEY_decrypt`` with RSA_NO_PADDING.

    OpenSSL exponentiates in time that does not depend on exponent or base, blinds the base with randomness of its own
    (a fresh r every 32 operations of a key, squared in between), and checks a CRT result before it gives it out. That
    it blinds is tried out when the engine is made. ``random`` is not used.

    A key is imported once, and stays imported as long as it lives (``CrtPrivateKey.prepared``).

    Raises:
        EngineUnavailable: the machine has no libcrypto.so.3, or one that does not blind.
    """

    name = ENGINE
    width = 1

    def __init__(self) -> None:
        self._library = Library()
        if not _blinds(self._library):
            raise EngineUnavailable(ENGINE, "this libcrypto does not blind")

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:  # noqa: ARG002
        """See ``Engine.exponentiate``."""
        return [key.prepared(self._import).exponentiate(base) for key, base in operations]

    def _import(self, key: CrtPrivateKey) -> OpensslKey:
        return OpensslKey.of(self._library, key)


def _blinds(library: Library) -> bool:
    """Whether the library blinds.

    Told by a key whose public exponent does not undo the secret one. (b r^e')^d r^-1 is then not b^d, and another
    number for each r; without blinding it would be b^d, always.
    """
    p, q = (int(gmpy2.next_prime(start)) for start in (3 << 254, 7 << 253))
    exponent = 65537
    numbers = CrtPrivateKey(
        modulus=p * q,
        public_exponent=exponent + 2,
        p=p,
        q=q,
        exponent_p=int(gmpy2.invert(exponent, p - 1)),
        exponent_q=int(gmpy2.invert(exponent, q - 1)),
        q_inverse=int(gmpy2.invert(q, p)),
    )
    key = OpensslKey(library, numbers, int(gmpy2.invert(exponent, gmpy2.lcm(p - 1, q - 1))))
    return key.exponentiate(2) != key.exponentiate(2)
