"""Fresh shares, some of them made ahead: who asks for a key does not wait while primes are searched for.

They are in memory alone, and whoever takes one is the only one to have it: what is left when the server stops was
nobody's. Of which kind some are made ahead is learnt from what is asked for. They are made by a thread of the lowest
priority, without the interpreter's lock: what else the server has to do goes first.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Final

from mpc.four_prime_rsa import DecryptionShare, Purpose, Role, SigningShare, generate_key_share

_LOWEST_PRIORITY: Final = 19

_Kind = tuple[Purpose, int]
_Share = SigningShare | DecryptionShare


class ReadyShares:
    """Gives shares of role server. Safe to use from several threads.

    Args:
        ahead: of every kind that was asked for, how many are kept ready; 0: none.
    """

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._ready: dict[_Kind, deque[_Share]] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, purpose: Purpose, half_bits: int) -> _Share:
        """A share that nobody else has or gets; made now if none is ready, which takes up to some seconds.

        Args:
            purpose: what it will do.
            half_bits: 2048, 3072 or 4096.
        """
        with self._changed:
            ready = self._ready.setdefault((purpose, half_bits), deque())
            share = ready.popleft() if ready else None
            if self._thread is None and self._ahead and not self._closed:
                self._thread = threading.Thread(target=self._keep_ready, name="shares-ahead", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return share or generate_key_share(Role.SERVER, purpose, half_bits)

    def count(self, purpose: Purpose, half_bits: int) -> int:
        """How many are ready."""
        return len(self._ready.get((purpose, half_bits), ()))

    def close(self) -> None:
        """Forget those that are ready, and make no more; one that is being made is forgotten when it is."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()

    def _keep_ready(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)  # Linux: of this thread alone
        while (kind := self._wait_for_lack()) is not None:
            share = generate_key_share(Role.SERVER, *kind)
            with self._changed:
                if not self._closed:
                    self._ready[kind].append(share)

    def _wait_for_lack(self) -> _Kind | None:
        """Which kind lacks most, as soon as one does; None after ``close``."""
        with self._changed:
            while not self._closed:
                kind = min(self._ready, key=lambda each: len(self._ready[each]), default=None)
                if kind is not None and len(self._ready[kind]) < self._ahead:
                    return kind
                self._changed.wait()
            return None
