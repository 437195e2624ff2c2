"""Joint signatures: the client's partial is checked before the server's share is used, and both before they leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from mpc.engines import Random
from mpc.errors import FoursealError, WrongPurpose
from mpc.four_prime_rsa import (
    EncodedMessage,
    PartialSignature,
    Role,
    SignatureAlgorithm,
    SigningHalf,
    combine_signature,
    create_partial_signatures,
    parse_partial_signature,
)
from server.custody import ShareCustody, ShareEngine
from server.journal import Caller, Intent, OperationRunner, Outcomes, Request, Result
from server.signing.opened_keys import OpenedKeys
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
        engine: ShareEngine,
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
        (outcome,) = await self.sign_together([wish])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def require_room(self, caller: Caller, request_ids: Iterable[str]) -> None:
        """See that something of a call can begin now. Raises ServiceError (OVERLOADED)."""
        self._runner.require_room(caller, request_ids)

    async def sign_together(self, wishes: Sequence[SignatureWish]) -> Outcomes:
        """Make several joint signatures that one call asks for, each as if alone.

        Returns:
            One outcome a wish, in order: what ``sign`` returns, or what it would raise.
        """
        requests = [wish.request for wish in wishes]
        return await self._runner.run_together(requests, [partial(self._prepare, wish) for wish in wishes], self._act)

    def _prepare(self, wish: SignatureWish) -> tuple[Intent, PartialSignature]:
        key = self._keys.find(wish.request.caller, wish.key_id)
        message = EncodedMessage(key.joint_key, wish.algorithm, wish.digest, wish.salt)
        client_partial = parse_partial_signature(message, Role.CLIENT, wish.client_partial)
        intent = Intent(wish.request, wish.key_id, wish.algorithm.value, wish.digest, wish.salt, wish.client_partial)
        return intent, client_partial

    def _act(self, prepared: Sequence[tuple[PartialSignature, str]]) -> list[Result | Exception]:
        try:
            signatures = sign_all_jointly(self._shares, prepared, self._engine, self._random)
        except FoursealError as error:
            if len(prepared) == 1:
                return [error]
            return [self._act([each])[0] for each in prepared]  # who fails, fails alone
        return [Result(release=signature) for signature in signatures]


def sign_jointly(
    shares: ShareCustody, key_id: str, client_partial: PartialSignature, engine: ShareEngine, random: Random
) -> bytes:
    """Use the server's share, and combine. As ``sign_all_jointly``, for one."""
    return sign_all_jointly(shares, [(client_partial, key_id)], engine, random)[0]


def sign_all_jointly(
    shares: ShareCustody, prepared: Sequence[tuple[PartialSignature, str]], engine: ShareEngine, random: Random
) -> list[bytes]:
    """Use the server's shares, and combine. For who has decided, and recorded, that they may be used now.

    Args:
        shares: where the shares are.
        prepared: the client's partial signatures, checked, each with the name of the share.
        engine: exponentiates.
        random: for blinding.

    Returns:
        The joint signatures, checked.

    Raises:
        ServiceError: KEY_DESTROYED: a share was erased between the record of the intent and now.
        WrongPurpose: a share for decryption.
        FaultDetected: a result of our own did not hold; nothing was released.
    """
    wishes = [(_open(shares, key_id, client.message), client.message) for client, key_id in prepared]
    servers = create_partial_signatures(wishes, engine, random)
    return [
        combine_signature(client.message, client, server) for (client, _), server in zip(prepared, servers, strict=True)
    ]


def _open(shares: ShareCustody, key_id: str, message: EncodedMessage) -> SigningHalf:
    share = shares.open(key_id, message.joint_key.server)
    if share is None:
        raise ServiceError("KEY_DESTROYED", key_id=key_id)
    if not isinstance(share, SigningHalf):
        raise WrongPurpose(wanted=message.joint_key.purpose, found=share.purpose)
    return share
