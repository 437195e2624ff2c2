"""The rules of confirmed transactions, put together."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from server.clock import Clock
from server.identity import Logins, require_caller
from server.journal import Caller
from server.journal.log import LogReader
from server.storage import Database, Threads
from server.transactions.bindings import Bindings
from server.transactions.confirmations import Confirmations
from server.transactions.execution import Execution, Executors
from server.transactions.keys import BackEndKeys
from server.transactions.proposals import BackEndTerms, Proposals
from server.transactions.upkeep import TransactionUpkeep
from server.transactions.viewing import Views


@dataclass(frozen=True, slots=True)
class Described:
    """A back end, as terminals and devices see it.

    Args:
        name: as transactions name it.
        certificate: that codes are sealed for, DER.
        variants: of bindings that it takes, sorted.
        kinds: of transactions that it executes, sorted.
    """

    name: str
    certificate: bytes
    variants: list[str]
    kinds: list[str]


@dataclass(frozen=True, slots=True)
class TransactionRules:
    """What the gRPC face stands on."""

    database: Database
    logins: Logins
    terms: BackEndTerms
    executors: Executors
    keys: BackEndKeys
    proposals: Proposals
    bindings: Bindings
    confirmations: Confirmations
    execution: Execution
    views: Views
    upkeep: TransactionUpkeep

    async def describe(self, caller: Caller) -> Described:
        """What the back end is.

        Raises:
            ServiceError: CALLER_UNKNOWN, BACK_END_NOT_READY.
        """

        def query(connection: Connection) -> bytes:
            require_caller(connection, caller)
            return self.keys.newest(connection).certificate

        certificate = await self.database.read(query)
        return Described(self.terms.name, certificate, sorted(self.terms.variants), sorted(self.executors))


def compose_transaction_rules(
    database: Database,
    logins: Logins,
    keys: BackEndKeys,
    terms: BackEndTerms,
    executors: Executors,
    workers: Threads,
    reader: LogReader,
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
) -> TransactionRules:
    """Put the rules together.

    Args:
        database: where everything is.
        logins: say whether a login holds.
        keys: the back end's.
        terms: what it takes.
        executors: by kind of transaction.
        workers: threads that verify and decrypt.
        reader: of the transparency log.
        clock: the time.
        log: the server's own log.
    """
    execution = Execution(database, executors, clock, log)
    return TransactionRules(
        database,
        logins,
        terms,
        executors,
        keys,
        Proposals(database, terms, executors, clock),
        Bindings(database, keys, terms, workers, clock),
        Confirmations(database, keys, execution, workers, clock),
        execution,
        Views(database, logins, reader, clock),
        TransactionUpkeep(database, clock),
    )
