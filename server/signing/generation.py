"""Two-party generation, the server's side: two calls with the client's, and what becomes of those never finished.

1. Begin: the client's commitment comes; the server makes its share, seals it, and answers with modulus and certificate.
   A crash before the result is recorded leaves an intent; a repeat makes another share, for nobody has seen the first.
2. Finish: the client opens its commitment. What does not hold aborts the generation, for good, and the record names
   who is to blame. A share that was made for an aborted generation is erased: it is never used for a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from mpc.engines import Random
from mpc.errors import FoursealError, MalformedInput, PeerMisbehaved
from mpc.four_prime_rsa import (
    GenerationTerms,
    JointPublicKey,
    Purpose,
    SignatureAlgorithm,
    answer_commitment,
    check_opening,
)
from server.clock import Clock
from server.custody import OpenedShare, ShareCustody, ShareEngine
from server.identity import check_callers
from server.journal import Act, Caller, Flights, Intent, OperationRunner, Request, Result, run_at_once
from server.signing import store
from server.signing.keys import Keys, move_key, own_key
from server.signing.known_moduli import require_unshared
from server.signing.opened_keys import server_share_of
from server.signing.states import KeyChange, KeyState
from server.signing.store import Key
from server.storage import Database, Threads
from wire.catalogue import ServiceError
from wire.ids import new_key_id

MAX_UNOPENED: Final = 32
"""Generations of one caller that may wait for their opening at a time."""
EXPIRED: Final = "GENERATION_EXPIRED"
_HOUSEKEEPING: Final = Caller("-", b"")  # no agent can have that name


@dataclass(frozen=True, slots=True)
class GenerationWish:
    """A key that somebody wants."""

    request: Request
    purpose: Purpose
    half_bits: int
    algorithms: tuple[SignatureAlgorithm, ...]
    daily_limit: int
    client_commitment: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpeningWish:
    """An opening that a client brings. ``request`` has a request_id of ours: see ``finish_request_id``."""

    request: Request
    key_id: str
    client_modulus: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    roots: Sequence[bytes] = field(repr=False)


def finish_request_id(key_id: str) -> str:
    """The request_id under which the opening of a key is recorded. No caller can choose one with a dot."""
    return f"finish.{key_id}"


def abort_request_id(key_id: str) -> str:
    """The same for its abortion."""
    return f"abort.{key_id}"


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
        self._lifetime = lifetime

    async def begin(self, wish: GenerationWish) -> tuple[Key, list[bytes]]:
        """Answer a commitment: a new key, AWAITING_OPENING, and the nine roots that certify the server's modulus.

        Raises:
            ServiceError: those of ``OperationRunner.run``; TOO_MANY_GENERATIONS.
            MalformedInput: COMMITMENT_MALFORMED.
        """
        answer = await self._begins.run(wish.request, partial(self._prepare_begin, wish))
        key_id, roots = _unpack(answer, wish.half_bits // 8)
        return await self._keys.get(wish.request.caller, key_id), roots

    def _prepare_begin(self, wish: GenerationWish) -> tuple[Intent, Act]:
        key_id = new_key_id()
        GenerationTerms(key_id, wish.purpose, wish.half_bits, wish.client_commitment)  # refuses before the intent
        return Intent(wish.request, key_id), partial(self._act_begin, wish)

    def _act_begin(self, wish: GenerationWish, key_id: str) -> Result:
        share, roots = self._make_share(wish, key_id)
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
        )

        def keep(connection: Connection) -> None:
            store.insert_key(connection, key)
            self._shares.keep(connection, key_id, share, now)

        return Result(release=_pack(key_id, roots), apply=keep)

    def _make_share(self, wish: GenerationWish, key_id: str) -> tuple[OpenedShare, list[bytes]]:
        """The server's share, and the certificate of its modulus. Takes up to some seconds if none is ready."""
        share = self._shares.take(key_id, wish.purpose, wish.half_bits)
        terms = GenerationTerms(key_id, wish.purpose, wish.half_bits, wish.client_commitment)
        return share, answer_commitment(terms, share, self._engine, self._random)

    async def finish(self, wish: OpeningWish) -> Key:
        """Check an opening, and enable the key or abort its generation. A repeat gets the same answer.

        Raises:
            ServiceError: those of ``OperationRunner.run``; KEY_NOT_FOUND, GENERATION_NOT_OPEN.
            PeerMisbehaved: the opening does not hold; the client is to blame, and the key is ABORTED.
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
        key = self._keys.get_now(wish.request.caller, wish.key_id)
        return Intent(wish.request, wish.key_id), partial(self._act_finish, wish, key)

    def _act_finish(self, wish: OpeningWish, key: Key, key_id: str) -> Result:
        try:
            joint_key = _check_opening(wish, key)
            self._database.read_now(partial(_require_unshared, joint_key))
        except (PeerMisbehaved, MalformedInput) as error:
            abort = partial(self._move, key_id, KeyChange.ABORT, abort_cause=error.reason)
            return Result(refusal=error, apply=abort, afterwards=partial(self._shares.forget, key_id))
        return Result(apply=partial(self._move, key_id, KeyChange.OPEN, joint_key=joint_key))

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


def _check_opening(wish: OpeningWish, key: Key) -> JointPublicKey:
    terms = GenerationTerms(key.key_id, key.purpose, key.half_bits, key.client_commitment)
    return check_opening(terms, server_share_of(key), wish.client_modulus, wish.nonce, wish.roots)


def _require_unshared(joint_key: JointPublicKey, connection: Connection) -> None:
    known = (modulus for _, *moduli in store.opened_moduli(connection) for modulus in moduli)
    require_unshared(joint_key.client, known)


def _admit_ourselves(_connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    return [None] * len(callers)


def _pack(key_id: str, roots: Sequence[bytes]) -> bytes:
    """What the journal keeps of an answer to a commitment: key id, zero byte, roots."""
    return key_id.encode() + b"\0" + b"".join(roots)


def _unpack(answer: bytes, root_bytes: int) -> tuple[str, list[bytes]]:
    key_id, _, roots = answer.partition(b"\0")
    return key_id.decode(), [roots[start : start + root_bytes] for start in range(0, len(roots), root_bytes)]
