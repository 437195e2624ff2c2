"""The rules of trusteeship, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mpc.engines import Random
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import Logins, check_callers
from server.journal import Flights, OperationRunner
from server.signing import OpenedKeys
from server.storage import Database, Threads
from server.trusteeship.grants import Grants
from server.trusteeship.overview import Overview, read_overview
from server.trusteeship.statements import StatementPolicy, Statements


@dataclass(frozen=True, slots=True)
class TrusteeshipRules:
    """What the gRPC face stands on."""

    database: Database
    logins: Logins
    grants: Grants

    async def overview(self, organisation: str) -> Overview:
        """See ``read_overview``."""
        return await read_overview(self.database, organisation)


def compose_trusteeship_rules(
    database: Database,
    logins: Logins,
    opened: OpenedKeys,
    shares: ShareCustody,
    flights: Flights,
    workers: Threads,
    engine: ShareEngine,
    random: Random,
    clock: Clock,
    *,
    clock_difference: timedelta,
) -> TrusteeshipRules:
    """Put the rules together.

    Args:
        database: where everything is.
        logins: say whether a login holds.
        opened: joint public keys.
        shares: the server's shares of them.
        flights: operations under way.
        workers: threads that sign.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
        clock_difference: by which a statement's time may be off.
    """
    policy = StatementPolicy(logins, clock)
    runner = OperationRunner(database, flights, workers, check_callers, policy, clock)
    statements = Statements(opened, shares, runner, policy, engine, random)
    grants = Grants(database, statements, clock, clock_difference=clock_difference)
    return TrusteeshipRules(database, logins, grants)
