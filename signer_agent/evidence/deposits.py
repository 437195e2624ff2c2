"""Depositing: a record goes to the evidence server, and what comes back proves that it stands in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from contract.evidence_record import EvidenceRecord
from contract.log_entry import EntryKind, LogEntry
from signer_agent.contracts.signer import Signer
from transparency.receipt import Receipt
from wire.client.blame import blaming_server, server_lied


@dataclass(frozen=True, slots=True)
class Deposit:
    """What the depositor keeps. It proves by itself, with the log's key, that the record was deposited.

    Args:
        entry_der: LogEntry, DER; its body is the record.
        receipt: for that entry (c2sp.org/tlog-proof).
    """

    entry_der: bytes
    receipt: bytes

    @property
    def log_index(self) -> int:
        """Index of the entry in the log."""
        return Receipt.from_bytes(self.receipt).index

    @property
    def time(self) -> datetime:
        """When it was deposited, by the server's clock."""
        return LogEntry.from_der(self.entry_der).time


Depositor = Callable[[EvidenceRecord], Awaitable[Deposit]]
"""Deposits a record; see ``deposit``."""


async def deposit(signer: Signer, record: EvidenceRecord) -> Deposit:
    """Deposit a record of ours, whose content is there. A repeat gets the same entry.

    Raises:
        PeerMisbehaved: EVIDENCE_OF_OTHER_MESSAGE: what was logged is not this record; what ``LogWatch.hold`` raises;
            the culprit is the server.
        RemoteError: what the server refuses.
    """
    record_der = record.to_der()
    answer = await signer.deposits.deposit(record_der)
    with blaming_server():
        entry, receipt = LogEntry.from_der(answer.entry_der), Receipt.from_bytes(answer.receipt)
    if (entry.kind, entry.body) != (EntryKind.EVIDENCE, record_der):
        raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "it logged another record than was deposited")
    await signer.log.hold(receipt, answer.entry_der)
    return Deposit(answer.entry_der, answer.receipt)
