"""Halves made ahead in the token: who asks for a key does not wait while the token searches for primes.

* Such a half is noted as ``ready`` (``store``), with its modulus sealed for its object's id, its purpose and its size:
  what was not made here, or was made to be another, is not taken for one, whoever writes it into the database.
* They are all processes' together: whoever needs one claims it in a transaction. How many there are is counted in the
  database too, by the one process that has the lock and makes what lacks.
* Of which kinds some are made is learnt from what is asked for, and over a restart from what is ready.
* They are made by a worker of their own, of the lowest priority: nobody stands behind one. It is there only as long as
  some lack, and not while the token is away or full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog

from mpc.errors import FoursealError, MalformedInput
from mpc.four_prime_rsa import PublicShare, Purpose, Role
from server.clock import Clock
from server.custody.pkcs11 import store
from server.custody.pkcs11.making import make_half
from server.custody.pkcs11.pool import WorkerPool
from server.custody.pkcs11.shares import OBJECT_ID_BYTES
from server.custody.sealing import Context, SealBroken, Sealer
from server.errors import OperatorError
from server.storage import Database
from server.storage.file_lock import FileLock

LABEL: Final = "half"
"""Of their objects: whose they will be nobody knows yet, and the token lets nobody change it."""
_BUSY_SECONDS: Final = 1.0  # another process makes some: it may have counted before our claim
_TROUBLE_SECONDS: Final = 60.0

_Kind = tuple[Purpose, int]


class HalvesAhead:
    """Keeps halves of role server ready. Safe to use from several threads.

    Args:
        database: which there are.
        sealer: seals what they are.
        open_pool: starts the worker that makes them.
        random: for object ids.
        clock: the time.
        lock_path: file of the lock of the process that makes them.
        log: its log.
        count: of every kind that was asked for, how many are kept ready; 0: none.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        open_pool: Callable[[], WorkerPool],
        random: Callable[[int], bytes],
        clock: Clock,
        lock_path: Path,
        log: structlog.stdlib.BoundLogger,
        *,
        count: int,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._open_pool = open_pool
        self._random = random
        self._clock = clock
        self._lock_path = lock_path
        self._log = log
        self._count = count
        self._kinds = set[_Kind]()
        self._asked = False
        self._closed = False
        self._changed = threading.Condition()
        self._pool: WorkerPool | None = None
        self._thread: threading.Thread | None = None

    def public_of(self, half: store.ReadyHalf, purpose: Purpose, half_bits: int) -> PublicShare | None:
        """What was made under this object's id; None: nothing that we know of."""
        try:
            modulus = self._sealer.open(_context(half.object_id, purpose, half_bits), half.sealed_modulus)
            return PublicShare.from_bytes(Role.SERVER, purpose, modulus)
        except (SealBroken, MalformedInput):
            return None

    def replace(self, purpose: Purpose, half_bits: int) -> None:
        """A half of this kind was asked for: see that some are ready for whoever comes next. Does not wait."""
        with self._changed:
            self._kinds.add((purpose, half_bits))
            self._asked = True
            if self._thread is None and self._count and not self._closed:
                self._thread = threading.Thread(target=self._keep_ready, name="halves-ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Make no more; one that is being made is left, noted. What is ready stays for the next start."""
        with self._changed:
            self._closed = True
            pool, thread = self._pool, self._thread
            self._changed.notify_all()
        if pool is not None:
            pool.close()
        if thread is not None:
            thread.join()

    def _keep_ready(self) -> None:
        while self._wait_for_wish():
            pause = _TROUBLE_SECONDS
            try:
                pause = self._fill()
            except FoursealError as error:  # of the token: away, or full; or of the database
                self._log.warning("no_halves_ahead", cause=str(error), retry_seconds=pause)
            except OperatorError as error:
                self._log.warning("no_halves_ahead", cause=str(error), action=error.action, retry_seconds=pause)
            if pause:
                with self._changed:
                    self._asked = True
                    self._changed.wait_for(lambda: self._closed, timeout=pause)

    def _wait_for_wish(self) -> bool:
        """False: closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._asked)
            self._asked = False
            return not self._closed

    def _fill(self) -> float:
        """Make what lacks, unless another process does; in how many seconds to look again, 0: when asked."""
        kind = self._find_lack()
        if kind is None:
            return 0
        with FileLock(self._lock_path) as lock:
            if not lock.take():
                return _BUSY_SECONDS
            with closing(self._open_pool()) as pool:
                with self._changed:
                    self._pool = None if self._closed else pool
                try:
                    while self._pool is not None and (kind := self._find_lack()) is not None:
                        self._make(pool, *kind)
                finally:
                    with self._changed:
                        self._pool = None
        return 0

    def _find_lack(self) -> _Kind | None:
        """Which kind lacks most."""
        ready = self._database.read_now(store.count_ready)
        with self._changed:
            kinds = self._kinds | ready.keys()
        kind = min(kinds, key=lambda each: ready.get(each, 0))
        return kind if ready.get(kind, 0) < self._count else None

    def _make(self, pool: WorkerPool, purpose: Purpose, half_bits: int) -> None:
        object_id = self._random(OBJECT_ID_BYTES).hex()
        self._database.write_now(lambda connection: store.note_made(connection, object_id, store.NOBODY, self._clock()))
        public = make_half(pool, object_id, LABEL, purpose, half_bits)
        sealed = self._sealer.seal(_context(object_id, purpose, half_bits), public.to_bytes())
        half = store.ReadyHalf(object_id, sealed)
        self._database.write_now(
            lambda connection: store.note_ready(connection, half, purpose, half_bits, self._clock())
        )


def _context(object_id: str, purpose: Purpose, half_bits: int) -> Context:
    return Context("ready-half", object_id, (purpose.value.encode(), str(half_bits).encode()))
