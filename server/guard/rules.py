"""The rules of the guard, put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog

from contract.announcements.window import Window
from mpc.engines import Random
from server.clock import Clock
from server.guard.answers import Answers
from server.guard.keys import GuardKeys
from server.guard.metrics import look_up
from server.guard.outbox import Outbox
from server.guard.reports import Reports
from server.guard.terms import GuardLog, GuardTerms
from server.guard.upkeep import GuardUpkeep
from server.guard.viewing import AlarmViews
from server.identity import GatewayReader, Logins, require_caller
from server.journal import Caller
from server.metrics import Metrics
from server.storage import Database, Threads
from transparency.keys import VerifierKey


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What the gRPC face stands on."""

    gateways: GatewayReader
    logins: Logins
    terms: GuardTerms
    keys: GuardKeys
    reports: Reports
    answers: Answers
    outbox: Outbox
    views: AlarmViews
    upkeep: GuardUpkeep
    log: GuardLog
    database: Database
    log_certificate: bytes

    async def certificates(self, agent: Caller | None) -> list[bytes]:
        """Of the keys by which the guard signs, DER: the one in use, and earlier ones that have not ended.

        Args:
            agent: that asks; None: a gateway does.

        Raises:
            ServiceError: CALLER_UNKNOWN, CUSTODY_UNAVAILABLE, CUSTODY_FULL, STORAGE_UNAVAILABLE.
        """
        if agent is not None:
            await self.database.read(lambda connection: require_caller(connection, agent))
        return await self.keys.certificates()


def compose_guard_rules(
    database: Database,
    gateways: GatewayReader,
    logins: Logins,
    keys: GuardKeys,
    terms: GuardTerms,
    workers: Threads,
    log_key: VerifierKey,
    log_certificate: bytes,
    random: Random,
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
    metrics: Metrics,
) -> GuardRules:
    """Put the rules together.

    Args:
        database: where everything is.
        gateways: says which gateway calls.
        logins: say whether a login holds.
        keys: the guard's.
        terms: how it is run.
        workers: threads that check signatures.
        log_key: of the transparency log.
        log_certificate: of that, DER.
        random: randomness.
        clock: the time.
        log: the server's own log.
        metrics: of the server.
    """
    guard_log = GuardLog(log, metrics)
    metrics.look_up(partial(look_up, database))
    upkeep = GuardUpkeep(database, terms, clock, guard_log)
    return GuardRules(
        gateways,
        logins,
        terms,
        keys,
        Reports(database, workers, log_key, terms, Window(terms.window), random, clock, guard_log),
        Answers(database, workers, terms, clock, guard_log),
        Outbox(database, keys, upkeep, terms, clock, guard_log),
        AlarmViews(database),
        upkeep,
        guard_log,
        database,
        log_certificate,
    )
