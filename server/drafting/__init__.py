"""Contracts as documents: written in turns, signed, consented to, watermarked, archived, and signed as PDF.

Read in this order: ``states``, what is possible when; ``guard``: whose contract it is; ``drafts``: the writing;
``signing``: statements and consents; ``documents`` and ``finishing``: what is made of them; ``revisions``: the PDF's
signatures. What is signed, and the evidence of it, stands in ``contract.drafting``.
"""

from server.drafting.checking import ContractCheck
from server.drafting.documents import ContractDocuments
from server.drafting.reading import ContractView, Listed, list_all, show_contract
from server.drafting.rules import DraftingRules, DraftingTerms, compose_drafting_rules

__all__ = [
    "ContractCheck",
    "ContractDocuments",
    "ContractView",
    "DraftingRules",
    "DraftingTerms",
    "Listed",
    "compose_drafting_rules",
    "list_all",
    "show_contract",
]
