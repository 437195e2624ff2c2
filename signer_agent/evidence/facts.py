"""What a bundle says, as names and values that a person reads. Claims, until the checks passed.

Texts are as they came: whoever shows them takes care of control characters.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509

from contract.bundle.parts import Bundle, DisclosedMessage
from contract.certificate_parts import fingerprint
from contract.report import Outcome, Report
from contract.time_stamp import time_of_stamp
from mpc.errors import MalformedInput
from signer_agent.evidence.verification import Finding
from transparency.checkpoint import Checkpoint
from transparency.keys import MAX_NAME

Rows = list[tuple[str, str]]

_NOT_GIVEN: Final = "not given; what needs it is indeterminate"


def time_text(time: datetime) -> str:
    """To the second."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def session_rows(bundle: Bundle) -> Rows:
    """The session that it all belongs to, as the message's session certificate says."""
    info = bundle.message.session_sign.info
    return [
        ("Session", info.session_id),
        ("Subject", info.subject),
        ("Place", info.place or "-"),
        ("From", time_text(info.begin)),
        ("Until", time_text(info.end)),
        ("Made by", info.creator),
        ("Members", ", ".join(each.name for each in info.members)),
        ("Scheme", info.scheme.value),
    ]


def message_rows(message: DisclosedMessage) -> Rows:
    """A message or an answer."""
    statement = message.statement
    rows = [
        ("Author", f"{statement.author} ({message.author.display_name})"),
        ("Signed", f"{time_text(statement.time)}, number {statement.sequence}"),
        ("To", ", ".join(each.name for each in statement.recipients)),
    ]
    if statement.answer is not None:
        rows.append(("Answer", statement.answer.decision.value))
    if message.disclosure is None:
        rows.append(("Content", "not disclosed"))
    else:
        described = message.disclosure.description
        rows += [
            ("Content", described.name or "-"),
            ("Type", described.content_type),
            ("Size", f"{described.length} bytes"),
            ("SHA-256", described.digest.hex()),
        ]
    return [*rows, ("Statement", statement.digest.hex())]


def log_rows(message: DisclosedMessage, report: Report) -> Rows:
    """Where it stands in the log; the time of a stamp only if that holds."""
    try:
        checkpoint = Checkpoint.from_text(message.receipt.checkpoint.text)
        shown = f"{checkpoint.origin[:MAX_NAME]}, size {checkpoint.size}, root {checkpoint.root.hex()}"
    except MalformedInput:
        shown = "unreadable"
    rows = [
        ("Log entry", f"{message.receipt.index}, of {time_text(message.entry.time)}"),
        ("Leaf hash", message.entry.leaf_hash.hex()),
        ("Checkpoint", shown),
    ]
    stamped = stamp_time(message, report)
    if stamped is not None:
        rows.append(("Time stamp", time_text(stamped)))
    return rows


def certificate_rows(message: DisclosedMessage) -> Rows:
    """The certificates that a message needs."""
    return [
        *_certificate(f"{message.author.name}, sign", message.author.certificate),
        *_certificate("Session, sign", message.session_sign.certificate),
        *_certificate("Session, encrypt", message.session_encrypt.certificate),
    ]


def trust_rows(finding: Finding) -> Rows:
    """Whom the verifier believed, and whose bundle it says it is."""
    trust = finding.trust
    rows = [("Authority", _NOT_GIVEN)] if trust.authority is None else _certificate("Authority", trust.authority)
    rows.append(("Log key", _NOT_GIVEN if trust.log_key is None else trust.log_key.to_text()))
    for each in trust.time_stamps:
        rows += _certificate("Time stamps", each)
    if not trust.time_stamps:
        rows.append(("Time stamps", _NOT_GIVEN))
    return [*rows, *_certificate("Of the bundle", finding.bundle.authority)]


def _certificate(what: str, certificate: x509.Certificate) -> Rows:
    valid = f"{time_text(certificate.not_valid_before_utc)} to {time_text(certificate.not_valid_after_utc)}"
    return [
        (what, certificate.subject.rfc4514_string()),
        ("", f"serial number {certificate.serial_number:x}"),
        ("", f"valid {valid}"),
        ("", f"SHA-256 {fingerprint(certificate).hex()}"),
    ]


def stamp_time(message: DisclosedMessage, report: Report) -> datetime | None:
    """When the checkpoint was stamped, by an authority that the verifier trusts; else None."""
    passed = {each.name for each in report.checks if each.outcome is Outcome.PASSED}
    if message.time_stamp is None or "time-stamp" not in passed:
        return None
    return time_of_stamp(message.time_stamp)
