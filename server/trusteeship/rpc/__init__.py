"""The gRPC face of trusteeship: TrusteeshipService."""

from server.trusteeship.rpc.service import TrusteeshipRpc

__all__ = ["TrusteeshipRpc"]
