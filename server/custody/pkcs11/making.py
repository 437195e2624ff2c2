"""Making a half in a token that keeps the rules of ``public_share``: generate, look, destroy, repeat."""

from __future__ import annotations

from typing import Final

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import PublicShare, Purpose, Role, admit_foreign_share
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.process import Refused
from wire.catalogue import ServiceError

_MOST_ATTEMPTS: Final = 64  # some 44 % of moduli are too small: this many in a row means something else
_RETRY_SECONDS: Final = 60


def make_half(pool: WorkerPool, object_id: str, label: str, purpose: Purpose, half_bits: int) -> PublicShare:
    """Have an object made, which is noted already.

    Args:
        pool: who makes it.
        object_id: its id.
        label: what people see of it, for ever: it must stay true.
        purpose: what it will do.
        half_bits: 2048, 3072 or 4096.

    Raises:
        ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL. Whether it is there is not known then.
    """
    for _ in range(_MOST_ATTEMPTS):
        try:
            modulus = pool.generate(object_id, label, purpose.value, half_bits)
            return admit_foreign_share(Role.SERVER, purpose, half_bits, modulus)
        except PeerMisbehaved:
            pool.destroy(object_id)
        except Refused:
            raise ServiceError("CUSTODY_FULL") from None
    raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=_RETRY_SECONDS)
