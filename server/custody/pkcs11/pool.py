"""A few worker processes that hold the login to one token, and requests to them.

A worker that dies, or says that its token is gone, fails the request that it had, with CUSTODY_UNAVAILABLE, and another
one is started in its place, again and again until there is a token. Nothing is tried twice here: callers repeat whole
operations, under their request_id.

What a worker does not find is looked for by a new one before it counts as missing: a library that shares a token with
other processes may not see what they made. With SoftHSM2 2.6.1 an object that it came upon while it was being written
stays out of its sight.

The PIN is tried by one worker first, and once: tokens lock. When it is wrong at the start the server does not start;
when it becomes wrong later no worker is started any more.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from server.custody.pkcs11.process import MISSING, PinWrong, Refused, TokenAddress, Worker, WorkerLost
from server.errors import OperatorError
from wire.catalogue import ServiceError

_ANSWER_SECONDS: Final = 30.0
_GENERATION_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 4.0
_RETRY_SECONDS: Final = 1  # said to callers
_PIN_ACTION: Final = "Put the right PIN in place, and make sure that the token has not locked itself."


class WorkerPool:
    """Safe to use from several threads at once.

    Args:
        address: of the token.
        count: how many workers, at least 1.
        patience_seconds: how long the start may wait for the token.
        log: its log.
        start: starts a worker.
        nice: how much the workers give way to what else there is to compute, 0 to 19.

    Raises:
        OperatorError: the PIN is wrong, or there is no such token within that time.
    """

    def __init__(
        self,
        address: TokenAddress,
        count: int,
        patience_seconds: float,
        log: structlog.stdlib.BoundLogger,
        *,
        start: Callable[[TokenAddress], Worker] = Worker,
        nice: int = 0,
    ) -> None:
        self._address = address
        self._count = count
        self._log = log
        self._start = start
        self._nice = nice
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)  # for who wants a worker
        self._lacking = threading.Condition(self._lock)  # for the keeper; neither takes the other's turn
        self._idle: list[Worker] = []
        self._alive = set[Worker]()
        self._closed = False
        self._generating = threading.BoundedSemaphore(max(1, count - 1))  # one worker is left for what is quick
        self._put_in(self._start_first(patience_seconds))
        self._keeper = threading.Thread(target=self._keep, name="token-workers", daemon=True)
        self._keeper.start()

    def ask(self, do: str, *, seconds: float = _ANSWER_SECONDS, **arguments: object) -> Any:  # noqa: ANN401  # JSON
        """Have a worker do something; waits for one that is idle.

        Args:
            do: what.
            seconds: for which it waits for one, and then for the answer.
            arguments: of what is done.

        Raises:
            Refused: the answer.
            ServiceError: CUSTODY_UNAVAILABLE: no worker is alive or becomes idle, or this one died of it. What it did
                is not known.
        """
        request = {"do": do, **arguments}
        worker = self._take(seconds)
        try:
            try:
                answer = worker.ask(request, seconds)
            except Refused as refused:
                if str(refused) != MISSING:
                    raise
                worker = self._renew(worker)
                answer = worker.ask(request, seconds)
        except Refused:
            self._give_back(worker)
            raise
        except BaseException as error:
            self._bury(worker, error)
            if isinstance(error, WorkerLost):
                raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=_RETRY_SECONDS) from error
            raise
        self._give_back(worker)
        return answer

    def generate(self, object_id: str, label: str, purpose: str, bits: int) -> bytes:
        """Have a key made; its modulus. Takes seconds, and leaves a worker to others where there are several.

        Raises:
            Refused: full.
            ServiceError: CUSTODY_UNAVAILABLE.
        """
        wish = {"object_id": object_id, "label": label, "purpose": purpose, "bits": bits}
        with self._generating:
            return bytes.fromhex(self.ask("generate", seconds=_GENERATION_SECONDS, **wish))

    def destroy(self, object_id: str) -> bool:
        """Have what has this id destroyed; False: there was nothing. Either way there is nothing left.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """
        try:
            self.ask("destroy", object_id=object_id)
        except Refused:
            return False
        return True

    def check(self) -> None:
        """See that the token answers. Workers that are all at work do.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """
        with self._lock:
            at_work = self._alive and not self._idle
        if not at_work:
            self.ask("status")

    @property
    def process_ids(self) -> list[int]:
        """Of the workers that are idle."""
        with self._lock:
            return [worker.process.pid for worker in self._idle]

    def close(self) -> None:
        """End the workers. Whoever waits for an answer gets none. A second time changes nothing."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._alive:
                worker.process.kill()
            self._freed.notify_all()
            self._lacking.notify_all()
        self._keeper.join()
        for worker in idle:
            worker.close()

    def _take(self, seconds: float) -> Worker:
        with self._lock:
            self._freed.wait_for(lambda: self._idle or not self._alive or self._closed, seconds)
            if self._closed or not self._idle:
                raise ServiceError("CUSTODY_UNAVAILABLE", retry_seconds=_RETRY_SECONDS)
            return self._idle.pop()

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                self._freed.notify()
                return
        worker.close()

    def _put_in(self, worker: Worker) -> None:
        os.setpriority(os.PRIO_PROCESS, worker.process.pid, self._nice)
        with self._lock:
            self._alive.add(worker)
        self._give_back(worker)

    def _renew(self, worker: Worker) -> Worker:
        """Another one in the place of one that is at work."""
        renewed = self._start(self._address)
        os.setpriority(os.PRIO_PROCESS, renewed.process.pid, self._nice)
        with self._lock:
            self._alive.discard(worker)
            self._alive.add(renewed)
        worker.close()
        return renewed

    def _bury(self, worker: Worker, error: BaseException) -> None:
        worker.close()
        self._log.warning("token_worker_lost", cause=str(error) or type(error).__name__)
        with self._lock:
            self._alive.discard(worker)
            self._freed.notify_all()
            self._lacking.notify_all()

    def _start_first(self, patience_seconds: float) -> Worker:
        until = time.monotonic() + patience_seconds
        told = False
        while True:
            try:
                return self._start(self._address)
            except PinWrong as error:
                raise OperatorError(f"the token does not take the PIN: {error}", _PIN_ACTION) from None
            except WorkerLost as error:
                if time.monotonic() >= until:
                    text = f"no token {self._address.token!r} by {self._address.module}: {error}"
                    raise OperatorError(text, "Check the module, the label, and the device.") from None
                if not told:
                    self._log.warning("waiting_for_token", cause=str(error), seconds=patience_seconds)
                    told = True
            time.sleep(_PAUSE_SECONDS)

    def _keep(self) -> None:
        """Start workers while some are missing, with pauses that grow while it does not succeed."""
        pause = 0.0
        while self._wait_for_lack(pause):
            try:
                self._put_in(self._start(self._address))
                pause = 0.0
            except PinWrong as error:
                self._log.error("token_pin_wrong", cause=str(error), action=_PIN_ACTION)
                return
            except WorkerLost as error:
                pause = min(_LONGEST_PAUSE_SECONDS, 2 * pause or _PAUSE_SECONDS)
                self._log.warning("token_worker_not_started", cause=str(error))

    def _wait_for_lack(self, pause: float) -> bool:
        """False: closed."""
        with self._lock:
            self._lacking.wait_for(lambda: self._closed, timeout=pause)
            self._lacking.wait_for(lambda: self._closed or len(self._alive) < self._count)
            return not self._closed
