"""Confirmed transactions: the back end. Registers, verifies, counts codes, executes once, and records each step.

What a transaction is, and what each event makes of it, is in ``contract.transactions``. Read in this order: ``steps``;
``proposals``, ``bindings``, ``confirmations``, ``execution``; ``keys``, ``signers``; ``viewing``, ``upkeep``;
``checking``, ``inspection``.
"""

from server.transactions.checking import TransactionCheck
from server.transactions.inspection import Inspected, Inspection, list_all, show
from server.transactions.keys import BackEndKeys, find_broken_keys, list_keys
from server.transactions.proposals import BackEndTerms
from server.transactions.rules import TransactionRules, compose_transaction_rules
from server.transactions.viewing import Shown

__all__ = [
    "BackEndKeys",
    "BackEndTerms",
    "Inspected",
    "Inspection",
    "Shown",
    "TransactionCheck",
    "TransactionRules",
    "compose_transaction_rules",
    "find_broken_keys",
    "list_all",
    "list_keys",
    "show",
]
