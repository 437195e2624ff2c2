"""Exponentiation in a token: one raw RSA operation each (``CKM_RSA_X_509``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mpc.engines import Random
from mpc.four_prime_rsa.integers import integer_to_bytes
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.process import MISSING, Refused
from server.custody.pkcs11.shares import TokenKey
from wire.catalogue import ServiceError


class TokenEngine:
    """See ``mpc.engines.Exponentiator``. Blinding is the token's affair; results are checked as any engine's are.

    Args:
        pool: gives the workers at the token.
    """

    name = "pkcs11"
    width = 8  # one message to a worker for several operations: that, not the token, is what they share

    def __init__(self, pool: Callable[[], WorkerPool]) -> None:
        self._pool = pool

    def exponentiate(self, operations: Sequence[tuple[TokenKey, int]], random: Random) -> list[int]:  # noqa: ARG002
        """Return each base to its key's secret exponent.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE; KEY_DESTROYED: an object is not there any more; SHARE_DAMAGED: one is
                not what it must be: another was put in its place.
        """
        wishes = [_wish(key, base) for key, base in operations]
        try:
            results = self._pool().ask("exponentiate", operations=wishes)
        except Refused as refused:
            if str(refused) == MISSING and len(operations) == 1:
                raise ServiceError("KEY_DESTROYED", key_id=operations[0][0].key_id) from None
            raise ServiceError("SHARE_DAMAGED") from None
        return [int(result, 16) for result in results]


def _wish(key: TokenKey, base: int) -> list[str]:
    public = key.public
    numbers = public.to_bytes().hex(), public.purpose.value, integer_to_bytes(base, public.byte_length).hex()
    return [key.object_id, *numbers]
