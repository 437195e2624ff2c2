"""Guards: made by an agent, asked by whoever has its key store, spent when too much was guessed.

What is on the disk when: an attempt is counted before it is evaluated; a guard that is spent and the halves that go
with it end in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Final

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from mpc.errors import FoursealError
from mpc.oprf import SEED_BYTES, OprfKey, require_element
from server.clock import Clock
from server.custody import Context, Sealer, ShareCustody
from server.custody.sealing import SealBroken
from server.identity import RevocationReason, require_caller
from server.journal import Caller, Intent, Request, Result, run_at_once
from server.pins import store
from server.pins.counting import MOST_ATTEMPTS, PROOF_TIME, Attempts
from server.pins.store import Guard
from server.signing import EndCertificate, forfeit_keys
from server.storage import Database
from wire.catalogue import ServiceError
from wire.pin_proof import proof_message

GUARDS_AT_A_TIME: Final = 8
"""Of an agent: one in use, and those that were made while its answer was lost."""
GUARD_ID_BYTES: Final = 32
_INFO: Final = b"fourseal/v1/pin guard"
_HOUSEKEEPING: Final = Caller("-", b"")  # no agent can have that name


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An answer.

    Args:
        evaluation: proof and evaluated element, 96 bytes.
        attempt: its number.
        unproven: attempts in a row, with this one, that have not proved themselves.
    """

    evaluation: bytes = field(repr=False)
    attempt: int
    unproven: int


