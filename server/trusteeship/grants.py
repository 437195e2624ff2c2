"""Grants: asked for by users, decided on by administrators. Each change stands in the log, by its own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest, grant_id
from server.clock import Clock
from server.identity import AccountState, Login, find_account, find_certificate
from server.journal import Request, Result
from server.journal.log import stage
from server.organisations import find_key, find_organisation, list_administrators
from server.statements import ClientSignature, Statements, require_recent
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit, take_fitting
from server.trusteeship.states import GrantState, Votes, next_state
from server.trusteeship.store import grants as store
from server.trusteeship.store.grants import GrantRow, OrderRow
from wire.catalogue import ServiceError

GRANTS_PER_DAY: Final = 100
"""That an account asks for. None is ever deleted, so they count themselves."""
LONGEST_GRANT: Final = timedelta(days=5 * 366)
"""From now to the end of a grant."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A grant with all orders about it."""

    grant: GrantRow
    orders: list[OrderRow]

    @property
    def size(self) -> int:
        """Bytes that it takes in an answer, about."""
        return len(self.grant.request) + sum(len(order.statement) for order in self.orders)


class Grants:
    """Asks for, decides about, and shows grants.

    Args:
        database: where they are.
        statements: has requests and orders signed.
        clock: the time.
        clock_difference: by which an order's time may be off.
    """

    def __init__(
        self, database: Database, statements: Statements, clock: Clock, *, clock_difference: timedelta
    ) -> None:
        self._database = database
        self._statements = statements
        self._clock = clock
        self._clock_difference = clock_difference

    async def ask(self, request: Request, login: Login, statement_der: bytes, signature: ClientSignature) -> Shown:
        """Ask for a grant.

        Raises:
            MalformedInput: what ``GrantRequest`` raises.
            ServiceError: ORGANISATION_NOT_FOUND, GRANT_REQUEST_WRONG, TOO_MANY_GRANTS.
            FoursealError: what ``Statements.run`` raises.
        """

        def read() -> _Asking:
            return _Asking(GrantRequest.from_der(statement_der), self._clock)

        await self._statements.run(request, login, signature, read)
        return await self.get(login, grant_id(GrantRequest.from_der(statement_der).digest))

    async def order(self, request: Request, login: Login, statement_der: bytes, signature: ClientSignature) -> Shown:
        """Decide about a grant.

        Raises:
            MalformedInput: what ``GrantOrder`` raises.
            ServiceError: GRANT_NOT_FOUND, NOT_AN_ADMINISTRATOR, OWN_GRANT, GRANT_ORDER_WRONG, STATEMENT_TIME_OFF.
            FoursealError: what ``Statements.run`` raises.
        """

        def read() -> _Ordering:
            return _Ordering(GrantOrder.from_der(statement_der), self._clock, self._clock_difference)

        await self._statements.run(request, login, signature, read)
        return await self.get(login, grant_id(GrantOrder.from_der(statement_der).grant))

    async def get(self, login: Login, name: str) -> Shown:
        """A grant of the caller's, or of an organisation that it administers.

        Raises:
            ServiceError: GRANT_NOT_FOUND, also for others.
        """
        return await self._database.read(partial(_own, account=login.account, name=name))

    async def list(self, login: Login, organisation: str, page_size: int, page_token: str) -> Page[Shown]:
        """A page of the caller's grants, or of an organisation's for its administrators; oldest first.

        A page has fewer than it may where they are large.

        Raises:
            ServiceError: NOT_AN_ADMINISTRATOR, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)

        def query(connection: Connection) -> tuple[list[Shown], int]:
            if organisation:
                require_administrator(connection, organisation, login.account)
            rows = store.list_grants(connection, after, limit + 1, organisation=organisation, user=login.account)
            shown = (Shown(row, store.list_orders(connection, row.grant_id)) for row in rows)
            return take_fitting(shown, limit, lambda each: each.size)

        found, fits = await self._database.read(query)
        return cut_page(found, fits, lambda each: PageCursor(each.grant.create_time, each.grant.grant_id))


def require_administrator(connection: Connection, organisation: str, account: str) -> None:
    """See that an account administers an organisation. There may be none of that name.

    Raises:
        ServiceError: NOT_AN_ADMINISTRATOR.
    """
    if account not in list_administrators(connection, organisation):
        raise ServiceError("NOT_AN_ADMINISTRATOR", name=account, organisation=organisation)


def _deciders(connection: Connection, organisation: str) -> set[str]:
    """The administrators whose accounts are open: what one said that was closed since may have been a thief's word."""
    found = (find_account(connection, name) for name in list_administrators(connection, organisation))
    return {account.name for account in found if account is not None and account.state is AccountState.ACTIVE}


def _own(connection: Connection, account: str, name: str) -> Shown:
    row = store.find_grant(connection, name)
    if row is None or (row.user != account and account not in list_administrators(connection, row.organisation)):
        raise ServiceError("GRANT_NOT_FOUND")
    return Shown(row, store.list_orders(connection, name))


