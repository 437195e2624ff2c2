"""The registration authority: certificates for joint keys, asked for by their owners and decided on by officers."""

from server.registration.ending import end_certificate
from server.registration.officers import Office, approve, refuse_request, revoke_certificate
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
    "revoke_certificate",
]
