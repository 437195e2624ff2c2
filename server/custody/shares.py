"""The server's key shares: sealed in the database, opened when they are used, kept open for a bounded number of keys.

An opened share lives in a cache of least recent use. What leaves the cache is forgotten: the last reference goes, which
is as far as Python can wipe. A share that is erased is forgotten at once, and by other processes within a second.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Half, PublicShare, Purpose
from server.custody import store
from server.custody.holder import Holder, OpenedShare
from server.custody.sealing import Context, SealBroken, Sealer
from server.storage import Database
from wire.catalogue import ServiceError


class ShareCustody:
    """Keeps, opens and erases the server's shares.

    Args:
        database: where the sealed shares are.
        sealer: seals and opens them.
        holder: makes halves, and has their numbers.
        capacity: how many shares stay open, at least 1.
    """

    def __init__(self, database: Database, sealer: Sealer, holder: Holder, *, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self.holder = holder
        self._database = database
        self._sealer = sealer
        self._capacity = capacity
        self._opened: OrderedDict[str, OpenedShare] = OrderedDict()
        self._forgotten = 0
        self._lock = threading.Lock()

    def take(self, key_id: str, purpose: Purpose, half_bits: int) -> OpenedShare:
        """A new share for a key. Takes up to some seconds if none is ready.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """
        return self.holder.take(key_id, purpose, half_bits)

    def keep(self, connection: Connection, key_id: str, share: Half, now: datetime) -> None:
        """Seal a new share and store it, in the transaction that makes its key.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE: it is too late, the share is being destroyed.
        """
        sealed = self._sealer.seal(self._context(key_id, share.public), self.holder.to_bytes(share))
        store.insert_share(connection, key_id, sealed, now)
        self.holder.kept(connection, share)

    def erase(self, connection: Connection, key_id: str) -> bool:
        """Erase a key's share, in the transaction that changes its state; then ``forget`` it. False: there was none."""
        self.holder.erased(connection, key_id)
        return store.erase_share(connection, key_id)

    def forget(self, key_id: str) -> None:
        """After the erasure was committed: drop the opened share, its traces in the database's logs, what a token has.

        Waits.
        """
        with self._lock:
            self._opened.pop(key_id, None)
            self._forgotten += 1
        self._database.erase_traces()
        self.holder.sweep()

    async def forget_erased(self) -> None:
        """Drop opened shares that another process has erased.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        with self._lock:
            names = list(self._opened)
        kept = await self._database.read(lambda connection: store.list_kept(connection, names))
        with self._lock:
            for name in names:
                if name not in kept:
                    self._opened.pop(name, None)

    def opened(self, key_id: str) -> OpenedShare | None:
        """The share, if it is open."""
        with self._lock:
            share = self._opened.get(key_id)
            if share is not None:
                self._opened.move_to_end(key_id)
            return share

    def open(self, key_id: str, public: PublicShare) -> OpenedShare | None:
        """The share of a key, opened if need be: reads the database and takes milliseconds, so not on an event loop.

        Args:
            key_id: the key.
            public: its public share of the server.

        Returns:
            None if the share was erased.

        Raises:
            ServiceError: SHARE_DAMAGED: the row is damaged, or is not what it is said to be. STORAGE_UNAVAILABLE.
        """
        share = self.opened(key_id)
        if share is not None:
            return share
        with self._lock:
            forgotten = self._forgotten
        sealed = self._database.read_now(lambda connection: store.find_share(connection, key_id))
        if sealed is None:
            return None
        share = self._unseal(key_id, public, sealed)
        with self._lock:
            if forgotten == self._forgotten:  # else it may be this one that was erased meanwhile: do not keep it open
                self._opened[key_id] = share
                if len(self._opened) > self._capacity:
                    self._opened.popitem(last=False)
        return share

    def _unseal(self, key_id: str, public: PublicShare, sealed: bytes) -> OpenedShare:
        try:
            secret = self._sealer.open(self._context(key_id, public), sealed)
            share = self.holder.from_bytes(key_id, public, secret)
        except (SealBroken, MalformedInput):
            raise ServiceError("SHARE_DAMAGED") from None
        if share.public != public:
            raise ServiceError("SHARE_DAMAGED")
        return share

    def _context(self, key_id: str, public: PublicShare) -> Context:
        facts = (public.role.value.encode(), public.purpose.value.encode(), sha256(public.to_bytes()).digest())
        return Context(self.holder.kind, key_id, facts)
