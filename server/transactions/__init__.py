"""Confirmed transactions: the back end. Registers, verifies, counts codes, executes once, and records each step.

What a transaction is, and what each event makes of it, is in ``contract.transactions``. Read in this order: ``steps``;
``proposals``, ``bindings``, ``confirmations``, ``execution``; ``keys``, ``signers``; ``viewing``, ``upkeep``.
"""

from server.transactions.keys import BackEndKeys
from server.transactions.proposals import BackEndTerms
from server.transactions.rules import TransactionRules, compose_transaction_rules

__all__ = ["BackEndKeys", "BackEndTerms", "TransactionRules", "compose_transaction_rules"]
