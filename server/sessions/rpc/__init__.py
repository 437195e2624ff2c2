"""The gRPC face of contract sessions: decode, say who calls and who is logged in, call the rules, encode."""

from server.sessions.rpc.service import ContractSessionRpc

__all__ = ["ContractSessionRpc"]
