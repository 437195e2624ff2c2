"""Evidence: what is kept of messages and operations so that it can be shown and proven, and not changed unnoticed."""

from server.evidence.checking import EvidenceCheck, check_contents, check_time_stamps
from server.evidence.rules import EvidenceRules, compose_evidence_rules
from server.evidence.store.contents import is_content_needed, list_contents
from server.evidence.terms import EvidenceTerms

__all__ = [
    "EvidenceCheck",
    "EvidenceRules",
    "EvidenceTerms",
    "check_contents",
    "check_time_stamps",
    "compose_evidence_rules",
    "is_content_needed",
    "list_contents",
]
