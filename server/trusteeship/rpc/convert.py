"""What the rules of trusteeship take and give, as messages."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import trusteeship_service_pb2 as pb
from fourseal.v1.statement_pb2 import StatementSignature

from server.identity import IssuedCertificate
from server.organisations import OrganisationKey
from server.statements import ClientSignature
from server.trusteeship.export import Head, Piece, ProvenRecord
from server.trusteeship.grants import Shown
from server.trusteeship.overview import Overview
from server.trusteeship.records import Wanted
from server.trusteeship.states import GrantState
from wire.convert import certificate_purpose_to_proto, time_of, timestamp_of

_STATES: Final = {
    GrantState.REQUESTED: pb.GRANT_STATE_REQUESTED,
    GrantState.ACTIVE: pb.GRANT_STATE_ACTIVE,
    GrantState.SUSPENDED: pb.GRANT_STATE_SUSPENDED,
    GrantState.REFUSED: pb.GRANT_STATE_REFUSED,
    GrantState.REVOKED: pb.GRANT_STATE_REVOKED,
}


def signature_from_proto(signature: StatementSignature) -> ClientSignature:
    """The client's part of a signature."""
    return ClientSignature(signature.key_id, signature.salt, signature.client_partial)


def wanted_from_proto(wanted: pb.RecordFilter) -> Wanted:
    """Which records.

    Raises:
        ServiceError: FIELD_INVALID: no times.
    """
    begin, end = (
        time_of(getattr(wanted, name), f"filter.{name}") if wanted.HasField(name) else None for name in ("begin", "end")
    )
    return Wanted(wanted.organisation, wanted.key_id, wanted.user, begin, end)


def overview_to_proto(overview: Overview) -> pb.GetOrganisationResponse:
    """An organisation."""
    organisation = overview.organisation
    return pb.GetOrganisationResponse(
        organisation=organisation.name,
        display_name=organisation.display_name,
        approvals=organisation.approvals,
        administrators=overview.administrators,
        keys=[_key_to_proto(*each) for each in overview.keys],
    )


def grant_to_proto(shown: Shown) -> pb.Grant:
    """A grant with the orders about it."""
    grant = shown.grant
    return pb.Grant(
        grant_id=grant.grant_id,
        request_der=grant.request,
        state=_STATES[grant.state],
        round=grant.round,
        used=grant.used,
        orders_der=[order.statement for order in shown.orders],
        create_time=timestamp_of(grant.create_time),
    )


def piece_to_proto(piece: Piece) -> pb.ExportRecordsResponse:
    """A piece of an export."""
    if isinstance(piece, Head):
        head = pb.ExportHead(
            checkpoint=piece.checkpoint,
            log_certificate_der=piece.log_certificate,
            revocation_list_der=piece.revocation_list,
            records=piece.records,
        )
        return pb.ExportRecordsResponse(head=head)
    if isinstance(piece, ProvenRecord):
        record = pb.ExportedRecord(entry_der=piece.entry, log_index=piece.index, proof=piece.proof)
        return pb.ExportRecordsResponse(record=record)
    if isinstance(piece, Shown):
        return pb.ExportRecordsResponse(grant=grant_to_proto(piece))
    return pb.ExportRecordsResponse(certificate_der=piece)


def _key_to_proto(key: OrganisationKey, issued: IssuedCertificate | None) -> pb.OrganisationKey:
    revoked = None if issued is None else issued.revoke_time
    return pb.OrganisationKey(
        key_id=key.key_id,
        purpose=certificate_purpose_to_proto(key.purpose),
        kind=key.kind.value,
        certificate_der=b"" if issued is None else issued.certificate,
        revoke_time=None if revoked is None else timestamp_of(revoked),
    )
