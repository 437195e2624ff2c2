"""The database as everything above sees it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from server.storage.backend import Backend, cause_of, is_unavailable
from server.storage.reading import GroupReader
from server.storage.revision import check_revision
from server.storage.sqlite import DatabaseGone
from server.storage.staging import BeforeCommit
from server.storage.threads import Handover, Threads
from server.storage.turns import current_caller
from server.storage.writer import GroupCommitWriter, GroupWork, Job, Kind
from wire.catalogue import ServiceError

_READERS = 2

I = TypeVar("I")  # noqa: E741 -- item
O = TypeVar("O")  # noqa: E741 -- outcome
T = TypeVar("T")


class Database:
    """An open database whose schema is this program's.

    Args:
        backend: which database.
        log: where failures are told.

    Raises:
        OperatorError: no database there, or its schema is older or newer than this program's.
    """

    def __init__(self, backend: Backend, log: structlog.stdlib.BoundLogger) -> None:
        check_revision(backend)
        self._backend = backend
        self._log = log
        self._reader_engine = backend.open_readers(_READERS)
        self._readers = Threads(_READERS, "storage-reader")
        self._group_reader = GroupReader(self._readers, self.read_now)
        self._handover = Handover()
        self._writer = GroupCommitWriter(backend, log)

    def group_while(self, more_is_coming: Callable[[], bool]) -> None:
        """Let the writer wait up to 10 ms for more work before a commit, as long as ``more_is_coming`` says so.

        It must be true only while whoever brings the work has enough to do meanwhile: then the wait costs no
        throughput, and saves commits.
        """
        self._writer.more_is_coming = more_is_coming

    def before_commit(self, work: BeforeCommit) -> None:
        """Have ``work`` do what units stage (``staged_in``): in their transaction, behind the last of them.

        It is called only when something was staged. Without it, nothing can be committed that stages anything.
        """
        self._writer.before_commit = work

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit of work in a transaction and return its result after the commit, which means: after fsync.

        The unit runs in the writer's thread, in a savepoint of its own beside others' units: it must be short, and
        change nothing but the database. What it raises comes to the caller, and nothing of it is kept.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE: the database is full, locked, read-only, damaged or gone. Whether the
                unit was kept is then unknown.
        """
        return await self._job(Kind.UNIT, unit)

    def write_now(self, unit: Callable[[Connection], T]) -> T:
        """As ``write``, for a caller without an event loop."""
        return self._job_now(Kind.UNIT, unit)

    def post_grouped(
        self,
        work: GroupWork[I, O],
        items: Sequence[I],
        then: Callable[[Sequence[O | Exception]], None],
        caller: str | None = None,
    ) -> None:
        """As ``write``, from any thread, for work of which many items are done at once: see ``GroupWork``.

        Args:
            work: the same object for all items that shall be done together.
            items: some of them.
            then: is told one outcome an item after the commit, in the writer's thread: quick, and never raises.
            caller: whose turn it takes, as in ``Threads.post``.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE, after ``close``.
        """
        self._post(Job(Kind.GROUPED, work, items, then), caller)

    def erase_traces(self) -> None:
        """Take what earlier units deleted out of the database's logs too, as far as it keeps any. Waits for it."""
        self._job_now(Kind.ERASURE, self._backend.erase_traces)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on one snapshot of the database, in a reader's thread.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        return await self._readers.run(self.read_now, query)

    async def read_grouped(self, work: GroupWork[I, O], item: I) -> O:
        """As ``read``, for a query of which many items are asked for at once: see ``GroupWork``.

        Args:
            work: the same object for all items that shall be done together.
            item: one of them.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
            FoursealError: what this item is refused with.
        """
        return await self._group_reader.read(work, item)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """As ``read``, in the caller's thread."""
        try:
            self._backend.check_present()
            with self._reader_engine.connect() as connection:
                return query(connection)
        except (DBAPIError, DatabaseGone) as error:
            if not is_unavailable(error):
                raise
            self._log.error("storage_unavailable", cause=cause_of(error))
            raise ServiceError("STORAGE_UNAVAILABLE") from error

    async def _job(self, kind: Kind, work: Callable[[Connection], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._post(Job(kind, work, (), partial(self._handover.hand_over, future)))
        return await future

    def _job_now(self, kind: Kind, work: Callable[[Connection], T]) -> T:
        future: concurrent.futures.Future[T | Exception] = concurrent.futures.Future()
        self._post(Job(kind, work, (), future.set_result))
        outcome = future.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _post(self, job: Job, caller: str | None = None) -> None:
        self._writer.post(job, current_caller.get() if caller is None else caller)

    def close(self) -> None:
        """Write all that is queued and close every connection."""
        self._writer.close()
        self._readers.close()
        self._reader_engine.dispose()
