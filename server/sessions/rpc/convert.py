"""Sessions into what callers read."""

from __future__ import annotations

from typing import Final

from fourseal.v1 import contract_session_pb2 as pb
from fourseal.v1 import contract_session_service_pb2

from contract.session_info import Scheme
from server.sessions.reading import MemberView, RevisionView, SessionView
from server.sessions.shares import split_roots
from server.sessions.states import MemberState, SessionState
from wire.catalogue import ServiceError
from wire.convert import timestamp_of

_STATES: Final = {
    SessionState.OPEN: pb.SESSION_STATE_OPEN,
    SessionState.CLOSED: pb.SESSION_STATE_CLOSED,
}
_MEMBER_STATES: Final = {
    MemberState.INVITED: pb.MEMBER_STATE_INVITED,
    MemberState.JOINED: pb.MEMBER_STATE_JOINED,
    MemberState.LEFT: pb.MEMBER_STATE_LEFT,
}
_SCHEMES: Final = {
    Scheme.JOINT: pb.SESSION_SCHEME_JOINT,
    Scheme.SEPARATE: pb.SESSION_SCHEME_SEPARATE,
}


def scheme_from_proto(value: pb.SessionScheme.ValueType) -> Scheme:
    """The scheme; joint if it is not set.

    Raises:
        ServiceError: FIELD_INVALID: a scheme that is not known.
    """
    for scheme, number in _SCHEMES.items():
        if value in (number, pb.SESSION_SCHEME_UNSPECIFIED):
            return scheme
    raise ServiceError("FIELD_INVALID", field="scheme", problem="no scheme has this number")


def session_to_proto(view: SessionView, relay_address: str) -> pb.ContractSession:
    """A session as the caller sees it; without certificates and certifications where the view has none."""
    session, revision = view.session, view.revision
    message = pb.ContractSession(
        session_id=session.session_id,
        state=_STATES[session.state],
        scheme=_SCHEMES[session.scheme],
        half_bits=session.half_bits,
        subject=session.subject,
        place=session.place,
        begin_time=timestamp_of(session.begin_time),
        end_time=timestamp_of(session.end_time),
        creator=session.creator,
        members=map(_member_to_proto, view.members),
        revision=session.revision,
        relay_address=relay_address,
        all_is_evidence=session.all_is_evidence,
        close_time=None if session.close_time is None else timestamp_of(session.close_time),
    )
    if revision is not None:
        message.sign_certificate_der = revision.sign_certificate
        message.encrypt_certificate_der = revision.encrypt_certificate
        message.sign_certification_roots.extend(split_roots(session, session.sign_roots))
        message.encrypt_certification_roots.extend(split_roots(session, session.encrypt_roots))
    return message


def revision_to_proto(view: RevisionView) -> contract_session_service_pb2.GetSessionCertificatesResponse:
    """The certificates of a revision."""
    return contract_session_service_pb2.GetSessionCertificatesResponse(
        revision=view.revision.revision,
        sign_certificate_der=view.revision.sign_certificate,
        encrypt_certificate_der=view.revision.encrypt_certificate,
        member_sign_certificates_der=[joining.sign_certificate for joining in view.joinings],
        member_encrypt_certificates_der=[joining.encrypt_certificate for joining in view.joinings],
    )


def _member_to_proto(view: MemberView) -> pb.SessionMember:
    member, joining = view.member, view.joining
    joined = joining is not None and member.state is MemberState.JOINED
    return pb.SessionMember(
        name=member.name,
        display_name=member.display_name,
        state=_MEMBER_STATES[member.state],
        sign_certificate_der=joining.sign_certificate if joining is not None and joined else b"",
        encrypt_certificate_der=joining.encrypt_certificate if joining is not None and joined else b"",
        last_sequence=member.last_sequence,
        messages_to_caller=view.messages_to_caller,
        messages_from_caller=view.messages_from_caller,
    )
