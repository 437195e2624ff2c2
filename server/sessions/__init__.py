"""Contract sessions: who meets when, and the server's half of every signature and decryption in them."""

from server.sessions.evidence import (
    MessageCertificates,
    MessageCertificatesFinder,
    require_joined_once,
    signed_statements,
)
from server.sessions.inspection import expected_shares
from server.sessions.rules import SessionRules, SessionTerms, Work, compose_session_rules
from server.sessions.shared_primes import session_moduli
from server.sessions.states import MemberState, SessionState
from server.sessions.store.sessions import Session, SessionMember, find_session, list_members, list_sessions

__all__ = [
    "MemberState",
    "MessageCertificates",
    "MessageCertificatesFinder",
    "Session",
    "SessionMember",
    "SessionRules",
    "SessionState",
    "SessionTerms",
    "Work",
    "compose_session_rules",
    "expected_shares",
    "find_session",
    "list_members",
    "list_sessions",
    "require_joined_once",
    "session_moduli",
    "signed_statements",
]