class PinGuards:
    """All guards.

    Args:
        database: where they are.
        sealer: for their seeds.
        shares: the server's halves.
        end_certificate: see ``EndCertificate``.
        random: for seeds.
        clock: the time.
        log: what operators should see.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        shares: ShareCustody,
        end_certificate: EndCertificate,
        random: Callable[[int], bytes],
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._shares = shares
        self._end_certificate = end_certificate
        self._random = random
        self._clock = clock
        self._log = log

    async def create(self, caller: Caller, guard_id: bytes, blinded: bytes) -> tuple[bytes, bytes]:
        """Make a guard, and answer the one blinded element that it is made for.

        Returns:
            The evaluation, and the guard's public key.

        Raises:
            ServiceError: CALLER_UNKNOWN, FIELD_INVALID; PIN_GUARD_EXISTS: of another, or for another element;
                TOO_MANY_PIN_GUARDS.
            MalformedInput: ELEMENT_MALFORMED.
        """
        digest, blinded_sha256 = _digest_of(guard_id), _digest_of_element(blinded)

        def unit(connection: Connection) -> Guard:
            require_caller(connection, caller)
            guard = store.find_guard(connection, digest)
            if guard is None:
                if store.count_guards(connection, caller.agent_id) >= GUARDS_AT_A_TIME:
                    raise ServiceError("TOO_MANY_PIN_GUARDS", limit=GUARDS_AT_A_TIME)
                seed = self._sealer.seal(_context(digest, caller.agent_id), self._random(SEED_BYTES))
                attempts = Attempts(0, 0, self._clock())
                guard = Guard(digest, caller.agent_id, seed, None, blinded_sha256, attempts)
                store.insert_guard(connection, guard)
            if (guard.agent_id, guard.proof_key, guard.blinded_sha256) != (caller.agent_id, None, blinded_sha256):
                raise ServiceError("PIN_GUARD_EXISTS")
            return guard

        key = self._key_of(await self._database.write(unit))
        return key.evaluate(blinded), key.public_key

    async def confirm(self, caller: Caller, guard_id: bytes, proof_key: bytes) -> None:
        """Take a guard into use. A repeat changes nothing.

        Raises:
            ServiceError: CALLER_UNKNOWN, FIELD_INVALID, PIN_GUARD_UNKNOWN (also another agent's); PIN_GUARD_EXISTS: it
                was confirmed with another key.
        """
        digest = _digest_of(guard_id)
        _public_key(proof_key)

        def unit(connection: Connection) -> None:
            require_caller(connection, caller)
            guard = store.find_guard(connection, digest)
            if guard is None or guard.agent_id != caller.agent_id:
                raise ServiceError("PIN_GUARD_UNKNOWN")
            if guard.proof_key not in {None, proof_key}:
                raise ServiceError("PIN_GUARD_EXISTS")
            store.put_guard(connection, replace(guard, proof_key=proof_key))

        await self._database.write(unit)

    async def remove(self, caller: Caller, except_guard_id: bytes) -> None:
        """Remove the caller's guards but one, or (empty) all.

        Raises:
            ServiceError: CALLER_UNKNOWN, FIELD_INVALID.
        """
        digest = _digest_of(except_guard_id) if except_guard_id else b""

        def unit(connection: Connection) -> None:
            require_caller(connection, caller)
            store.remove_guards(connection, caller.agent_id, digest)

        await self._database.write(unit)

    async def evaluate(self, guard_id: bytes, blinded: bytes) -> Evaluated:
        """Count an attempt, and answer it. Whoever has the guard's name may ask.

        Raises:
            ServiceError: FIELD_INVALID; PIN_GUARD_UNKNOWN: no such one, or not confirmed; PIN_LOCKED, PIN_SPENT,
                PIN_GUARD_DAMAGED.
            MalformedInput: ELEMENT_MALFORMED.
        """
        digest, blinded_sha256 = _digest_of(guard_id), _digest_of_element(blinded)

        def unit(connection: Connection) -> Guard | None:
            guard, now = _confirmed(connection, digest), self._clock()
            if guard.sealed_seed is None or guard.attempts.is_spent(now):
                return None
            if guard.attempts.counted and guard.blinded_sha256 == blinded_sha256:
                return guard
            counted = replace(guard, blinded_sha256=blinded_sha256, attempts=guard.attempts.count(now))
            store.put_guard(connection, counted)
            return counted

        guard = await self._database.write(unit)
        if guard is None:
            await self._spend(digest)
            raise ServiceError("PIN_SPENT")
        attempts = guard.attempts
        if attempts.unproven > 1:
            self._log.warning("pin_attempt_after_unproven_ones", agent=guard.agent_id, unproven=attempts.unproven)
        return Evaluated(self._key_of(guard).evaluate(blinded), attempts.counted, attempts.unproven)

    async def prove(self, guard_id: bytes, attempt: int, signature: bytes) -> None:
        """Let attempts up to one count no more, by whoever had the right PIN for that. A repeat changes nothing.

        Raises:
            ServiceError: FIELD_INVALID, PIN_GUARD_UNKNOWN, PIN_SPENT; PIN_PROOF_WRONG: another key signed, another
                attempt, or there was none of that number.
        """
        digest = _digest_of(guard_id)

        def unit(connection: Connection) -> bool:
            guard = _confirmed(connection, digest)
            if not 0 < attempt <= guard.attempts.counted or not _is_proof(guard, attempt, signature):
                raise ServiceError("PIN_PROOF_WRONG")
            if guard.sealed_seed is None or guard.attempts.is_spent(self._clock()):
                return False
            store.put_guard(connection, replace(guard, attempts=guard.attempts.prove(attempt)))
            return True

        if not await self._database.write(unit):
            await self._spend(digest)
            raise ServiceError("PIN_SPENT")

    async def spend_overdrawn(self) -> None:
        """Spend all guards whose last attempt is over and did not prove itself."""
        before = self._clock() - PROOF_TIME
        found = await self._database.read(lambda connection: store.list_overdrawn(connection, MOST_ATTEMPTS, before))
        for digest in found:
            await self._spend(digest)

    async def _spend(self, digest: bytes) -> None:
        """Destroy a guard, and the halves of its agent's keys. A repeat changes nothing."""

        def unit(connection: Connection) -> Result:
            guard = store.find_guard(connection, digest)
            if guard is None or guard.sealed_seed is None:
                return Result()
            store.put_guard(connection, replace(guard, sealed_seed=None))
            now, reason = self._clock(), RevocationReason.CESSATION_OF_OPERATION
            forfeited = forfeit_keys(connection, self._shares, guard.agent_id, now)
            for key in forfeited:
                self._end_certificate(connection, key, reason, "The key was destroyed.", None, now)
            return Result(afterwards=partial(self._forget, guard.agent_id, [key.key_id for key in forfeited]))

        name = digest.hex()[:32]
        request = Request(_HOUSEKEEPING, f"spend.{name}", "SpendPinGuard", b"")
        await run_at_once(self._database, _admit_ourselves, self._clock, Intent(request, name), unit)

    def _forget(self, agent_id: str, key_ids: list[str]) -> None:
        self._log.warning("pin_guard_spent", agent=agent_id, keys_destroyed=len(key_ids))
        for key_id in key_ids:
            self._shares.forget(key_id)

    def _key_of(self, guard: Guard) -> OprfKey:
        try:
            seed = self._sealer.open(_context(guard.guard_sha256, guard.agent_id), guard.sealed_seed or b"")
        except SealBroken:
            raise ServiceError("PIN_GUARD_DAMAGED") from None
        return OprfKey(seed, _INFO)


def _confirmed(connection: Connection, digest: bytes) -> Guard:
    guard = store.find_guard(connection, digest)
    if guard is None or guard.proof_key is None:
        raise ServiceError("PIN_GUARD_UNKNOWN")
    return guard


def _is_proof(guard: Guard, attempt: int, signature: bytes) -> bool:
    try:
        _public_key(guard.proof_key or b"").verify(signature, proof_message(guard.guard_sha256, attempt))
    except InvalidSignature:
        return False
    return True


def _public_key(proof_key: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(proof_key)
    except ValueError:
        raise ServiceError("FIELD_INVALID", field="proof_key", problem="not an Ed25519 public key") from None


def _digest_of(guard_id: bytes) -> bytes:
    if len(guard_id) != GUARD_ID_BYTES:
        raise ServiceError("FIELD_INVALID", field="guard_id", problem=f"not {GUARD_ID_BYTES} bytes")
    return sha256(guard_id).digest()


def _digest_of_element(blinded: bytes) -> bytes:
    """Looks at it before anything is counted."""
    require_element(blinded)
    return sha256(blinded).digest()


def _context(digest: bytes, agent_id: str) -> Context:
    return Context("pin-seed", digest.hex(), (agent_id.encode(),))


def _admit_ourselves(_connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    return [None] * len(callers)
