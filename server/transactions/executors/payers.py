"""Who may give what a payer has: nobody but that payer."""

from __future__ import annotations

from contract.transactions.transaction import Transaction
from wire.catalogue import ServiceError


def require_own_money(transaction: Transaction) -> None:
    """See that every transfer takes from the signer's own account.

    Raises:
        ServiceError: PAYER_NOT_SIGNER.
    """
    for transfer in transaction.transfers:
        if transfer.payer != transaction.signer:
            raise ServiceError("PAYER_NOT_SIGNER", payer=transfer.payer)
