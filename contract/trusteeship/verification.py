"""Whether a records export holds: every check, answered with passed, failed or indeterminate. Offline, in one pass.

Names are stable. Of the export:

 1. ``authority``: the verifier knows one; every certificate below is of that one.
 2. ``revocation-list``: the authority's, and not older than the last record.
 3. ``checkpoint``: signed by the log's key: the one that the verifier knows, else the one that the authority certified.
 4. ``complete``: there are as many records as its head says.

Of each record, as far as the one before did not make it impossible:

 5. ``record``: a use's entry of the log; of the organisation, key, user and time that the head says.
 6. ``number``: the next one. Among all records of the key; in an export of one user's it rises.
 7. ``user-number``: the next one among those of its user.
 8. ``time``: not before the time of the record before.
 9. ``log``: the log has the entry: inclusion proof, up to the checkpoint.
10. ``log-time``: it was not logged before it was made, and not later than its user's signature was waited for: else a
    record that users do not sign could take the place of one that was taken away.
11. ``certificate``: the user's personal certificate, of the authority, valid at the time.
12. ``not-revoked``: it had not been revoked before it was logged; where users do not sign, before it was made.
13. ``signature``: by its key, of the request; and of the record, where users sign.
14. ``grant``: signed by the user; approved by as many administrators as it says, and not suspended or revoked then.
15. ``allowed``: the grant's words allow this use, in kind, digest, time, purpose and key.
16. ``key-certificate``: of the organisation's key, of the authority, and it held then.
17. ``uses``: not more than the grant allows, as far as the export shows them.

14 to 17 are not made of uses that were refused. The clocks of those who order and use, and the time from a request to
its record, make up to ten minutes.

What an export cannot show: that records after its last one are missing; that an order which suspends or revokes was
withheld; that a record without its user's signature stands in the place of one with it, under an entry with a false
time. All of it stands in the log, and users and administrators have receipts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contract.bundle.checks import TRUST_MISSING, BundleTrust
from contract.certificate_parts import load_certificate
from contract.chain import arc_of, require_authority
from contract.log_certificate import read_log_certificate
from contract.log_entry import EntryKind, LogEntry
from contract.oids import LOG_NUMBER
from contract.report import PREREQUISITE_FAILED, Failed, Outcome, Report, Undecided, make_check
from contract.revocation import RevocationList
from contract.trusteeship.export import ExportedCertificate, ExportedGrant, ExportedRecord, ExportHead, Part
from contract.trusteeship.proven import ProvenCertificates, ProvenGrants
from contract.trusteeship.record_checks import RecordChecks
from contract.trusteeship.record_order import Finding, RecordOrder
from contract.trusteeship.uses import RecordedUse, UseOutcome
from mpc.errors import MalformedInput
from transparency.checkpoint import Checkpoint, verify_checkpoint
from transparency.keys import VerifierKey
from transparency.note import Note

CHECKS: Final = (
    *("authority", "revocation-list", "checkpoint", "complete"),
    *("record", "number", "user-number", "time", "log", "log-time", "certificate", "not-revoked", "signature"),
    *("grant", "allowed", "key-certificate", "uses"),
)
"""Names of all checks: the first has number 1."""
MAX_FINDINGS: Final = 1000
"""Most findings that a report names one by one."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The report on an export.

    Args:
        head: what it says of itself.
        checkpoint: that its records are proven against; None: it cannot be read.
        export: checks of the export.
        records: how many were read.
        first: number of the first one; 0 if there is none.
        last: number of the last one.
        missing: how many are missing before or between them.
        outcomes: how many uses came to what.
        findings: the first of the checks of records that failed, in the order of the file.
        failed: how many of them failed.
    """

    head: ExportHead
    checkpoint: Checkpoint | None
    export: Report
    records: int
    first: int
    last: int
    missing: int
    outcomes: Mapping[UseOutcome, int]
    findings: tuple[Finding, ...]
    failed: int

    @property
    def outcome(self) -> Outcome:
        """Failed if a check failed; else indeterminate if one is; else passed."""
        return Outcome.FAILED if self.failed else self.export.outcome


def verify_export(head: ExportHead, parts: Iterable[Part], trust: BundleTrust) -> ExportReport:
    """Make every check of the module's list. Memory does not grow with the number of records.

    Args:
        head: of the export.
        parts: what follows it.
        trust: whom the verifier believes.

    Raises:
        MalformedInput: EXPORT_MALFORMED, TRUST_STATEMENT_MALFORMED: the file cannot be read on.
    """
    verifier = _Verifier(head, trust)
    for part in parts:
        verifier.take(part)
    return verifier.report()


class _Verifier:
    def __init__(self, head: ExportHead, trust: BundleTrust) -> None:
        self._head = head
        self._trust = trust
        self._revocations: RevocationList | None = None
        self._checkpoint: Checkpoint | None = None
        self._export = [
            make_check(name, check)
            for name, check in (
                ("authority", self._check_authority),
                ("revocation-list", self._check_revocations),
                ("checkpoint", self._check_checkpoint),
            )
        ]
        self._certificates = ProvenCertificates(trust.authority, self._revocations)
        self._grants = ProvenGrants(self._certificates)
        self._order = RecordOrder(head)
        self._records = self._failed = 0
        self._findings: list[Finding] = []
        self._outcomes: Counter[UseOutcome] = Counter()
        self._logged: datetime | None = None

    def take(self, part: Part) -> None:
        """See the next part."""
        if isinstance(part, ExportedCertificate):
            self._certificates.add(part.data)
        elif isinstance(part, ExportedGrant):
            self._grants.add(part)
        elif isinstance(part, ExportedRecord):
            self._records += 1
            for finding in self._check_record(part):
                self._failed += 1
                if len(self._findings) < MAX_FINDINGS:
                    self._findings.append(finding)

    def report(self) -> ExportReport:
        """After the last part."""
        newer = make_check("revocation-list", self._check_list_is_new)
        export = [
            newer if each.name == newer.name and each.outcome is Outcome.PASSED else each for each in self._export
        ]
        return ExportReport(
            head=self._head,
            checkpoint=self._checkpoint,
            export=Report((*export, make_check("complete", self._check_complete))),
            records=self._records,
            first=self._order.first,
            last=self._order.last,
            missing=self._order.missing,
            outcomes=dict(self._outcomes),
            findings=tuple(self._findings),
            failed=self._failed,
        )

    def _check_record(self, exported: ExportedRecord) -> Iterator[Finding]:
        try:
            entry = LogEntry.from_der(exported.entry)
            recorded = RecordedUse.from_der(entry.body)
        except MalformedInput as error:
            number = self._order.take_unreadable()
            yield Finding(number, number, "record", error.reason)
            return
        record = recorded.record
        yield from self._order.take(record)
        self._outcomes[record.outcome] += 1
        self._logged = entry.time if self._logged is None else max(self._logged, entry.time)
        of_record = RecordChecks(exported, entry, recorded, self._checkpoint, self._certificates, self._grants)
        checks = {"record": lambda: self._check_belongs(entry, recorded), **of_record.by_name()}
        for name, check in checks.items():
            made = make_check(name, check)
            if made.outcome is Outcome.FAILED:
                yield Finding(record.number, record.number, name, made.reason)

    def _check_belongs(self, entry: LogEntry, recorded: RecordedUse) -> None:
        head, record = self._head, recorded.record
        if entry.kind is not EntryKind.USE:
            raise Failed("ENTRY_OF_OTHER_KIND")
        if (record.organisation, record.key_id, record.user) != (
            head.organisation,
            head.key_id,
            head.user or record.user,
        ):
            raise Failed("RECORD_OF_OTHER_KEY")
        if not head.begin <= record.time < head.end:
            raise Failed("RECORD_OF_OTHER_TIME")

    def _check_authority(self) -> None:
        if self._trust.authority is None:
            raise Undecided(TRUST_MISSING)
        require_authority(self._trust.authority)

    def _check_revocations(self) -> None:
        if self._trust.authority is None:
            raise Undecided(TRUST_MISSING)
        self._revocations = RevocationList.read(self._head.revocation_list, self._trust.authority)

    def _check_list_is_new(self) -> None:
        if self._revocations is not None and self._logged is not None and self._revocations.issue_time < self._logged:
            raise Undecided("REVOCATION_LIST_OUTDATED")

    def _check_checkpoint(self) -> None:
        note = Note.from_bytes(self._head.checkpoint)
        self._checkpoint = Checkpoint.from_text(note.text)
        verify_checkpoint(note, self._log_key())

    def _log_key(self) -> VerifierKey:
        if self._trust.log_key is not None:
            return self._trust.log_key
        if self._trust.authority is None:
            raise Undecided(TRUST_MISSING)
        if self._revocations is None:  # its time is that of the export, as the authority says it
            raise Undecided(PREREQUISITE_FAILED)
        data = self._head.log_certificate
        arc = arc_of(load_certificate(data), LOG_NUMBER)
        return read_log_certificate(data, self._trust.authority, arc, self._revocations.issue_time)

    def _check_complete(self) -> None:
        if self._records != self._head.records:
            raise Failed("RECORDS_CUT")
