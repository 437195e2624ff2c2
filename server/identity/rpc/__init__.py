"""The gRPC faces of identity."""

from server.identity.rpc.accounts import AccountRpc
from server.identity.rpc.certificates import CertificateRpc
from server.identity.rpc.enrolment import EnrolmentRpc

__all__ = ["AccountRpc", "CertificateRpc", "EnrolmentRpc"]
