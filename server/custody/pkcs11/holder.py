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

from sqlalchemy import Connection

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import Half, PublicShare, Purpose, Role, admit_foreign_share
from mpc.four_prime_rsa.partials import is_partial
from server.clock import Clock
from server.custody.holder import OpenedShare
from server.custody.pkcs11 import store
from server.custody.pkcs11.engine import TokenEngine
from server.custody.pkcs11.pool import Refused, WorkerPool
from server.custody.pkcs11.shares import OBJECT_ID_BYTES, TokenHalf, TokenKey, token_half
from server.storage import Database
from wire.catalogue import ServiceError

_MOST_ATTEMPTS: Final = 64  # some 44 % of moduli are too small: this many in a row means something else
_KEPT_WITHIN: Final = timedelta(hours=1)


class TokenHolder:
    """See ``Holder``.

    Args:
        database: which objects there are.
        open_pool: starts the workers.
        random: for object ids.
        clock: the time.
    """

    kind = "token-share"
    in_token = True

    def __init__(
        self, database: Database, open_pool: Callable[[], WorkerPool], random: Callable[[int], bytes], clock: Clock
    ) -> None:
        self._database = database
        self._open_pool = open_pool
        self._random = random
        self._clock = clock
        self._pool: WorkerPool | None = None
        self._opening = threading.Lock()
        self.engine = TokenEngine(self.pool)

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
        """Have a key made that keeps the rules of ``public_share``: generate, look, destroy, repeat.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL. What was made is noted, and will be destroyed.
        """
        object_id = self._random(OBJECT_ID_BYTES).hex()
        self._database.write_now(
            lambda connection: store.note_made(connection, object_id, key_id, self._clock()),
        )
        for _ in range(_MOST_ATTEMPTS):
            public = self._generate(object_id, key_id, purpose, half_bits)
            if public is not None:
                return token_half(TokenKey(key_id, object_id, public))
            self.pool().ask("destroy", object_id=object_id)
        raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=60)

    def _generate(self, object_id: str, key_id: str, purpose: Purpose, half_bits: int) -> PublicShare | None:
        try:
            modulus = self.pool().generate(object_id, key_id, purpose.value, half_bits)
            return admit_foreign_share(Role.SERVER, purpose, half_bits, modulus)
        except PeerMisbehaved:
            return None
        except Refused:
            raise ServiceError("CUSTODY_FULL") from None

    def to_bytes(self, share: Half) -> bytes:
        """The object's id."""
        return bytes.fromhex(_key_of(share).object_id)

    def from_bytes(self, key_id: str, public: PublicShare, data: bytes) -> OpenedShare:
        """See ``Holder``. Whether the object is there, and is what it must be, shows when it is used."""
        return token_half(TokenKey(key_id, data.hex(), public))

    def kept(self, connection: Connection, share: Half) -> None:
        """See ``Holder``."""
        store.note_kept(connection, _key_of(share).object_id, self._clock())

    def erased(self, connection: Connection, key_id: str) -> None:
        """See ``Holder``."""
        store.note_doomed(connection, key_id, self._clock())

    def sweep(self) -> None:
        """See ``Holder``."""
        before = self._clock() - _KEPT_WITHIN
        for object_id in self._database.read_now(lambda connection: store.list_doomed(connection, before)):
            try:
                self.pool().ask("destroy", object_id=object_id)
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
        with self._opening:
            if self._pool is not None:
                self._pool.close()


def _key_of(share: Half) -> TokenKey:
    assert isinstance(share, TokenHalf)  # noqa: S101  # a token gives no others
    return share.key


def _note_destroyed(object_id: str, connection: Connection) -> None:
    store.note_destroyed(connection, object_id)
