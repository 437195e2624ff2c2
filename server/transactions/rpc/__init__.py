"""The gRPC face of confirmed transactions: TransactionService."""

from server.transactions.rpc.service import TransactionRpc

__all__ = ["TransactionRpc"]
