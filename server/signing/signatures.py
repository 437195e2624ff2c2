"""Joint signatures: the client's partial is checked before the server's share is used, and both before they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from mpc.engines import Engine, Random
from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import (
    EncodedMessage,
    PartialSignature,
    Role,
    SignatureAlgorithm,
    SigningShare,
    combine_signature,
    create_partial_signature,
    parse_partial_signature,
)
from server.custody import ShareCustody
from server.journal import Act, Intent, OperationRunner, Request, Result
from server.signing.opened_keys import OpenedKey, OpenedKeys
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class SignatureWish:
    """A joint signature that somebody asks for.

    Args:
        request: the call.
        key_id: a key for signing.
        algorithm: padding and hash.
        digest: of the document.
        salt: for PSS.
        client_partial: the client's partial signature mod N_client, big-endian.
    """

    request: Request
    key_id: str
    algorithm: SignatureAlgorithm
    digest: bytes
    salt: bytes
    client_partial: bytes = field(repr=False)


class Signatures:
    """Makes joint signatures.

    Args:
        keys: joint public keys.
        shares: the server's shares.
        runner: with the policy of signing keys.
        engine: exponentiates.
        random: for blinding.
    """

    def __init__(
        self,
        keys: OpenedKeys,
        shares: ShareCustody,
        runner: OperationRunner,
        engine: Engine,
        random: Random,
    ) -> None:
        self._keys = keys
        self._shares = shares
        self._runner = runner
        self._engine = engine
        self._random = random

    async def sign(self, wish: SignatureWish) -> bytes:
        """Make a joint signature, or return the one that was made for the same request.

        Returns:
            Big-endian, exactly the length of the joint modulus; checked.

        Raises:
            ServiceError: those of ``OperationRunner.run``, ``OpenedKeys.find`` and ``JointOperationPolicy``.
            MalformedInput: DIGEST_LENGTH_WRONG, SALT_LENGTH_WRONG, PARTIAL_MALFORMED.
            PeerMisbehaved: PARTIAL_SIGNATURE_INVALID; the client is to blame.
            WrongPurpose: a key for decryption.
            FaultDetected: our own result did not hold; nothing was released.
        """
        return await self._runner.run(wish.request, partial(self._prepare, wish))

    def _prepare(self, wish: SignatureWish) -> tuple[Intent, Act]:
        key = self._keys.find(wish.request.caller, wish.key_id)
        message, client_partial = _check_client(key, wish)
        intent = Intent(wish.request, wish.key_id, wish.algorithm.value, wish.digest, wish.salt, wish.client_partial)
        return intent, partial(self._act, message, client_partial)

    def _act(self, message: EncodedMessage, client_partial: PartialSignature, key_id: str) -> Result:
        return Result(release=sign_jointly(self._shares, key_id, message, client_partial, self._engine, self._random))


def sign_jointly(
    shares: ShareCustody,
    key_id: str,
    message: EncodedMessage,
    client_partial: PartialSignature,
    engine: Engine,
    random: Random,
) -> bytes:
    """Use the server's share, and combine. For who has decided, and recorded, that it may be used now.

    Args:
        shares: where the share is.
        key_id: its name there.
        message: what is signed, encoded here.
        client_partial: the client's, checked.
        engine: exponentiates.
        random: for blinding.

    Returns:
        The joint signature, checked.

    Raises:
        ServiceError: KEY_DESTROYED: erased between the record of the intent and now.
        WrongPurpose: a share for decryption.
        FaultDetected: our own result did not hold; nothing was released.
    """
    share = shares.open(key_id, message.joint_key.server)
    if share is None:
        raise ServiceError("KEY_DESTROYED", key_id=key_id)
    if not isinstance(share, SigningShare):
        raise WrongPurpose(wanted=message.joint_key.purpose, found=share.purpose)
    server_partial = create_partial_signature(share, message, engine, random)
    return combine_signature(message, client_partial, server_partial)


def _check_client(key: OpenedKey, wish: SignatureWish) -> tuple[EncodedMessage, PartialSignature]:
    message = EncodedMessage(key.joint_key, wish.algorithm, wish.digest, wish.salt)
    return message, parse_partial_signature(message, Role.CLIENT, wish.client_partial)
