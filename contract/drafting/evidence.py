"""The evidence of a contract: what all have signed and consented to, in one file that goes with the document.

Its parts belong together by construction: statements of one version of one contract by all of its signers, each with
its certificate, and consents that name them. Whether signatures, marks and certificates hold is for a verification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.drafting.consents import ContractConsent
from contract.drafting.marks import MARK_BYTES
from contract.drafting.statements import MAX_SIGNERS, ContractSigner, ContractStatement
from contract.joint_statement import MAX_STATEMENT_BYTES, JointStatement
from contract.signer_keys import MAX_SIGNATURE_BYTES

EVIDENCE_NAME: Final = "fourseal-contract.der"
"""Name of the file that is attached to documents."""
MAX_SERIAL: Final = (1 << 40) - 1
"""Highest serial number: what a watermark has room for."""
MAX_CERTIFICATE_BYTES: Final = 16 << 10
"""Longest certificate in it."""
_MOST_OF_SIGNER: Final = 2 * (MAX_STATEMENT_BYTES + MAX_SIGNATURE_BYTES + 64) + MARK_BYTES + MAX_CERTIFICATE_BYTES + 64
MAX_EVIDENCE_BYTES: Final = MAX_SIGNERS * _MOST_OF_SIGNER + MAX_CERTIFICATE_BYTES + 64
"""Longest that is looked at."""

_CONTRACT_EVIDENCE_REASON: Final = "CONTRACT_EVIDENCE_MALFORMED"


@dataclass(frozen=True, slots=True)
class SignerEvidence:
    """What there is of one signer.

    Args:
        signed: its ``ContractStatement`` with the joint signature.
        mark: over that statement, 64 bytes.
        consented: its ``ContractConsent`` with the joint signature.
        certificate: its personal certificate, DER.

    Raises:
        MalformedInput: CONTRACT_EVIDENCE_MALFORMED; what ``ContractStatement`` and ``ContractConsent`` raise.
    """

    signed: JointStatement
    mark: bytes
    consented: JointStatement
    certificate: bytes = field(repr=False)
    statement: ContractStatement = field(init=False, compare=False)
    """That was signed."""
    consent: ContractConsent = field(init=False, compare=False)
    """That was given."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "statement", ContractStatement.from_der(self.signed.statement))
        object.__setattr__(self, "consent", ContractConsent.from_der(self.consented.statement))
        _require(len(self.mark) == MARK_BYTES, f"a mark that has not {MARK_BYTES} bytes")
        _require(1 <= len(self.certificate) <= MAX_CERTIFICATE_BYTES, "a certificate of a wrong length")
        same = sha256(self.certificate).digest() == self.statement.signer_certificate
        _require(same, f"a certificate that {self.account} did not sign with")

    @property
    def account(self) -> str:
        """Who signed."""
        return self.statement.signer


@dataclass(frozen=True, slots=True)
class ContractEvidence:
    """The evidence of one contract.

    Args:
        serial: its serial number, 1 to 2^40 - 1.
        time: of the watermark, by the server's clock; UTC, whole seconds.
        signers: all of them, rising by account.
        authority: certificate of who issued the signers' certificates, DER. It proves nothing: a verifier has its own.

    Raises:
        MalformedInput: CONTRACT_EVIDENCE_MALFORMED.
    """

    serial: int
    time: datetime
    signers: tuple[SignerEvidence, ...]
    authority: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _require(1 <= self.serial <= MAX_SERIAL, "a serial number that is out of range")
        der.require_time(self.time, "the time", reason=_CONTRACT_EVIDENCE_REASON)
        _require(1 <= len(self.authority) <= MAX_CERTIFICATE_BYTES, "a certificate of a wrong length")
        _require(1 <= len(self.signers) <= MAX_SIGNERS, "a wrong number of signers")
        first = self.signers[0].statement
        statements = [each.statement for each in self.signers]
        accounts = tuple(each.account for each in self.signers)
        _require(accounts == tuple(each.account for each in first.signers), "not the statements of all signers")
        seen = _seen_by_all(statements)
        for each in self.signers:
            _require(_words(each.statement) == _words(first), f"{each.account} signed something else")
            consent = each.consent
            _require(consent.signer == each.account, f"a consent that is not {each.account}'s")
            told = (consent.contract_id, consent.number, consent.text_digest)
            _require(told == (first.contract_id, first.number, first.text_digest), f"{each.account}'s of another text")
            named = [(one.account, one.certificate, one.statement) for one in consent.signers]
            _require(named == seen, f"{each.account} consented to other statements")

    @property
    def contract_id(self) -> str:
        """Which contract."""
        return self.signers[0].statement.contract_id

    @property
    def text_digest(self) -> bytes:
        """SHA-256 of the canonical text that all have signed."""
        return self.signers[0].statement.text_digest

    @property
    def marks(self) -> tuple[bytes, ...]:
        """Of all signers, in their order: what the watermark carries."""
        return tuple(each.mark for each in self.signers)

    @property
    def digest(self) -> bytes:
        """SHA-256 of its DER."""
        return sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of ContractEvidence: docs/formats.md."""
        return der.write_structure(
            _ContractEvidence(
                version=der.VERSION,
                serial=self.serial,
                time=der.to_generalized_time(self.time),
                signers=[
                    _SignerEvidence(
                        statement=each.signed.to_der(),
                        mark=each.mark,
                        consent=each.consented.to_der(),
                        certificate=each.certificate,
                    )
                    for each in self.signers
                ],
                authority=self.authority,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructors do."""
        read = der.read_structure(_ContractEvidence, data, MAX_EVIDENCE_BYTES, reason=_CONTRACT_EVIDENCE_REASON)
        der.require_version(read.version, reason=_CONTRACT_EVIDENCE_REASON)
        _require(len(read.signers) <= MAX_SIGNERS, "a wrong number of signers")
        signers = tuple(
            SignerEvidence(
                JointStatement.from_der(each.statement),
                each.mark,
                JointStatement.from_der(each.consent),
                each.certificate,
            )
            for each in read.signers
        )
        evidence = cls(read.serial, der.from_generalized_time(read.time), signers, read.authority)
        der.require_canonical(data, evidence.to_der(), reason=_CONTRACT_EVIDENCE_REASON)
        return evidence


def _words(statement: ContractStatement) -> tuple[str, str, int, bytes, bytes, tuple[ContractSigner, ...]]:
    """What all signers say alike."""
    return (
        statement.contract_id,
        statement.title,
        statement.number,
        statement.draft_digest,
        statement.text_digest,
        statement.signers,
    )


def _seen_by_all(statements: Sequence[ContractStatement]) -> list[tuple[str, bytes, bytes]]:
    return [(each.signer, each.signer_certificate, each.digest) for each in statements]


def _require(holds: object, problem: str) -> None:
    der.require_that(holds, problem, reason=_CONTRACT_EVIDENCE_REASON)


@asn1.sequence
class _SignerEvidence:
    statement: bytes
    mark: bytes
    consent: bytes
    certificate: bytes


@asn1.sequence
class _ContractEvidence:
    version: int
    serial: int
    time: asn1.GeneralizedTime
    signers: list[_SignerEvidence]
    authority: bytes
