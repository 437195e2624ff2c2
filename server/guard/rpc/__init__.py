"""The gRPC face of the guard: GuardService."""

from server.guard.rpc.service import GuardRpc

__all__ = ["GuardRpc"]
