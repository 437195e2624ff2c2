"""Consents: a signer has seen who the others are and what each has signed, and agrees to the watermark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.drafting.statements import REASON, ContractStatement, require_signers, require_version_number
from contract.joint_statement import MAX_STATEMENT_BYTES
from contract.names import check_account_name, check_contract_id

_PROTOCOL: Final = "fourseal/v1/contract consent"


@dataclass(frozen=True, slots=True)
class ConsentedSigner:
    """A signer as another one has seen it.

    Args:
        account: its name.
        certificate: SHA-256 of its personal certificate for signing, 32 bytes.
        statement: SHA-256 of the DER of its ``ContractStatement``, 32 bytes.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, CONTRACT_STATEMENT_MALFORMED.
    """

    account: str
    certificate: bytes
    statement: bytes

    def __post_init__(self) -> None:
        check_account_name(self.account)
        der.require_digest(self.certificate, "a signer's certificate", reason=REASON)
        der.require_digest(self.statement, "a signer's statement", reason=REASON)


@dataclass(frozen=True, slots=True)
class ContractConsent:
    """What one signer consents to: that marks of all are embedded in this text, as a watermark.

    Args:
        contract_id: which contract.
        number: of the version, 1 to 1,000,000.
        text_digest: SHA-256 of its canonical text, 32 bytes.
        signers: all of them, this one too: 2 to 10, rising by account.
        signer: account that consents.
        time: when, by its clock; UTC, whole seconds.

    Raises:
        MalformedInput: CONTRACT_STATEMENT_MALFORMED, CONTRACT_ID_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    contract_id: str
    number: int
    text_digest: bytes
    signers: tuple[ConsentedSigner, ...]
    signer: str
    time: datetime

    def __post_init__(self) -> None:
        check_contract_id(self.contract_id)
        require_version_number(self.number)
        der.require_digest(self.text_digest, "the text", reason=REASON)
        require_signers(tuple(each.account for each in self.signers))
        named = any(each.account == self.signer for each in self.signers)
        der.require_that(named, "its signer is none of the signers", reason=REASON)
        der.require_time(self.time, "the time", reason=REASON)

    @classmethod
    def to_all(cls, statements: Sequence[ContractStatement], signer: str, time: datetime) -> Self:
        """A signer's consent to what all have signed.

        Args:
            statements: of all signers; of one contract, version and text.
            signer: account that consents.
            time: when; UTC, whole seconds.

        Raises as the constructor does.
        """
        first = statements[0]
        signers = sorted(statements, key=lambda each: each.signer)
        seen = tuple(ConsentedSigner(each.signer, each.signer_certificate, each.digest) for each in signers)
        return cls(first.contract_id, first.number, first.text_digest, seen, signer, time)

    @property
    def signer_certificate(self) -> bytes:
        """SHA-256 of the signer's certificate."""
        return next(each.certificate for each in self.signers if each.account == self.signer)

    def to_der(self) -> bytes:
        """DER of ContractConsent: docs/formats.md."""
        return der.write_structure(
            _ContractConsent(
                version=der.VERSION,
                protocol=_PROTOCOL,
                contract_id=self.contract_id,
                number=self.number,
                text_digest=self.text_digest,
                signers=[
                    _ConsentedSigner(account=each.account, certificate=each.certificate, statement=each.statement)
                    for each in self.signers
                ],
                signer=self.signer,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_ContractConsent, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no contract consent", reason=REASON)
        consent = cls(
            contract_id=read.contract_id,
            number=read.number,
            text_digest=read.text_digest,
            signers=tuple(ConsentedSigner(each.account, each.certificate, each.statement) for each in read.signers),
            signer=read.signer,
            time=der.from_generalized_time(read.time),
        )
        der.require_canonical(data, consent.to_der(), reason=REASON)
        return consent


@asn1.sequence
class _ConsentedSigner:
    account: str
    certificate: bytes
    statement: bytes


@asn1.sequence
class _ContractConsent:
    version: int
    protocol: str
    contract_id: str
    number: int
    text_digest: bytes
    signers: list[_ConsentedSigner]
    signer: str
    time: asn1.GeneralizedTime
