"""Finished contracts of Alice and Bob, made without a server: every word of theirs can be spoilt."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Final

import docx
from cryptography.hazmat.primitives.serialization import Encoding

from contract.documents.draft import DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.text import text_digest
from contract.drafting.consents import ContractConsent
from contract.drafting.evidence import ContractEvidence, SignerEvidence
from contract.drafting.made import field_name
from contract.drafting.making import make_documents
from contract.drafting.marks import make_mark, new_document_key
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement
from contract.watermark.key import WatermarkKey
from tests.contract.drafting.statements import CONTRACT_ID
from tests.contract.pades.signers import JointSigner
from tests.contract.watermark.contracts import ENGLISH
from tests.contract.world import NOW, Issuer
from tests.mpc.parties import RANDOM
from wire.fonts import find_fonts

TEXT: Final = "\n\n".join(ENGLISH)
OTHER_TEXT: Final = "\n\n".join(f"{number}. {line[::-1]}" for number, line in enumerate(ENGLISH))


@dataclass(frozen=True)
class Finished:
    """A contract with its documents, which nobody has signed as PDF."""

    draft: bytes
    evidence: ContractEvidence
    pdf: bytes
    docx: bytes

    @property
    def text(self) -> str:
        """Of the draft."""
        return read_draft(self.draft, DraftFormat.MARKDOWN).text


@cache
def fonts() -> Fonts:
    """That documents are set in."""
    return find_fonts()


def joint(signer: JointSigner, data: bytes) -> JointStatement:
    """A statement with the joint signature of a signer."""
    digest = sha256(data).digest()
    return JointStatement(data, signer.keys.sign(signer.keys.message(STATEMENT_ALGORITHM, digest)))


def make_evidence(authority: Issuer, signers: Sequence[JointSigner], text: str = TEXT) -> ContractEvidence:
    """What these signed and consented to."""
    draft = text.encode()
    keys = [new_document_key(RANDOM) for _ in signers]
    certificates = [each.certificate.public_bytes(Encoding.DER) for each in signers]
    named = tuple(
        ContractSigner(each.name, sha256(held).digest()) for each, held in zip(signers, certificates, strict=True)
    )
    statements = [
        ContractStatement(
            contract_id=CONTRACT_ID,
            title="Lease of a room",
            number=1,
            draft_digest=sha256(draft).digest(),
            text_digest=text_digest(read_draft(draft, DraftFormat.MARKDOWN).text),
            signers=named,
            signer=each.name,
            document_key=key.public_key().public_bytes_raw(),
            time=NOW,
        )
        for each, key in zip(signers, keys, strict=True)
    ]
    made = tuple(
        SignerEvidence(
            joint(each, statement.to_der()),
            make_mark(key, statement),
            joint(each, ContractConsent.to_all(statements, each.name, NOW + timedelta(minutes=1)).to_der()),
            held,
        )
        for each, key, statement, held in zip(signers, keys, statements, certificates, strict=True)
    )
    der = authority.certificate.public_bytes(Encoding.DER)
    return ContractEvidence(17, NOW + timedelta(minutes=2), made, der)


def make_finished(authority: Issuer, evidence: ContractEvidence, text: str = TEXT) -> Finished:
    """The documents with that evidence."""
    key = WatermarkKey.of_authority(authority.certificate)
    made = make_documents(text.encode(), DraftFormat.MARKDOWN, evidence, fonts(), key)
    return Finished(text.encode(), evidence, made.pdf, made.docx)


def spoilt(evidence: ContractEvidence, number: int, **changed: object) -> ContractEvidence:
    """Evidence with another part of one signer."""
    signers = list(evidence.signers)
    signers[number] = replace(signers[number], **changed)  # type: ignore[arg-type]
    return replace(evidence, signers=tuple(signers))


async def signed(pdf: bytes, *signers: JointSigner) -> bytes:
    """The PDF, signed by these one after the other."""
    for minutes, each in enumerate(signers, start=3):
        pdf = (await each.sign(pdf, field=field_name(each.name), minutes=minutes)).file
    return pdf


def edited(file: bytes, edit: Callable[[list[str]], list[str]], paragraph: int) -> bytes:
    """A DOCX whose characters in one paragraph were edited, each with its format; ``edit`` sees them as a list."""
    document = docx.Document(io.BytesIO(file))
    runs = document.paragraphs[paragraph].runs
    for run, text in zip(runs, edit([run.text for run in runs]), strict=True):
        run.text = text
    return _saved(document)


def without_paragraph(file: bytes, paragraph: int) -> bytes:
    """A DOCX from which a paragraph was removed."""
    document = docx.Document(io.BytesIO(file))
    element = document.paragraphs[paragraph]._element
    element.getparent().remove(element)
    return _saved(document)


def _saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()
