"""How changes of contracts are run that their parties do not sign: once each, and heavy work off the quick lanes.

What takes long (reading a draft, setting and marking a document, checking a PDF) is done between two transactions: the
intent is admitted in the first, and what came of it kept in the second, which looks at everything again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection

from mpc.errors import FoursealError, MalformedInput
from server.clock import Clock
from server.identity import Login, Logins, check_callers
from server.journal import Act, Flights, Intent, OperationRunner, Request, Result, run_at_once
from server.storage import Database, Threads


class ContractDeed(Protocol):
    """Something that a party does to a contract."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file that came with it, or empty."""

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:
        """See that it may be done now, in the transaction of the intent. What raises has changed nothing.

        It may come again after a crash.
        """

    def act(self, contract_id: str) -> Result:
        """Do it, in a worker; ``Result.apply`` writes what it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractIntent(Intent):
    """The intent to do something to a contract. ``key_id`` is the contract's."""

    login: Login
    deed: ContractDeed


class _Policy:
    """See ``server.journal.Policy``: the login holds, and the deed allows it."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def admit(
        self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]
    ) -> list[FoursealError | None]:
        """One after the other: what the first counts, the second meets."""
        return [self._judge(connection, intent) for intent, _ in zip(intents, repeated, strict=True)]

    def _judge(self, connection: Connection, intent: Intent) -> FoursealError | None:
        assert isinstance(intent, ContractIntent)  # noqa: S101  # this policy's runner gets no others
        try:
            account = self._logins.require(connection, intent.login).account
            intent.deed.admit(connection, intent.key_id, account)
        except FoursealError as error:
            return error
        return None


class ContractDeeds:
    """Runs deeds.

    Args:
        database: where contracts are.
        logins: say whether a login holds.
        flights: operations under way.
        workers: threads that do heavy work.
        clock: the time.
    """

    def __init__(self, database: Database, logins: Logins, flights: Flights, workers: Threads, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.workers = workers
        self._logins = logins
        self._runner = OperationRunner(database, flights, workers, check_callers, _Policy(logins), clock)

    async def run(self, request: Request, login: Login, contract_id: str, deed: ContractDeed) -> bytes:
        """Do a deed in two transactions, once.

        Returns:
            What it released, now or before.

        Raises:
            ServiceError: LOGIN_REQUIRED; those of ``OperationRunner.run``.
            FoursealError: what the deed raises.
        """

        def prepare() -> tuple[Intent, Act]:
            digest = deed.digest or None
            intent = ContractIntent(request=request, key_id=contract_id, digest=digest, login=login, deed=deed)

            def act(recorded_id: str) -> Result:
                try:
                    result = deed.act(recorded_id)
                except MalformedInput as error:  # of what came with it: a repeat comes to the same
                    result = Result(refusal=error)

                def apply(connection: Connection) -> None:
                    self._logins.require(connection, login)
                    if result.apply is not None:
                        result.apply(connection)

                return replace(result, apply=apply)

            return intent, act

        return await self._runner.run(request, prepare)

    async def change(
        self, request: Request, login: Login, contract_id: str, change: Callable[[Connection, str], None]
    ) -> None:
        """Do what is a change of the database alone, in one transaction, once.

        Args:
            request: the call.
            login: whose.
            contract_id: of which contract.
            change: is given the transaction and the account.

        Raises as ``run``.
        """

        def unit(connection: Connection) -> Result:
            change(connection, self._logins.require(connection, login).account)
            return Result()

        await run_at_once(self.database, check_callers, self.clock, Intent(request, contract_id), unit)
