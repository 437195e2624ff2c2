"""Holds halves in a token: they are made there, and never leave it. What is sealed is the id of the object.

The workers are started by the first who needs the token, or by ``check``: an operator's command that has nothing to do
with shares needs no PIN.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from mpc.four_prime_rsa import Half, PublicShare, Purpose
from mpc.four_prime_rsa.partials import is_partial
from server.clock import Clock
from server.custody.holder import OpenedShare
from server.custody.pkcs11 import store
from server.custody.pkcs11.ahead import HalvesAhead
from server.custody.pkcs11.engine import TokenEngine
from server.custody.pkcs11.keys import TokenKeys
from server.custody.pkcs11.making import make_half
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.shares import OBJECT_ID_BYTES, TokenHalf, TokenKey, token_half
from server.storage import Database
from wire.catalogue import ServiceError

_KEPT_WITHIN: Final = timedelta(hours=1)


class TokenHolder:
    """See ``Holder``.

    Args:
        database: which objects there are.
        open_pool: starts the workers.
        ahead: what was made ahead.
        random: for object ids.
        clock: the time.
        log: where objects are told of that are not what they must be.
    """

    kind = "token-share"
    in_token = True

    def __init__(
        self,
        database: Database,
        open_pool: Callable[[], WorkerPool],
        ahead: HalvesAhead,
        random: Callable[[int], bytes],
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._database = database
        self._open_pool = open_pool
        self._ahead = ahead
        self._random = random
        self._clock = clock
        self._log = log
        self._pool: WorkerPool | None = None
        self._opening = threading.Lock()
        self.engine = TokenEngine(self.pool)
        self.keys = TokenKeys(database, self.pool, random, clock)

    def pool(self) -> WorkerPool:
        """The workers.

        Raises:
            OperatorError: see ``WorkerPool``.
        """
        with self._opening:
            if self._pool is None:
                self._pool = self._open_pool()
            return self._pool

    def take(self, key_id: str, purpose: Purpose, half_bits: int) -> OpenedShare:
        """One that was made ahead and works, else one that is made now.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL. What was made is noted, and will be destroyed.
        """
        object_id = self._random(OBJECT_ID_BYTES).hex()

        def claim(connection: Connection) -> store.ReadyHalf | None:
            now = self._clock()
            ready = store.claim_ready(connection, key_id, purpose, half_bits, now)
            if ready is None:
                store.note_made(connection, object_id, key_id, now)
            return ready

        try:
            while (ready := self._database.write_now(claim)) is not None:
                share = self._open_ready(ready, key_id, purpose, half_bits)
                if share is not None:
                    return share
                self._log.error("ready_half_refused", object_id=ready.object_id)
        finally:
            self._ahead.replace(purpose, half_bits)
        public = make_half(self.pool(), object_id, key_id, purpose, half_bits)
        return token_half(TokenKey(key_id, object_id, public))

    def _open_ready(self, ready: store.ReadyHalf, key_id: str, purpose: Purpose, half_bits: int) -> OpenedShare | None:
        """What was claimed; None if it is not what it must be. It goes as all goes that is not kept."""
        public = self._ahead.public_of(ready, purpose, half_bits)
        if public is None:
            return None
        share = token_half(TokenKey(key_id, ready.object_id, public))
        try:
            return share if self.works(share) else None
        except ServiceError:  # the token is away: nobody has seen it
            self._database.write_now(
                lambda connection: store.note_ready(connection, ready, purpose, half_bits, self._clock())
            )
            raise

    def to_bytes(self, share: Half) -> bytes:
        """The object's id."""
        return bytes.fromhex(_key_of(share).object_id)

    def from_bytes(self, key_id: str, public: PublicShare, data: bytes) -> OpenedShare:
        """See ``Holder``. Whether the object is there, and is what it must be, shows when it is used."""
        return token_half(TokenKey(key_id, data.hex(), public))

    def kept(self, connection: Connection, share: Half) -> None:
        """See ``Holder``."""
        if not store.note_kept(connection, _key_of(share).object_id, self._clock()):
            raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=1)  # it took too long, and is being destroyed

    def erased(self, connection: Connection, key_id: str) -> None:
        """See ``Holder``."""
        store.note_doomed(connection, key_id, self._clock())

    def sweep(self) -> None:
        """See ``Holder``."""
        now = self._clock()
        for object_id in self._database.write_now(lambda c: store.doom_left(c, now - _KEPT_WITHIN, now)):
            try:
                self.pool().destroy(object_id)
            except ServiceError:  # the token is away: the pool has logged it
                return
            self._database.write_now(partial(_note_destroyed, object_id))

    def check(self) -> None:
        """See ``Holder``."""
        self.pool().check()

    def works(self, share: OpenedShare) -> bool:
        """See ``Holder``: it is used once, for a number that says nothing, and the result is checked."""
        number = 2
        try:
            (value,) = self.engine.exponentiate([(share.key, number)], self._random)
        except ServiceError as error:
            if error.reason == "CUSTODY_UNAVAILABLE":
                raise
            return False
        return is_partial(share.public, number, value)

    def describe(self) -> dict[str, str]:
        """See ``Holder``."""
        return {"custody": "pkcs11", **self.pool().ask("status")}

    def objects(self) -> dict[str, str]:
        """See ``Holder``."""
        return {each["object_id"]: each["name"] for each in self.pool().ask("keys")}

    def close(self) -> None:
        """End the workers."""
        self._ahead.close()
        with self._opening:
            if self._pool is not None:
                self._pool.close()


def _key_of(share: Half) -> TokenKey:
    assert isinstance(share, TokenHalf)  # noqa: S101  # a token gives no others
    return share.key


def _note_destroyed(object_id: str, connection: Connection) -> None:
    store.note_destroyed(connection, object_id)
