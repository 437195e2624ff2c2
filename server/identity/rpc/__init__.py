"""The gRPC faces of identity."""

from server.identity.rpc.accounts import AccountRpc
from server.identity.rpc.certificates import CertificateRpc
from server.identity.rpc.enrolment import EnrolmentRpc
from server.identity.rpc.leases import LeaseRpc

__all__ = ["AccountRpc", "CertificateRpc", "EnrolmentRpc", "LeaseRpc"]
