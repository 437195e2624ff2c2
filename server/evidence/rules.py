"""The rules of evidence, put together."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from server.clock import Clock
from server.evidence.asking import Asking
from server.evidence.contents import Contents
from server.evidence.deposits import Deposits
from server.evidence.permissions import Permissions
from server.evidence.reading import EvidenceReading
from server.evidence.stamping import Stamping
from server.evidence.terms import EvidenceTerms
from server.evidence.transparency import Transparency
from server.evidence.upkeep import EvidenceUpkeep
from server.identity import Authority, Logins, SignerCertificates
from server.journal.log import LogReader
from server.sessions import MessageCertificatesFinder
from server.storage import Database, Threads
from server.storage.blobs import Blobs


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """What the gRPC faces stand on."""

    logins: Logins
    transparency: Transparency
    contents: Contents
    deposits: Deposits
    reading: EvidenceReading
    permissions: Permissions
    asking: Asking
    upkeep: EvidenceUpkeep
    stamping: Stamping


def compose_evidence_rules(
    database: Database,
    blobs: Blobs,
    log: LogReader,
    authority: Authority,
    logins: Logins,
    certificates: SignerCertificates,
    workers: Threads,
    files: Threads,
    terms: EvidenceTerms,
    clock: Clock,
    logger: structlog.stdlib.BoundLogger,
) -> EvidenceRules:
    """Put the rules together."""
    messages = MessageCertificatesFinder(authority.arc, capacity=terms.opened)
    contents = Contents(database, blobs, files, logins, terms, clock)
    asking = Asking(database, logins, clock)
    return EvidenceRules(
        logins=logins,
        transparency=Transparency(database, log, authority, clock),
        contents=contents,
        deposits=Deposits(database, log, logins, workers, messages, clock),
        reading=EvidenceReading(database, log, logins, authority, messages, clock),
        permissions=Permissions(database, log, logins, certificates, authority.arc, clock),
        asking=asking,
        upkeep=EvidenceUpkeep(database, contents, asking, terms, clock),
        stamping=Stamping(database, log, terms.stamp_authority, terms.stamp_interval, files, clock, logger),
    )
