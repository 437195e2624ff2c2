"""The rules of trusteeship, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from server.clock import Clock
from server.custody import Custody
from server.identity import Logins, RevocationLists
from server.journal.log import LogReader
from server.statements import Statements
from server.storage import Database
from server.trusteeship.beginning import Means
from server.trusteeship.export import Exports
from server.trusteeship.grants import Grants
from server.trusteeship.operating import KeyOperator
from server.trusteeship.overview import Overview, read_overview
from server.trusteeship.records import Records
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
    statements: Statements,
    custody: Custody,
    log: LogReader,
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
        statements: has requests, orders and records signed.
        custody: has the organisations' keys.
        log: has the records.
        clock: the time.
        lists: of revoked certificates.
        log_certificate: of the log's key, DER.
        logger: the server's own log.
        clock_difference: by which a statement's time may be off.
        opened_keys: how many keys of organisations stay open, at least 1.
    """
    means = Means(KeyOperator(database, custody.keys, capacity=opened_keys), custody.sealer, clock, clock_difference)
    grants = Grants(database, statements, clock, clock_difference=clock_difference)
    uses = Uses(database, logins, statements, log, means)
    exports = Exports(database, logins, log, lists, log_certificate, clock)
    upkeep = TrusteeshipUpkeep(database, clock, logger)
    return TrusteeshipRules(database, logins, grants, uses, Records(database, log), exports, upkeep)
