"""Two-party generation, the server's side: two calls with the client's, and what becomes of those never finished.

1. Begin: the client's commitment comes; the server makes its share, seals it, and answers with modulus and certificate.
   A crash before the result is recorded leaves an intent; a repeat makes another share, for nobody has seen the first.
2. Finish: the client opens its commitment. What does not hold aborts the generation, for good, and the record names
   who is to blame. A share that was made for an aborted generation is erased: it is never used for a second one.

A re-key is a generation too, see ``rekeying``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from mpc.engines import Random
from mpc.errors import FoursealError, MalformedInput, PeerMisbehaved
from mpc.four_prime_rsa import (
    GenerationTerms,
    JointPublicKey,
    PublicShare,
    answer_commitment,
    check_opening,
)
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import RevocationReason, check_callers
from server.journal import Act, Caller, Flights, Intent, OperationRunner, Request, Result, run_at_once
from server.signing import store
from server.signing.keys import EndCertificate, Keys, move_key, own_key
from server.signing.known_moduli import require_unshared
from server.signing.opened_keys import joint_key_of, server_share_of
from server.signing.rekeying import moduli_of_others, rekey_refusal, replace_key
from server.signing.states import KeyChange, KeyState
from server.signing.store import Key
from server.signing.wishes import GenerationWish, OpeningWish
from server.storage import Database, Threads
from wire.catalogue import ServiceError
from wire.ids import new_key_id

MAX_UNOPENED: Final = 32
"""Generations of one caller that may wait for their opening at a time."""
EXPIRED: Final = "GENERATION_EXPIRED"
_HOUSEKEEPING: Final = Caller("-", b"")  # no agent can have that name


class _BeginPolicy:
    def admit(
        self,
        connection: Connection,
        intents: Sequence[Intent],
        repeated: Sequence[bool],  # noqa: ARG002
    ) -> list[FoursealError | None]:
        """Refuses a caller that has too many unopened generations."""
        return [self._judge(connection, intent) for intent in intents]

    def _judge(self, connection: Connection, intent: Intent) -> FoursealError | None:
        if store.count_unopened(connection, intent.request.caller.agent_id) < MAX_UNOPENED:
            return None
        return ServiceError("TOO_MANY_GENERATIONS", limit=MAX_UNOPENED)


class _FinishPolicy:
    def admit(
        self,
        connection: Connection,
        intents: Sequence[Intent],
        repeated: Sequence[bool],  # noqa: ARG002
    ) -> list[FoursealError | None]:
        """Refuses an opening of a key that does not wait for one."""
        rules = store.find_rules(connection, (intent.key_id for intent in intents))
        states = [rules[intent.key_id].state for intent in intents]
        return [
            None
            if state is KeyState.AWAITING_OPENING
            else ServiceError("GENERATION_NOT_OPEN", key_id=intent.key_id, state=state.value)
            for intent, state in zip(intents, states, strict=True)
        ]


class Generation:
    """Generates joint keys.

    Args:
        database: where keys are kept.
        shares: where the server's shares are kept.
        keys: for answers.
        flights: generations under way, apart from other operations: they take long.
        workers: for making shares and checking openings.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
        end_certificate: see ``EndCertificate``.
        lifetime: how long a generation may wait for its opening.
    """

    def __init__(
        self,
        database: Database,
        shares: ShareCustody,
        keys: Keys,
        flights: Flights,
        workers: Threads,
        engine: ShareEngine,
        random: Random,
        clock: Clock,
        end_certificate: EndCertificate,
        *,
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._shares = shares
        self._keys = keys
        self._begins = OperationRunner(database, flights, workers, check_callers, _BeginPolicy(), clock)
        self._finishes = OperationRunner(database, flights, workers, check_callers, _FinishPolicy(), clock)
        self._engine = engine
        self._random = random
        self._clock = clock
        self._end_certificate = end_certificate
        self._lifetime = lifetime

    async def begin(self, wish: GenerationWish) -> tuple[Key, list[bytes]]:
        """Answer a commitment: a new key, AWAITING_OPENING, and the nine roots that certify the server's modulus.

        Raises:
            ServiceError: those of ``OperationRunner.run``; TOO_MANY_GENERATIONS; for a re-key KEY_NOT_FOUND, and those
                of ``rekey_refusal``.
            MalformedInput: COMMITMENT_MALFORMED, REKEY_DIFFERS.
        """
        answer = await self._begins.run(wish.request, partial(self._prepare_begin, wish))
        key_id, roots = _unpack(answer, wish.half_bits // 8)
        return await self._keys.get(wish.request.caller, key_id), roots

    def _prepare_begin(self, wish: GenerationWish) -> tuple[Intent, Act]:
        key_id, replaced = new_key_id(), None
        if wish.replaces_key_id is not None:
            replaced = self._keys.get_now(wish.request.caller, wish.replaces_key_id)
        _terms(wish, key_id, replaced)  # refuses before the intent
        return Intent(wish.request, key_id), partial(self._act_begin, wish, replaced)

    def _act_begin(self, wish: GenerationWish, replaced: Key | None, key_id: str) -> Result:
        refusal = None if replaced is None else rekey_refusal(replaced)
        if refusal is not None:
            return Result(refusal=refusal)
        share = self._shares.take(key_id, wish.purpose, wish.half_bits)  # up to some seconds, if none is ready
        roots = answer_commitment(_terms(wish, key_id, replaced), share, self._engine, self._random)
        now = self._clock()
        key = Key(
            key_id=key_id,
            agent_id=wish.request.caller.agent_id,
            purpose=wish.purpose,
            state=KeyState.AWAITING_OPENING,
            half_bits=wish.half_bits,
            client_commitment=wish.client_commitment,
            client_modulus=None,
            server_modulus=share.public.to_bytes(),
            joint_public_key=None,
            algorithms=wish.algorithms,
            daily_limit=wish.daily_limit,
            create_time=now,
            change_time=now,
            replaces_key_id=wish.replaces_key_id,
        )

        def keep(connection: Connection) -> None:
            store.insert_key(connection, key)
            self._shares.keep(connection, key_id, share, now)

        return Result(release=_pack(key_id, roots), apply=keep)

    async def finish(self, wish: OpeningWish) -> Key:
        """Check an opening, and enable the key or abort its generation. A repeat gets the same answer.

        Raises:
            ServiceError: those of ``OperationRunner.run``; KEY_NOT_FOUND, GENERATION_NOT_OPEN.
            PeerMisbehaved: the opening does not hold; the client is to blame, and the key is ABORTED.
            FoursealError: those of ``rekey_refusal``, and the key is ABORTED.
        """
        try:
            await self._finishes.run(wish.request, partial(self._prepare_finish, wish))
        except ServiceError as error:
            if error.reason != "REQUEST_ID_REUSED":
                raise
            key = await self._keys.get(wish.request.caller, wish.key_id)  # another opening came before this one
            raise ServiceError("GENERATION_NOT_OPEN", key_id=wish.key_id, state=key.state.value) from None
        return await self._keys.get(wish.request.caller, wish.key_id)

    def _prepare_finish(self, wish: OpeningWish) -> tuple[Intent, Act]:
        caller, replaced = wish.request.caller, None
        key = self._keys.get_now(caller, wish.key_id)
        if key.replaces_key_id is not None:
            replaced = self._keys.get_now(caller, key.replaces_key_id)
        return Intent(wish.request, wish.key_id), partial(self._act_finish, wish, key, replaced)

    def _act_finish(self, wish: OpeningWish, key: Key, replaced: Key | None, key_id: str) -> Result:
        opened = self._judge(wish, key, replaced)
        if isinstance(opened, FoursealError):
            abort = partial(self._move, key_id, KeyChange.ABORT, abort_cause=opened.reason)
            return Result(refusal=opened, apply=abort, afterwards=partial(self._shares.forget, key_id))
        if replaced is None:
            return Result(apply=partial(self._move, key_id, KeyChange.OPEN, joint_key=opened))
        replace = partial(self._replace, wish.request.caller, key_id, replaced.key_id, opened)
        return Result(apply=replace, afterwards=partial(self._shares.forget, replaced.key_id))

    def _judge(self, wish: OpeningWish, key: Key, replaced: Key | None) -> JointPublicKey | FoursealError:
        """The key that an opening leads to, or why it leads to none."""
        terms = _terms(key, key.key_id, replaced)
        try:
            opened = check_opening(terms, server_share_of(key), wish.client_modulus, wish.nonce, wish.roots)
            refusal = self._database.read_now(partial(_compare, key, opened.client))
        except (PeerMisbehaved, MalformedInput) as error:
            return error
        return refusal or opened

    def _replace(
        self, caller: Caller, key_id: str, replaced_id: str, opened: JointPublicKey, connection: Connection
    ) -> None:
        replaced, now = own_key(connection, caller, replaced_id), self._clock()
        self._move(key_id, KeyChange.OPEN, connection, joint_key=opened)
        replace_key(connection, self._shares, replaced, key_id, now)
        why = f"The key was replaced by {key_id}: ask for a certificate for that."
        self._end_certificate(connection, replaced, RevocationReason.SUPERSEDED, why, caller, now)

    async def abort(self, request: Request, key_id: str, cause: str) -> Key:
        """End a generation that the client does not want to finish; for good.

        Raises:
            ServiceError: CALLER_UNKNOWN, KEY_NOT_FOUND; GENERATION_NOT_OPEN for a finished one.
        """

        def unit(connection: Connection) -> Result:
            own_key(connection, request.caller, key_id)
            self._move(key_id, KeyChange.ABORT, connection, abort_cause=cause)
            return Result(afterwards=partial(self._shares.forget, key_id))

        await run_at_once(self._database, check_callers, self._clock, Intent(request, key_id), unit)
        return await self._keys.get(request.caller, key_id)

    async def expire(self) -> list[str]:
        """Abort every generation that has waited for its opening too long.

        Returns:
            The ids of their keys.
        """
        before = self._clock() - self._lifetime
        expired = [key.key_id for key in await self._database.read(lambda c: store.list_unopened(c, before))]
        for key_id in expired:
            request = Request(_HOUSEKEEPING, f"expire.{key_id}", "ExpireKeyGeneration", b"")
            unit = partial(self._expire_one, key_id)
            await run_at_once(self._database, _admit_ourselves, self._clock, Intent(request, key_id), unit)
        return expired

    def _expire_one(self, key_id: str, connection: Connection) -> Result:
        self._move(key_id, KeyChange.ABORT, connection, abort_cause=EXPIRED)
        return Result(afterwards=partial(self._shares.forget, key_id))

    def _move(
        self,
        key_id: str,
        change: KeyChange,
        connection: Connection,
        *,
        abort_cause: str | None = None,
        joint_key: JointPublicKey | None = None,
    ) -> None:
        key = store.find_key(connection, key_id)
        if key is None:
            raise ServiceError("KEY_NOT_FOUND", key_id=key_id)
        now = self._clock()
        move_key(connection, self._shares, key, change, now, abort_cause=abort_cause, joint_key=joint_key)


def _terms(agreed: GenerationWish | Key, key_id: str, replaced: Key | None) -> GenerationTerms:
    """What was agreed on for a key. A replaced key that was never opened has nothing to go into terms."""
    old = None if replaced is None else joint_key_of(replaced)
    return GenerationTerms(key_id, agreed.purpose, agreed.half_bits, agreed.client_commitment, old)


def _compare(key: Key, client: PublicShare, connection: Connection) -> FoursealError | None:
    """See that a key can still replace the other, and then that the client's modulus shares no prime with a known one.

    In one transaction: else a key that has just replaced the other one would be taken for a stranger's.
    """
    replaced = None if key.replaces_key_id is None else store.find_key(connection, key.replaces_key_id)
    refusal = None if replaced is None else rekey_refusal(replaced)
    if refusal is None:
        require_unshared(client, moduli_of_others(connection, key))
    return refusal


def _admit_ourselves(_connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    return [None] * len(callers)


def _pack(key_id: str, roots: Sequence[bytes]) -> bytes:
    """What the journal keeps of an answer to a commitment: key id, zero byte, roots."""
    return key_id.encode() + b"\0" + b"".join(roots)


def _unpack(answer: bytes, root_bytes: int) -> tuple[str, list[bytes]]:
    key_id, _, roots = answer.partition(b"\0")
    return key_id.decode(), [roots[start : start + root_bytes] for start in range(0, len(roots), root_bytes)]
