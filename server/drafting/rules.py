"""The rules of drafting, put together."""

from __future__ import annotations

from dataclasses import dataclass

from mpc.engines import Random
from server.clock import Clock
from server.drafting.deeds import ContractDeeds
from server.drafting.documents import ContractDocuments
from server.drafting.drafts import Drafts
from server.drafting.finishing import Finishing
from server.drafting.reading import ContractReading
from server.drafting.revisions import Revisions
from server.drafting.signing import ContractSigning
from server.drafting.terms import DraftingTerms
from server.identity import Logins
from server.journal import Flights
from server.journal.log import LogReader
from server.statements import Statements
from server.storage import Database, Threads

__all__ = ["DraftingRules", "DraftingTerms", "compose_drafting_rules"]


@dataclass(frozen=True, slots=True)
class DraftingRules:
    """What the gRPC face stands on."""

    logins: Logins
    reading: ContractReading
    drafts: Drafts
    signing: ContractSigning
    finishing: Finishing
    revisions: Revisions


def compose_drafting_rules(
    database: Database,
    logins: Logins,
    statements: Statements,
    documents: ContractDocuments,
    log: LogReader,
    flights: Flights,
    workers: Threads,
    terms: DraftingTerms,
    random: Random,
    clock: Clock,
) -> DraftingRules:
    """Put the rules together.

    Args:
        database: where everything is.
        logins: say whether a login holds.
        statements: has statements and consents signed.
        documents: reads drafts, makes and checks documents.
        log: has the records.
        flights: operations under way.
        workers: threads for heavy work.
        terms: limits.
        random: for the names of contracts.
        clock: the time.
    """
    deeds = ContractDeeds(database, logins, flights, workers, clock)
    return DraftingRules(
        logins,
        ContractReading(database, log),
        Drafts(deeds, documents, terms, random),
        ContractSigning(statements, clock, clock_difference=terms.clock_difference),
        Finishing(deeds, documents),
        Revisions(deeds, documents),
    )
