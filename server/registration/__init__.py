"""The registration authority: certificates for joint keys and those of organisations, decided on by officers."""

from server.registration.ending import end_certificate
from server.registration.officers import Office, approve, refuse_request, revoke_certificate
from server.registration.organisations import request_for_organisation
from server.registration.requests import CertificateRequests
from server.registration.store import CertificateRequest, RequestState, find_request, list_approvals, list_requests

__all__ = [
    "CertificateRequest",
    "CertificateRequests",
    "Office",
    "RequestState",
    "approve",
    "end_certificate",
    "find_request",
    "list_approvals",
    "list_requests",
    "refuse_request",
    "request_for_organisation",
    "revoke_certificate",
]