@dataclass(frozen=True, slots=True)
class _Asking:
    """A request for a grant. See ``statements.Deed``."""

    statement: GrantRequest
    clock: Clock

    def admit(self, connection: Connection, *, again: bool) -> None:  # noqa: ARG002  # nothing was counted
        """It must fit the organisation as it is now."""
        asked, now = self.statement, self.clock()
        organisation = find_organisation(connection, asked.organisation)
        if organisation is None:
            raise ServiceError("ORGANISATION_NOT_FOUND", organisation=asked.organisation)
        key = find_key(connection, asked.key_id)
        issued = find_certificate(connection, asked.key_certificate)
        self._require(key is not None and key.organisation == asked.organisation, "it has no such key")
        assert key is not None  # noqa: S101  # as was just seen
        fits = issued is not None and issued.key_sha256 == key.key_sha256 and issued.holds(now)
        self._require(fits, "the certificate is not the key's, or does not hold any more")
        self._require(key.purpose is asked.purpose, "the key does something else")
        self._require(asked.approvals == organisation.approvals, f"{organisation.approvals} must approve")
        self._require(now < asked.end, "its time is over")
        self._require(asked.end - now <= LONGEST_GRANT, f"it is for more than {LONGEST_GRANT.days} days")
        self._require(store.find_by_digest(connection, asked.digest) is None, "it was asked for before")
        if store.count_since(connection, asked.user, now - _DAY) >= GRANTS_PER_DAY:
            raise ServiceError("TOO_MANY_GRANTS", limit=GRANTS_PER_DAY)

    def act(self, signed: JointStatement) -> Result:
        """Keep it."""
        return Result(apply=partial(self._keep, signed.to_der()))

    def _keep(self, signed: bytes, connection: Connection) -> None:
        self.admit(connection, again=True)
        asked, now = self.statement, self.clock()
        entry = stage(connection, EntryKind.GRANT, signed, now)
        name = grant_id(asked.digest)
        first = GrantRow(
            grant_id=name,
            digest=asked.digest,
            organisation=asked.organisation,
            user=asked.user,
            request=signed,
            state=GrantState.REQUESTED,
            round=1,
            used=0,
            refused=0,
            create_time=now,
            log_index=entry.index,
        )
        store.add_grant(connection, first)

    @staticmethod
    def _require(holds: bool, problem: str) -> None:  # noqa: FBT001  # an assertion, read as a sentence
        if not holds:
            raise ServiceError("GRANT_REQUEST_WRONG", problem=problem)


@dataclass(frozen=True, slots=True)
class _Ordering:
    """An order about a grant. See ``statements.Deed``."""

    statement: GrantOrder
    clock: Clock
    clock_difference: timedelta

    def admit(self, connection: Connection, *, again: bool) -> None:
        """It must be an administrator's, of this round, and possible."""
        if not again:
            require_recent(self.statement.time, self.clock(), self.clock_difference)
        self._judge(connection)

    def act(self, signed: JointStatement) -> Result:
        """Have it take effect."""
        return Result(apply=partial(self._keep, signed.to_der()))

    def _judge(self, connection: Connection) -> tuple[GrantRow, int, GrantState, int]:
        """The grant, the number of the order, and the state and round that it leads to."""
        order = self.statement
        grant = store.find_by_digest(connection, order.grant)
        if grant is None:
            raise ServiceError("GRANT_NOT_FOUND")
        require_administrator(connection, grant.organisation, order.administrator)
        if order.administrator == grant.user:
            raise ServiceError("OWN_GRANT")
        if order.round != grant.round:
            raise ServiceError("GRANT_ORDER_WRONG", problem=f"it is in round {grant.round}")
        orders, needed = store.list_orders(connection, grant.grant_id), grant.words.approvals
        organisation = find_organisation(connection, grant.organisation)
        if order.action is GrantAction.APPROVE and organisation is not None and needed < organisation.approvals:
            problem = f"{organisation.approvals} must approve now, and it was asked for with {needed}"
            raise ServiceError("GRANT_ORDER_WRONG", problem=problem)
        said = [(row.administrator, row.action) for row in orders if row.round == grant.round]
        may = _deciders(connection, grant.organisation) - {grant.user}
        votes = Votes.of([*said, (order.administrator, order.action)], may, needed)
        return grant, len(orders) + 1, *next_state(grant.state, grant.round, order.action, votes)

    def _keep(self, signed: bytes, connection: Connection) -> None:
        order = self.statement
        grant, number, state, round_ = self._judge(connection)
        entry = stage(connection, EntryKind.GRANT, signed, self.clock())
        name = grant.grant_id
        store.add_order(
            connection, OrderRow(name, number, order.round, order.action, order.administrator, signed, entry.index)
        )
        store.put_state(connection, name, state, round_)
