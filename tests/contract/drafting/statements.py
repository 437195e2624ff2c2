"""One valid value of every structure of contracts, by Alice and Bob. Their marks hold; joint signatures do not."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Final

from contract.drafting.consents import ContractConsent
from contract.drafting.evidence import ContractEvidence, SignerEvidence
from contract.drafting.marks import make_mark, new_document_key
from contract.drafting.records import ContractRecord
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.joint_statement import JointStatement
from tests.contract.world import NOW

CONTRACT_ID: Final = "contract-" + "abcdefghijklmnopqrstuvwxy2"
ACCOUNTS: Final = ("alice", "bob")
CERTIFICATES: Final = (b"the certificate of Alice", b"the certificate of Bob")
DOCUMENT_KEYS: Final = (new_document_key(lambda length: b"a" * length), new_document_key(lambda length: b"b" * length))
SIGNERS: Final = tuple(
    ContractSigner(account, sha256(certificate).digest())
    for account, certificate in zip(ACCOUNTS, CERTIFICATES, strict=True)
)
CONTRACT_STATEMENTS: Final = tuple(
    ContractStatement(
        contract_id=CONTRACT_ID,
        title="Lease of a room",
        number=3,
        draft_digest=bytes([1]) * 32,
        text_digest=bytes([2]) * 32,
        signers=SIGNERS,
        signer=account,
        document_key=key.public_key().public_bytes_raw(),
        time=NOW,
    )
    for account, key in zip(ACCOUNTS, DOCUMENT_KEYS, strict=True)
)
MARKS: Final = tuple(map(make_mark, DOCUMENT_KEYS, CONTRACT_STATEMENTS))
CONSENTS: Final = tuple(
    ContractConsent.to_all(CONTRACT_STATEMENTS, account, NOW + timedelta(minutes=1)) for account in ACCOUNTS
)
SIGNER_EVIDENCE: Final = tuple(
    SignerEvidence(
        JointStatement(statement.to_der(), b"\x55" * 512), mark, JointStatement(consent.to_der(), b"\x66" * 512), held
    )
    for statement, mark, consent, held in zip(CONTRACT_STATEMENTS, MARKS, CONSENTS, CERTIFICATES, strict=True)
)
EVIDENCE: Final = ContractEvidence(17, NOW + timedelta(minutes=2), SIGNER_EVIDENCE, b"the authority's certificate")
CONTRACT_RECORD: Final = ContractRecord(EVIDENCE, bytes([3]) * 32, bytes([4]) * 32)
