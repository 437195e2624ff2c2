"""The one thread that writes, and how it groups commits.

1. It waits until no other process of ours writes, and takes all that is queued by then.
2. One transaction begins, holding the write lock.
3. Each unit of work runs in a savepoint of its own: one that raises is rolled back alone. Work of many items of one
   kind runs once for all of them (``GroupWork``). Then, if a unit staged anything, what is to be done before the commit
   (``server.storage.staging``).
4. One commit, which returns after fsync.
5. Only then does anybody hear of a result.

When the database fails in 2 to 4, everybody in the group hears STORAGE_UNAVAILABLE. Whether a commit that failed was
kept is then not known; who repeats a call with its request_id finds out.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from mpc.errors import FoursealError
from server.storage.backend import Backend, cause_of, is_unavailable
from server.storage.staging import BeforeCommit, close_staging, open_staging, staged_in
from server.storage.turns import TurnQueue
from wire.catalogue import ServiceError

I_contra = TypeVar("I_contra", contravariant=True)
O_co = TypeVar("O_co", covariant=True)

Outcome = Any
"""What a unit returned, or the exception that it raised."""

_MAX_GROUP = 1024  # items; who comes next waits for all of them
_SIZE_OF_UNIT = 8  # a unit has statements and a savepoint of its own
_LINGER_SECONDS = 0.010
_LINGER_STEP_SECONDS = 0.002


class GroupWork(Protocol[I_contra, O_co]):
    """Work that is done for many items at once, with few statements.

    Returns one result an item, in order: its value, or the error that this item alone is refused with. When the whole
    call raises, each item is tried again alone. So it must change nothing but the database.
    """

    def __call__(self, connection: Connection, items: Sequence[I_contra], /) -> Sequence[O_co | FoursealError]:
        """Do it."""


class Kind(Enum):
    """How a job is done."""

    UNIT = "unit"
    GROUPED = "grouped"
    ERASURE = "erasure"


@dataclass(slots=True, eq=False)
class Job:
    """A unit of work, and who is told of its outcome; in the writer's thread, so it must be quick and not raise."""

    kind: Kind
    work: Callable[..., Any]
    items: Sequence[Any]
    """Of grouped work."""
    then: Callable[[Any], None]
    outcome: Any = field(default=None, repr=False)
    """Of grouped work one an item."""

    def fail(self, error: Exception) -> None:
        """Make an exception the outcome."""
        self.outcome = [error] * len(self.items) if self.kind is Kind.GROUPED else error


class GroupCommitWriter:
    """Writes in a thread of its own until ``close``."""

    def __init__(self, backend: Backend, log: structlog.stdlib.BoundLogger) -> None:
        self._backend = backend
        self._log = log
        self._engine: Engine = backend.open_writer()
        self._lock = backend.open_lock()
        self._connection: Connection | None = None
        self._jobs: TurnQueue[Job] = TurnQueue()
        self._closed = False
        self._entry = threading.Lock()  # nothing is queued behind the end
        self._erasure_owed = False
        self.more_is_coming: Callable[[], bool] = lambda: False
        """Whether it is worth waiting some milliseconds for more jobs: a commit costs the same for one and for many."""
        self.before_commit: BeforeCommit = _refuse_staged
        """Does what units staged."""
        self._thread = threading.Thread(target=self._run, name="storage-writer", daemon=True)
        self._thread.start()

    def post(self, job: Job, caller: str) -> None:
        """Queue a job; it is told its outcome after the commit. Callers take turns.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE, after ``close``.
        """
        with self._entry:
            if self._closed:
                raise ServiceError("STORAGE_UNAVAILABLE")
            self._jobs.put(job, caller)

    def close(self) -> None:
        """Write all that is queued, and end the thread."""
        with self._entry:
            self._closed = True
            self._jobs.end(1)
        self._thread.join()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            first = self._jobs.get()
            self._linger()
            with self._lock.held():
                group, open_for_more = self._group_of(first)
                if group:
                    self._write(group)
            for job in group:  # step 5
                job.then(job.outcome)
        self._disconnect()
        self._engine.dispose()
        self._lock.close()

    def _group_of(self, job: Job | None) -> tuple[list[Job], bool]:
        """A job and all that are queued behind it; and whether there may come more."""
        group: list[Job] = []
        size = 0
        while job is not None:
            group.append(job)
            size += len(job.items) or _SIZE_OF_UNIT
            if size >= _MAX_GROUP or not self._jobs:
                break
            job = self._jobs.get()
        return group, job is not None

    def _linger(self) -> None:
        end = time.monotonic() + _LINGER_SECONDS
        while self.more_is_coming() and time.monotonic() < end:
            time.sleep(_LINGER_STEP_SECONDS)

    def _write(self, group: list[Job]) -> None:
        """Steps 2 to 4: gives every job its outcome."""
        units = [job for job in group if job.kind is not Kind.ERASURE]
        erasures = [job for job in group if job.kind is Kind.ERASURE]
        if units:
            self._guard(units, lambda connection: _run_in_transaction(connection, units, self.before_commit))
        if erasures or self._erasure_owed:  # after the commit of what they are to erase
            self._guard(erasures, self._erase_traces)

    def _guard(self, jobs: list[Job], step: Callable[[Connection], None]) -> None:
        """Run a step; if it fails as a whole, every job fails. The thread itself never ends by an error."""
        try:
            self._backend.check_present()
            step(self._connect())
        except Exception as error:  # noqa: BLE001  # carried to those who wait; the thread goes on
            self._disconnect()
            unavailable = is_unavailable(error)
            event = "storage_unavailable" if unavailable else "storage_error"
            self._log.error(event, kind=type(error).__name__, cause=cause_of(error), units=len(jobs))
            for job in jobs:
                job.fail(ServiceError("STORAGE_UNAVAILABLE") if unavailable else error)

    def _erase_traces(self, connection: Connection) -> None:
        """Try to; if it cannot be done now, every later group tries again (housekeeping brings one each minute)."""
        owed_before, self._erasure_owed = self._erasure_owed, True
        self._erasure_owed = not self._backend.erase_traces(connection)
        if self._erasure_owed != owed_before:
            self._log.warning("erasure_deferred" if self._erasure_owed else "erasure_made_up_for")

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _run_in_transaction(connection: Connection, jobs: list[Job], before_commit: BeforeCommit) -> None:
    """Steps 2 to 4. Savepoints cost as much as the work: a group of ``GroupWork`` alone is first tried without."""
    kinds: dict[Callable[..., Any], list[Job]] = {}
    for job in jobs:
        if job.kind is Kind.GROUPED:
            kinds.setdefault(job.work, []).append(job)
    units = [job for job in jobs if job.kind is Kind.UNIT]
    broken = None if units else _run_without_savepoints(connection, kinds, before_commit)
    if not units and broken is None:
        return
    with _transaction(connection, before_commit):
        for job in units:
            job.outcome = _attempt(connection, job.work)
        for work, same in kinds.items():
            _run_grouped(connection, work, same, one_by_one=work is broken)


