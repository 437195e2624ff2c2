"""What the rules of drafting take and give, as messages."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import drafting_service_pb2 as pb
from fourseal.v1.statement_pb2 import StatementSignature

from server.drafting.drafts import DraftFile
from server.drafting.reading import ArchiveView, ContractView, Document, Listed
from server.drafting.states import ContractState, TurnCause
from server.drafting.store.archive import Revision
from server.drafting.store.contracts import Party, Turn, Version
from server.statements import ClientSignature
from wire.catalogue import ServiceError
from wire.convert import timestamp_of

_STATES: Final = {
    ContractState.DRAFTING: pb.CONTRACT_STATE_DRAFTING,
    ContractState.LOCKED: pb.CONTRACT_STATE_LOCKED,
    ContractState.SIGNED: pb.CONTRACT_STATE_SIGNED,
    ContractState.CONSENTED: pb.CONTRACT_STATE_CONSENTED,
    ContractState.FINISHED: pb.CONTRACT_STATE_FINISHED,
    ContractState.COMPLETE: pb.CONTRACT_STATE_COMPLETE,
    ContractState.ENDED: pb.CONTRACT_STATE_ENDED,
}
_FORMATS: Final = {
    pb.DRAFT_FORMAT_DOCX: "docx",
    pb.DRAFT_FORMAT_MARKDOWN: "md",
    pb.DRAFT_FORMAT_PLAIN: "txt",
}
_FORMAT_NUMBERS: Final = {name: number for number, name in _FORMATS.items()}
_CAUSES: Final = {
    TurnCause.REOPENED: pb.RETURN_CAUSE_REOPENED,
    TurnCause.TEXT_DIFFERS: pb.RETURN_CAUSE_TEXT_DIFFERS,
    TurnCause.REFUSED: pb.RETURN_CAUSE_UNSPECIFIED,
}


def signature_from_proto(signature: StatementSignature) -> ClientSignature:
    """The client's part of a signature."""
    return ClientSignature(signature.key_id, signature.salt, signature.client_partial)


def draft_from_proto(draft: pb.Draft) -> DraftFile:
    """A file that is added.

    Raises:
        ServiceError: FIELD_INVALID, DRAFT_TOO_LARGE.
    """
    if draft.format not in _FORMATS:
        raise ServiceError("FIELD_INVALID", field="draft.format", problem="this format does not exist")
    return DraftFile(_FORMATS[draft.format], draft.content)


def summary_to_proto(listed: Listed) -> pb.ContractSummary:
    """A contract in a list."""
    contract = listed.contract
    return pb.ContractSummary(
        contract_id=contract.contract_id,
        title=contract.title,
        state=_STATES[contract.state],
        creator=contract.creator,
        pen_holder=contract.pen_holder,
        accounts=listed.accounts,
        last_version=contract.last_version,
        serial=listed.serial,
        create_time=timestamp_of(contract.create_time),
        update_time=timestamp_of(contract.update_time),
    )


def contract_to_proto(view: ContractView) -> pb.Contract:
    """A contract."""
    own, archived = view.own, view.archived
    signed = {each.account for each in view.revisions}
    return pb.Contract(
        summary=summary_to_proto(Listed(own.contract, own.accounts, 0 if archived is None else archived.serial)),
        parties=[_party_to_proto(each, view, pdf_signed=each.account in signed) for each in own.parties],
        versions=map(version_to_proto, view.versions),
        last_return=None if view.last_return is None else _turn_to_proto(view.last_return),
        end=None if view.end is None else _turn_to_proto(view.end),
        finish_time=None if archived is None else timestamp_of(archived.time),
        revisions=map(revision_to_proto, view.revisions),
        docx_sha256=view.docx_sha256,
    )


def version_to_proto(version: Version) -> pb.DraftVersion:
    """A version without its file."""
    return pb.DraftVersion(
        number=version.number,
        based_on=version.based_on,
        author=version.author,
        create_time=timestamp_of(version.create_time),
        format=_FORMAT_NUMBERS[version.format],
        size=version.size,
        sha256=version.sha256,
        text_digest=version.text_digest,
    )


def revision_to_proto(revision: Revision) -> pb.PdfRevision:
    """A revision of the PDF."""
    return pb.PdfRevision(
        number=revision.number,
        account=revision.account,
        size=revision.size,
        sha256=revision.sha256,
        create_time=timestamp_of(revision.create_time),
    )


def document_to_proto(document: Document) -> pb.GetDocumentResponse:
    """A document."""
    return pb.GetDocumentResponse(
        content=document.content,
        revision=document.revision,
        entry_der=document.entry_der,
        receipt=document.receipt,
    )


def archive_to_proto(view: ArchiveView) -> pb.VerifyArchivedResponse:
    """What the archive says."""
    record = view.record
    return pb.VerifyArchivedResponse(
        contract_id=view.archived.contract_id,
        serial=view.archived.serial,
        finish_time=timestamp_of(view.archived.time),
        text_digest=record.evidence.text_digest,
        evidence_sha256=record.evidence.digest,
        revisions=map(revision_to_proto, view.revisions),
        docx_sha256=record.docx_digest,
        entry_der=view.entry_der,
        receipt=view.receipt,
    )


def _party_to_proto(party: Party, view: ContractView, *, pdf_signed: bool) -> pb.ContractParty:
    issued = view.certificates.get(party.account)
    revoked = None if issued is None else issued.revoke_time
    return pb.ContractParty(
        account=party.account,
        confirmed_version=party.confirmed_version,
        certificate_der=b"" if issued is None else issued.certificate,
        revoke_time=None if revoked is None else timestamp_of(revoked),
        statement_der=party.statement or b"",
        mark=party.mark or b"",
        consent_der=party.consent or b"",
        pdf_signed=pdf_signed,
    )


def _turn_to_proto(turn: Turn) -> pb.ContractTurn:
    return pb.ContractTurn(
        account=turn.account, cause=_CAUSES[turn.cause], reason=turn.reason, time=timestamp_of(turn.time)
    )
