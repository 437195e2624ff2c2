"""How transactions stand, for those whose they are: the terminal that proposed one, and the account that signs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from contract.transactions.progress import Cause, Refused, TransactionState, judge
from server.clock import Clock
from server.identity import Login, Logins, require_caller
from server.journal import Caller
from server.journal.log import LogReader
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit, take_fitting
from server.transactions.steps import Taken, advance, find
from server.transactions.store import transactions as store
from server.transactions.store.transactions import StepRow, TransactionRow
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Args:
        caller: the agent.
        login: of an account there; None: a terminal asks.
    """

    caller: Caller
    login: Login | None

    def may_see(self, row: TransactionRow) -> bool:
        """Whether a transaction is its business."""
        signs = self.login is not None and self.login.account == row.signer
        return signs or row.terminal == self.caller.agent_id


@dataclass(frozen=True, slots=True)
class Shown:
    """A transaction with its steps.

    Args:
        row: how it stands.
        steps: in their order.
        entries: those of the steps in the log, DER; empty where they are not shown.
    """

    row: TransactionRow
    steps: list[StepRow]
    entries: Sequence[bytes] = ()


class Views:
    """Shows transactions, and lets those whose they are refuse them.

    Args:
        database: where they are.
        logins: say whether a login holds.
        log: has the entries of their steps.
        clock: the time.
    """

    def __init__(self, database: Database, logins: Logins, log: LogReader, clock: Clock) -> None:
        self._database = database
        self._logins = logins
        self._log = log
        self._clock = clock

    async def show(self, transaction_id: str) -> Shown:
        """How a transaction stands, for whoever has just taken a step of it.

        Raises:
            ServiceError: TRANSACTION_NOT_FOUND.
        """
        return await self._database.read(lambda connection: _shown(connection, find(connection, transaction_id)))

    async def get(self, viewer: Viewer, transaction_id: str) -> Shown:
        """How a transaction stands, with the entries of its steps.

        Raises:
            ServiceError: TRANSACTION_NOT_FOUND: also where it is another's.
        """

        def query(connection: Connection) -> Shown:
            shown = _shown(connection, _find_own(connection, viewer, transaction_id))
            entries = self._log.entries(connection, [step.log_index for step in shown.steps])
            return replace(shown, entries=entries)

        return await self._database.read(query)

    async def list(self, viewer: Viewer, page_size: int, page_token: str) -> Page[Shown]:
        """A page of transactions, newest first: with a login those that the account signs, else the terminal's.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        account = "" if viewer.login is None else viewer.login.account
        terminal = "" if account else viewer.caller.agent_id

        def query(connection: Connection) -> tuple[list[Shown], int]:
            require_caller(connection, viewer.caller)
            rows = store.list_transactions(connection, after, limit + 1, signer=account, terminal=terminal)
            shown = (_shown(connection, row) for row in rows)
            return take_fitting(shown, limit, lambda each: len(each.row.transaction_der) + len(each.row.binding_der))

        found, fits = await self._database.read(query)
        return cut_page(found, fits, lambda each: PageCursor(each.row.create_time, each.row.transaction_id))

    async def refuse(self, viewer: Viewer, transaction_id: str) -> None:
        """Refuse a transaction that was not confirmed; once more changes nothing.

        Raises:
            TransactionRefused: what ``progress.judge`` refuses with.
            ServiceError: TRANSACTION_NOT_FOUND: also where it is another's; LOGIN_REQUIRED.
        """

        def unit(connection: Connection) -> Taken:
            if viewer.login is not None:
                self._logins.require(connection, viewer.login)
            row, now = _find_own(connection, viewer, transaction_id), self._clock()
            if (row.state, row.cause) == (TransactionState.REJECTED, Cause.REFUSED_BY_USER.value):
                return Taken(row)
            verdict = judge(row.progress, Refused(), now)
            return Taken(advance(connection, row, verdict.progress, now), verdict.refusal)

        (await self._database.write(unit)).require()


def _find_own(connection: Connection, viewer: Viewer, transaction_id: str) -> TransactionRow:
    require_caller(connection, viewer.caller)
    row = find(connection, transaction_id)
    if not viewer.may_see(row):
        raise ServiceError("TRANSACTION_NOT_FOUND")
    return row


def _shown(connection: Connection, row: TransactionRow) -> Shown:
    return Shown(row, store.list_steps(connection, row.transaction_id))
