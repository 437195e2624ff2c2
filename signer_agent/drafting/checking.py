"""What this agent checks itself of a document that the server made, before it signs it.

Nothing is taken from the server's word: the text is that of the draft that was signed, watermark and evidence are of
this contract and hold, and earlier signatures of the PDF are of its other signers. How the pages look is for ``pages``.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.drafting.evidence import ContractEvidence
from contract.drafting.verification import ContractReport, Original, verify_contract
from contract.report import Outcome, Report
from mpc.errors import MalformedInput
from signer_agent.drafting.agreement import refused
from signer_agent.drafting.model import Contract

_UNSIGNED: Final = "PDF_SIGNATURE_MISSING"


def check_document(
    document: bytes, contract: Contract, draft: bytes, form: DraftFormat, authority: x509.Certificate
) -> ContractReport:
    """See that a document is the contract that was signed.

    (1) every check of ``contract.drafting.verification`` passes; signatures of the PDF may be missing;
    (2) the evidence is of this contract, and of the version that its parties agreed on: that draft, byte by byte;
    (3) it has the statements and consents of this contract's parties, as they were seen before;
    (4) serial number and time are those that the server names.

    Args:
        document: PDF or DOCX, from the server.
        contract: as the server shows it; signatures in it were checked.
        draft: file of the agreed version.
        form: what it is.
        authority: that this agent knows.

    Raises:
        PeerMisbehaved: CONTRACT_DOCUMENT_WRONG, or what the file is refused for; the culprit is the server.
    """
    try:
        original = Original(read_draft(draft, form).text)
        report = verify_contract(document, authority, original)
    except MalformedInput as error:
        raise refused("document", "the file", f"{error.reason}: {error}") from error
    _require_passed("the document", report.document)  # (1)
    for signer in report.signers:
        _require_passed(signer.account, signer.report)
    if report.evidence is None:
        raise refused("evidence", "the document", "it has none")
    _require_of_contract(report.evidence, contract, draft)  # (2, 3, 4)
    return report


def _require_passed(who: str, made: Report) -> None:
    for each in made.checks:
        if each.outcome is not Outcome.PASSED and each.reason != _UNSIGNED:
            raise refused(each.name, who, each.reason)


def _require_of_contract(evidence: ContractEvidence, contract: Contract, draft: bytes) -> None:
    first = evidence.signers[0].statement
    if evidence.contract_id != contract.contract_id or first.title != contract.summary.title:
        raise refused("evidence", "the document", "it is of another contract")
    if (first.number, first.draft_digest) != (contract.agreed_version, hashlib.sha256(draft).digest()):
        raise refused("evidence", "the document", "it is of another version")
    for signer, party in zip(evidence.signers, contract.parties, strict=False):
        own = (signer.account, signer.statement, signer.mark, signer.consent)
        if own != (party.account, party.statement, party.mark, party.consent):
            raise refused("evidence", party.account, "it is not what was signed before")
    if len(evidence.signers) != len(contract.parties):
        raise refused("evidence", "the document", "a party is missing")
    if (evidence.serial, evidence.time) != (contract.summary.serial, contract.finish_time):
        raise refused("evidence", "the document", "it has another serial number or time than the server says")
