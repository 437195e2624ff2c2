"""Joint decryptions: the server's partial decryption of a ciphertext, for the key's owner alone.

The journal keeps the ciphertext's digest and the partial's digest, not the partial: together with the client's share it
would open the ciphertext for whoever reads the database. A repeat computes it again, and it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from mpc.engines import Random
from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import Ciphertext, DecryptionHalf, create_partial_decryption
from server.custody import ShareCustody, ShareEngine
from server.journal import Act, Intent, OperationRunner, Request, Result
from server.signing.opened_keys import OpenedKeys
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class DecryptionWish:
    """A partial decryption that somebody asks for.

    Args:
        request: the call.
        key_id: a key for decryption.
        ciphertext: big-endian, exactly the length of the joint modulus.
    """

    request: Request
    key_id: str
    ciphertext: bytes = field(repr=False)


class Decryptions:
    """Makes partial decryptions. The arguments are those of ``Signatures``, with the policy of decryption keys."""

    def __init__(
        self,
        keys: OpenedKeys,
        shares: ShareCustody,
        runner: OperationRunner,
        engine: ShareEngine,
        random: Random,
    ) -> None:
        self._keys = keys
        self._shares = shares
        self._runner = runner
        self._engine = engine
        self._random = random

    async def decrypt_partially(self, wish: DecryptionWish) -> bytes:
        """The server's partial decryption.

        Returns:
            Big-endian, exactly the length of the server's modulus; checked.

        Raises:
            ServiceError: those of ``OperationRunner.run``, ``OpenedKeys.find`` and ``JointOperationPolicy``.
            MalformedInput: CIPHERTEXT_MALFORMED.
            WrongPurpose: a key for signing.
            FaultDetected: our own result did not hold; nothing was released.
        """
        return await self._runner.run(wish.request, partial(self._prepare, wish))

    def _prepare(self, wish: DecryptionWish) -> tuple[Intent, Act]:
        key = self._keys.find(wish.request.caller, wish.key_id)
        ciphertext = Ciphertext(key.joint_key, wish.ciphertext)
        intent = Intent(wish.request, wish.key_id, digest=sha256(wish.ciphertext).digest())
        return intent, partial(self._act, ciphertext)

    def _act(self, ciphertext: Ciphertext, key_id: str) -> Result:
        return Result(
            release=decrypt_partially(self._shares, key_id, ciphertext, self._engine, self._random), keep=False
        )


def decrypt_partially(
    shares: ShareCustody, key_id: str, ciphertext: Ciphertext, engine: ShareEngine, random: Random
) -> bytes:
    """Use the server's share. For who has decided, and recorded, that it may be used now.

    Args:
        shares: where the share is.
        key_id: its name there.
        ciphertext: what is decrypted.
        engine: exponentiates.
        random: for blinding.

    Returns:
        The server's partial decryption, checked.

    Raises:
        ServiceError: KEY_DESTROYED: erased between the record of the intent and now.
        WrongPurpose: a share for signing.
        FaultDetected: our own result did not hold; nothing was released.
    """
    share = shares.open(key_id, ciphertext.joint_key.server)
    if share is None:
        raise ServiceError("KEY_DESTROYED", key_id=key_id)
    if not isinstance(share, DecryptionHalf):
        raise WrongPurpose(wanted=ciphertext.joint_key.purpose, found=share.purpose)
    return create_partial_decryption(share, ciphertext, engine, random).to_bytes()
