"""Evidence as the daemon sends it."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import agent_contract_service_pb2 as pb

from contract.bundle.verification import AnswerReport
from contract.report import Check, Outcome
from signer_agent.daemon.contract_messages import decision_to_proto
from signer_agent.evidence.model import EvidenceSummary, OpenedEvidence
from wire.convert import timestamp_of

_OUTCOMES: Final = {
    Outcome.PASSED: pb.CHECK_OUTCOME_PASSED,
    Outcome.FAILED: pb.CHECK_OUTCOME_FAILED,
    Outcome.INDETERMINATE: pb.CHECK_OUTCOME_INDETERMINATE,
}


def evidence_summary_to_proto(summary: EvidenceSummary) -> pb.AgentEvidenceSummary:
    """A message in a list."""
    return pb.AgentEvidenceSummary(
        statement_sha256=summary.digest,
        author=summary.author,
        log_index=summary.log_index,
        deposit_time=timestamp_of(summary.deposit_time),
        content_kept=summary.content_kept,
        answered_sha256=summary.answered,
    )


def evidence_to_proto(opened: OpenedEvidence) -> pb.AgentEvidence:
    """A message with its answers, opened."""
    message, report = opened.bundle.message, opened.report
    disclosure = message.disclosure
    if disclosure is None:
        raise AssertionError("a bundle's message is disclosed")
    described, statement = disclosure.description, message.statement
    texts = {each.statement.author: text for each, text in zip(opened.bundle.answers, opened.texts[1:], strict=True)}
    return pb.AgentEvidence(
        outcome=_OUTCOMES[report.outcome],
        session_id=statement.session_id,
        author=statement.author,
        create_time=timestamp_of(statement.time),
        content_type=described.content_type,
        name=described.name,
        content_length=described.length,
        content_sha256=described.digest,
        statement_sha256=statement.digest,
        log_index=message.receipt.index,
        deposit_time=timestamp_of(message.entry.time),
        checks=map(_check, report.message.checks),
        answers=[_answer(each, texts.get(each.name) or "") for each in report.answers],
    )


def _answer(report: AnswerReport, text: str) -> pb.AgentEvidenceAnswer:
    if report.decision is None:
        return pb.AgentEvidenceAnswer(name=report.name)
    return pb.AgentEvidenceAnswer(
        name=report.name,
        decision=decision_to_proto(report.decision),
        outcome=_OUTCOMES[report.report.outcome],
        text=text,
        checks=map(_check, report.report.checks),
    )


def _check(check: Check) -> pb.EvidenceCheck:
    return pb.EvidenceCheck(name=check.name, outcome=_OUTCOMES[check.outcome], reason=check.reason)
