"""Statements: a signer signs a version of a contract, with a key for this contract alone.

A statement is jointly signed by the key of the signer's personal certificate (``joint_statement``), and names an
Ed25519 key: so the certificate vouches for the mark that this key makes over the same statement.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.joint_statement import MAX_STATEMENT_BYTES
from contract.names import check_account_name, check_contract_id, check_title

MIN_SIGNERS: Final = 2
"""Fewest signers of a contract."""
MAX_SIGNERS: Final = 10
"""Most signers of a contract: as many as a watermark has room for."""
MAX_VERSION: Final = 1_000_000
"""Highest number of a version."""
REASON: Final = "CONTRACT_STATEMENT_MALFORMED"
"""Of every statement that is refused."""

_PROTOCOL: Final = "fourseal/v1/contract statement"
_DOCUMENT_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ContractSigner:
    """Who signs, and with which certificate.

    Args:
        account: its name.
        certificate: SHA-256 of its personal certificate for signing, 32 bytes.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, CONTRACT_STATEMENT_MALFORMED.
    """

    account: str
    certificate: bytes

    def __post_init__(self) -> None:
        check_account_name(self.account)
        der.require_digest(self.certificate, "a signer's certificate", reason=REASON)


@dataclass(frozen=True, slots=True)
class ContractStatement:
    """What one signer signs.

    Args:
        contract_id: which contract.
        title: its title.
        number: of the version, 1 to 1,000,000.
        draft_digest: SHA-256 of the version's file, 32 bytes.
        text_digest: SHA-256 of its canonical text, 32 bytes: H in the source.
        signers: all of them, this one too: 2 to 10, rising by account.
        signer: account that signs this statement.
        document_key: public key that its mark is made with, Ed25519, 32 bytes (RFC 8032).
        time: when, by the signer's clock; UTC, whole seconds.

    Raises:
        MalformedInput: CONTRACT_STATEMENT_MALFORMED, CONTRACT_ID_MALFORMED, TITLE_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    contract_id: str
    title: str
    number: int
    draft_digest: bytes
    text_digest: bytes
    signers: tuple[ContractSigner, ...]
    signer: str
    document_key: bytes
    time: datetime

    def __post_init__(self) -> None:
        check_contract_id(self.contract_id)
        check_title(self.title)
        require_version_number(self.number)
        der.require_digest(self.draft_digest, "the draft", reason=REASON)
        der.require_digest(self.text_digest, "the text", reason=REASON)
        require_signers(tuple(each.account for each in self.signers))
        named = any(each.account == self.signer for each in self.signers)
        der.require_that(named, "its signer is none of the signers", reason=REASON)
        fits = len(self.document_key) == _DOCUMENT_KEY_BYTES
        der.require_that(fits, f"the document's key has not {_DOCUMENT_KEY_BYTES} bytes", reason=REASON)
        der.require_time(self.time, "the time", reason=REASON)

    @property
    def signer_certificate(self) -> bytes:
        """SHA-256 of the signer's certificate."""
        return next(each.certificate for each in self.signers if each.account == self.signer)

    @property
    def digest(self) -> bytes:
        """SHA-256 of its DER: what consents name."""
        return hashlib.sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of ContractStatement: docs/formats.md."""
        return der.write_structure(
            _ContractStatement(
                version=der.VERSION,
                protocol=_PROTOCOL,
                contract_id=self.contract_id,
                title=self.title,
                number=self.number,
                draft_digest=self.draft_digest,
                text_digest=self.text_digest,
                signers=[_ContractSigner(account=each.account, certificate=each.certificate) for each in self.signers],
                signer=self.signer,
                document_key=self.document_key,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_ContractStatement, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no contract statement", reason=REASON)
        statement = cls(
            contract_id=read.contract_id,
            title=read.title,
            number=read.number,
            draft_digest=read.draft_digest,
            text_digest=read.text_digest,
            signers=tuple(ContractSigner(each.account, each.certificate) for each in read.signers),
            signer=read.signer,
            document_key=read.document_key,
            time=der.from_generalized_time(read.time),
        )
        der.require_canonical(data, statement.to_der(), reason=REASON)
        return statement


def require_version_number(number: int) -> None:
    """Raise CONTRACT_STATEMENT_MALFORMED unless it is 1 to 1,000,000."""
    der.require_that(1 <= number <= MAX_VERSION, "no such version", reason=REASON)


def require_signers(accounts: tuple[str, ...]) -> None:
    """Raise CONTRACT_STATEMENT_MALFORMED unless there are 2 to 10 accounts that rise."""
    fits = MIN_SIGNERS <= len(accounts) <= MAX_SIGNERS
    der.require_that(fits, f"not {MIN_SIGNERS} to {MAX_SIGNERS} signers", reason=REASON)
    rising = all(first < second for first, second in pairwise(accounts))
    der.require_that(rising, "signers that do not rise", reason=REASON)


@asn1.sequence
class _ContractSigner:
    account: str
    certificate: bytes


@asn1.sequence
class _ContractStatement:
    version: int
    protocol: str
    contract_id: str
    title: str
    number: int
    draft_digest: bytes
    text_digest: bytes
    signers: list[_ContractSigner]
    signer: str
    document_key: bytes
    time: asn1.GeneralizedTime
