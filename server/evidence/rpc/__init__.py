"""The gRPC faces of evidence: decode, say who calls, call the rules, encode."""

from server.evidence.rpc.service import EvidenceRpc
from server.evidence.rpc.transparency import TransparencyRpc

__all__ = ["EvidenceRpc", "TransparencyRpc"]
