"""Fresh client shares, searched for on several cores at once.

Whether a half can be used shows only when it was made (docs/adr/0006), so several threads try, each by itself, and the
first that fits is taken. That is quicker than to look for the two primes of one half in parallel, and leaves a half to
OpenSSL as a whole. The threads are of their own: those that sign are not kept waiting, and the interpreter's lock is
free while OpenSSL searches. All but one a share have the lowest priority, and so take only cores that have nothing else
to do. What a thread was at when the last share was found is thrown away.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Collection
from typing import Final

from mpc.four_prime_rsa import DecryptionShare, Purpose, Role, SigningShare, try_key_share

_THREADS: Final = min(4, len(os.sched_getaffinity(0)))
"""More would hardly be quicker, and throw most of their work away."""

_LOWEST_PRIORITY: Final = 19

Shares = dict[Purpose, SigningShare | DecryptionShare]


def make_shares(purposes: Collection[Purpose], half_bits: int) -> Shares:
    """Make a share of each purpose. Blocks for up to some seconds.

    Args:
        purposes: each once.
        half_bits: 2048, 3072 or 4096.

    Raises:
        FaultDetected: see ``try_key_share``.
    """
    race = _Race(purposes, half_bits)
    for index in range(max(_THREADS, len(purposes))):
        run = race.run if index < len(purposes) else race.run_aside
        threading.Thread(target=run, name="fourseal-generation", daemon=True).start()
    outcome = race.outcome.get()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


class _Race:
    """Threads that look for the same shares."""

    def __init__(self, purposes: Collection[Purpose], half_bits: int) -> None:
        self._half_bits = half_bits
        self._wanted = list(purposes)
        self._turn = 0
        self._found: Shares = {}
        self._lock = threading.Lock()
        self.outcome: queue.SimpleQueue[Shares | Exception] = queue.SimpleQueue()

    def run_aside(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)  # Linux: of this thread alone
        self.run()

    def run(self) -> None:
        try:
            while (purpose := self._next()) is not None:
                share = try_key_share(Role.CLIENT, purpose, self._half_bits)
                if share is not None:
                    self._take(share)
        except Exception as error:  # noqa: BLE001  # carried to who waits as it is, not handled
            with self._lock:
                self._wanted.clear()
            self.outcome.put(error)

    def _next(self) -> Purpose | None:
        """What to try for; in turns, so that no purpose is left to the end."""
        with self._lock:
            self._turn += 1
            return self._wanted[self._turn % len(self._wanted)] if self._wanted else None

    def _take(self, share: SigningShare | DecryptionShare) -> None:
        with self._lock:
            if share.purpose not in self._wanted:
                return
            self._wanted.remove(share.purpose)
            self._found[share.purpose] = share
            if not self._wanted:
                self.outcome.put(self._found)
