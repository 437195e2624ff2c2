"""Whether a bundle holds: every check made, numbered, and answered with passed, failed or indeterminate. Offline.

Numbers and names are stable. A check that could not be made because another one failed is indeterminate, with the
reason PREREQUISITE_FAILED. "Its time" is the statement's.

 1. ``authority``: the bundle's authority is the one that the verifier knows.
 2. ``signature``: author and session signed the statement, by the session's scheme (``signatures.verify_signature``).
 3. ``author-certificate``: the authority issued it, for signing, and it was valid at the statement's time.
 4. ``author-not-revoked``: it had not been revoked when the statement was signed. See below.
 5. ``session-certificate``: as 3, for the session's certificate for signing.
 6. ``time``: the statement's time lies in the session's window: begin <= time < end.
 7. ``members``: author and recipients were members of that revision, with the certificates that the statement names.
 8. ``description``: the description is the one that the statement commits to.
 9. ``content``: length and SHA-256 of the content are those of the description.
10. ``sealed-content``: sealed with the content key, the content is what was deposited.
11. ``trailer``: opened with the content key, the deposited trailer is statement, description and signature.
12. ``record``: the entry of the log has the record of this statement and signature, whose header is of the same session
    and people (``evidence_record.require_agreement``).
13. ``envelope-certificate``: as 3, for the session's certificate for encryption.
14. ``log``: the log has the entry: inclusion proof, and signature of the checkpoint by the log's key that is known.
15. ``log-time``: it was not logged before it was signed.
16. ``time-stamp``: a trusted authority for time stamps stamped that checkpoint, and not before it was logged. Made if
    the bundle has a time stamp, or if the verifier knows such an authority.
17. ``answered``: what is answered is the bundle's message. Of answers alone; 1 is of the message alone.

8 to 11 are not made of an answer whose content is not disclosed.

4 in detail. A certificate that was revoked later proves what it signed before; but a stolen key can sign whatever time
it likes. So it counts when the signature was shown to exist: by the time stamp, if it passed; else by the log's entry,
which is the evidence server's word. Revoked after the time shown: passed, also if the statement states a later time:
an author whose clock is fast cannot take back what it signed. Revoked up to the time shown: failed if that was up to
the statement's time, else indeterminate, REVOKED_BEFORE_PROVEN. A list made before the time shown cannot tell:
REVOCATION_LIST_OUTDATED. An entry that the log does not prove (14) shows nothing earlier than the statement's time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from contract.bundle import files
from contract.bundle.checks import BundleTrust, ContentChecks, MessageChecks
from contract.bundle.content import NewDigest, Progress, measure_content
from contract.bundle.files import BundleFile, file_name
from contract.bundle.parts import DisclosedMessage, Disclosure, read_revocations
from contract.bundle.reading import ReadBundle
from contract.report import Outcome, Report, make_check
from contract.statement import Decision

CHECKS: Final = (
    *("authority", "signature", "author-certificate", "author-not-revoked", "session-certificate", "time", "members"),
    *("description", "content", "sealed-content", "trailer", "record", "envelope-certificate"),
    *("log", "log-time", "time-stamp", "answered"),
)
"""Names of all checks: the first has number 1."""


def number_of(check: str) -> int:
    """The number of a check, from 1. Raises ValueError if there is none of that name."""
    return CHECKS.index(check) + 1


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """What there is of one recipient.

    Args:
        name: account.
        decision: of its answer; None: the bundle has no answer of it. That says nothing against the message.
        report: on the answer; without checks if there is none.
    """

    name: str
    decision: Decision | None
    report: Report


@dataclass(frozen=True, slots=True)
class BundleReport:
    """The report on a bundle.

    Args:
        message: on its message.
        answers: one for each recipient, sorted by name.
    """

    message: Report
    answers: tuple[AnswerReport, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed if a check failed, of the message or of an answer; else indeterminate if one is; else passed."""
        return Report((*self.message.checks, *(check for each in self.answers for check in each.report.checks))).outcome


def verify_bundle(
    read: ReadBundle,
    trust: BundleTrust,
    progress: Progress = lambda _: None,
    new_digest: NewDigest = sha256,
) -> BundleReport:
    """Make every check of the module's list. What does not hold stands in the report.

    Args:
        read: the bundle.
        trust: whom the verifier believes.
        progress: is told of the contents' bytes as they are read, each once.
        new_digest: see ``content.NewDigest``.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: a content's file is not as long as it says.
    """
    bundle = read.bundle
    revocations = cache(lambda: read_revocations(bundle))
    reports: list[Report] = []
    for number, message in enumerate(bundle.messages):
        checks = MessageChecks(bundle, message, trust, revocations).by_name()
        if message.disclosure is not None:
            file = read.contents[file_name(number, files.CONTENT)]
            checks |= _content_checks(message, message.disclosure, file, progress, new_digest)
        if message.time_stamp is None and not trust.time_stamps:
            del checks["time-stamp"]
        del checks["authority" if number else "answered"]
        reports.append(Report(tuple(make_check(name, checks[name]) for name in CHECKS if name in checks)))
    answers = {each.statement.author: (each, report) for each, report in zip(bundle.answers, reports[1:], strict=True)}
    return BundleReport(
        reports[0],
        tuple(_answer_report(each.name, answers.get(each.name)) for each in bundle.message.statement.recipients),
    )


def content_holds(message: DisclosedMessage, file: BundleFile) -> bool:
    """Whether the content is disclosed, and the checks 8 to 11 pass.

    Raises:
        FoursealError: as ``verify_bundle``, and what reading the file raises.
    """
    if message.disclosure is None:
        return False
    checks = _content_checks(message, message.disclosure, file, lambda _: None, sha256)
    return all(make_check(name, check).outcome is Outcome.PASSED for name, check in checks.items())


def _content_checks(
    message: DisclosedMessage, disclosure: Disclosure, file: BundleFile, progress: Progress, new_digest: NewDigest
) -> dict[str, Callable[[], object]]:
    key = disclosure.content_key.stream_key(message.record.header.core)
    measured = measure_content(file, key, progress, new_digest)
    return ContentChecks(message, disclosure, measured).by_name()


def _answer_report(name: str, found: tuple[DisclosedMessage, Report] | None) -> AnswerReport:
    if found is None:
        return AnswerReport(name, None, Report(()))
    answer = found[0].statement.answer
    return AnswerReport(name, None if answer is None else answer.decision, found[1])
