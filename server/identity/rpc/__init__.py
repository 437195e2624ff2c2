"""The gRPC faces of identity."""

from server.identity.rpc.enrolment import EnrolmentRpc

__all__ = ["EnrolmentRpc"]
