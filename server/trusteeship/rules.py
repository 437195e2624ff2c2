"""The rules of trusteeship, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from mpc.engines import Random
from server.clock import Clock
from server.custody import Custody, ShareEngine
from server.identity import Logins, RevocationLists, check_callers
from server.journal import Flights, OperationRunner
from server.journal.log import LogReader
from server.signing import OpenedKeys
from server.storage import Database, Threads
from server.trusteeship.beginning import Means
from server.trusteeship.export import Exports
from server.trusteeship.grants import Grants
from server.trusteeship.operating import KeyOperator
from server.trusteeship.overview import Overview, read_overview
from server.trusteeship.records import Records
from server.trusteeship.statements import StatementPolicy, Statements
from server.trusteeship.upkeep import TrusteeshipUpkeep
from server.trusteeship.uses import Uses


@dataclass(frozen=True, slots=True)
class TrusteeshipRules:
    """What the gRPC face stands on."""

    database: Database
    logins: Logins
    grants: Grants
    uses: Uses
    records: Records
    exports: Exports
    upkeep: TrusteeshipUpkeep

    async def overview(self, organisation: str) -> Overview:
        """See ``read_overview``."""
        return await read_overview(self.database, organisation)


def compose_trusteeship_rules(
    database: Database,
    logins: Logins,
    opened: OpenedKeys,
    custody: Custody,
    log: LogReader,
    flights: Flights,
    workers: Threads,
    engine: ShareEngine,
    random: Random,
    clock: Clock,
    lists: RevocationLists,
    log_certificate: bytes,
    logger: structlog.stdlib.BoundLogger,
    *,
    clock_difference: timedelta,
    opened_keys: int,
) -> TrusteeshipRules:
    """Put the rules together.

    Args:
        database: where everything is.
        logins: say whether a login holds.
        opened: joint public keys.
        custody: has the server's shares of them, and the organisations' keys.
        log: has the records.
        flights: operations under way.
        workers: threads that sign.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
        lists: of revoked certificates.
        log_certificate: of the log's key, DER.
        logger: the server's own log.
        clock_difference: by which a statement's time may be off.
        opened_keys: how many keys of organisations stay open, at least 1.
    """
    policy = StatementPolicy(logins, clock)
    runner = OperationRunner(database, flights, workers, check_callers, policy, clock)
    statements = Statements(opened, custody.shares, runner, policy, engine, random, clock)
    means = Means(KeyOperator(database, custody.keys, capacity=opened_keys), custody.sealer, clock, clock_difference)
    grants = Grants(database, statements, clock, clock_difference=clock_difference)
    uses = Uses(database, logins, statements, log, means)
    exports = Exports(database, logins, log, lists, log_certificate, clock)
    upkeep = TrusteeshipUpkeep(database, clock, logger)
    return TrusteeshipRules(database, logins, grants, uses, Records(database, log), exports, upkeep)
