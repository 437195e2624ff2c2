"""The gRPC face of drafting: DraftingService."""

from server.drafting.rpc.service import DraftingRpc

__all__ = ["DraftingRpc"]
