"""What the archive keeps of a finished contract: the body of an entry of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.drafting.evidence import MAX_EVIDENCE_BYTES, ContractEvidence

_CONTRACT_EVIDENCE_REASON: Final = "CONTRACT_EVIDENCE_MALFORMED"


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A finished contract.

    Args:
        evidence: of it.
        pdf_digest: SHA-256 of the PDF with the watermark and without signatures, 32 bytes.
        docx_digest: SHA-256 of the DOCX with the watermark, 32 bytes.

    Raises:
        MalformedInput: CONTRACT_EVIDENCE_MALFORMED.
    """

    evidence: ContractEvidence
    pdf_digest: bytes
    docx_digest: bytes

    def __post_init__(self) -> None:
        der.require_digest(self.pdf_digest, "the PDF", reason=_CONTRACT_EVIDENCE_REASON)
        der.require_digest(self.docx_digest, "the DOCX", reason=_CONTRACT_EVIDENCE_REASON)

    def to_der(self) -> bytes:
        """DER of ContractRecord: docs/formats.md."""
        return der.write_structure(
            _ContractRecord(
                version=der.VERSION,
                evidence=self.evidence.to_der(),
                pdf_digest=self.pdf_digest,
                docx_digest=self.docx_digest,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructors do."""
        read = der.read_structure(_ContractRecord, data, MAX_EVIDENCE_BYTES + 128, reason=_CONTRACT_EVIDENCE_REASON)
        der.require_version(read.version, reason=_CONTRACT_EVIDENCE_REASON)
        record = cls(ContractEvidence.from_der(read.evidence), read.pdf_digest, read.docx_digest)
        der.require_canonical(data, record.to_der(), reason=_CONTRACT_EVIDENCE_REASON)
        return record


@asn1.sequence
class _ContractRecord:
    version: int
    evidence: bytes
    pdf_digest: bytes
    docx_digest: bytes
