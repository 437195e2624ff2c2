"""Confirmed transactions: the back end. Registers, verifies, counts codes, executes once, and records each step.

What a transaction is, and what each event makes of it, is in ``contract.transactions``. Read in this order: ``steps``;
``proposals``, ``bindings``, ``confirmations``, ``execution``; ``keys``, ``signers``; ``viewing``, ``upkeep``;
``checking``, ``inspection``.
"""

from server.transactions.checking import TransactionCheck
from server.transactions.inspection import Inspected, Inspection, list_all, show
from server.transactions.keys import BACK_END_KEYS, BackEndKeys
from server.transactions.proposals import BackEndTerms
from server.transactions.rules import TransactionRules, compose_transaction_rules
from server.transactions.viewing import Shown

__all__ = [
    "BACK_END_KEYS",
    "BackEndKeys",
    "BackEndTerms",
    "Inspected",
    "Inspection",
    "Shown",
    "TransactionCheck",
    "TransactionRules",
    "compose_transaction_rules",
    "list_all",
    "show",
]