@contextlib.contextmanager
def _transaction(connection: Connection, before_commit: BeforeCommit) -> Iterator[None]:
    with connection.begin():
        staged = open_staging(connection)
        try:
            yield
            if staged:
                before_commit(connection, staged)
        finally:
            close_staging(connection)


def _refuse_staged(_connection: Connection, staged: list[Any]) -> None:
    raise RuntimeError(f"nobody does the {len(staged)} things that were staged")


def _run_without_savepoints(
    connection: Connection, kinds: dict[Callable[..., Any], list[Job]], before_commit: BeforeCommit
) -> Callable[..., Any] | None:
    """Do and commit all. If some work raises, nothing is kept; returns which."""
    work = None
    try:
        with _transaction(connection, before_commit):
            for work, same in kinds.items():
                _share_out(same, work(connection, _items_of(same)))
            work = None  # what is done before the commit, and the commit itself, is no work's
    except Exception as error:
        if work is None or is_unavailable(error):
            raise
    return work


def _run_grouped(connection: Connection, work: Callable[..., Any], jobs: list[Job], *, one_by_one: bool) -> None:
    outcomes = None
    if not one_by_one:
        outcomes = _attempt(connection, partial(_call, work, _items_of(jobs)))
    if outcomes is None or isinstance(outcomes, Exception):
        outcomes = [_attempt(connection, partial(_call_one, work, item)) for item in _items_of(jobs)]
    _share_out(jobs, outcomes)


def _items_of(jobs: list[Job]) -> list[object]:
    return [item for job in jobs for item in job.items]


def _share_out(jobs: list[Job], outcomes: Sequence[Outcome]) -> None:
    start = 0
    for job in jobs:
        end = start + len(job.items)
        job.outcome = outcomes[start:end]
        start = end
    if start != len(outcomes):
        raise ValueError("grouped work must have one outcome an item")


def _call(work: Callable[..., Outcome], items: list[object], connection: Connection) -> Outcome:
    return work(connection, items)


def _call_one(work: Callable[..., Outcome], item: object, connection: Connection) -> Outcome:
    return work(connection, [item])[0]


def _attempt(connection: Connection, unit: Callable[[Connection], Any]) -> Outcome:
    """Run a unit in a savepoint. Whatever it raises is its outcome, except that the database fails."""
    staged = staged_in(connection)
    before = len(staged)
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        outcome = unit(connection)
    except Exception as error:  # carried to the unit's caller as it is, not handled
        if is_unavailable(error):
            raise
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT unit")
        del staged[before:]
        outcome = error
    connection.exec_driver_sql("RELEASE SAVEPOINT unit")
    return outcome
