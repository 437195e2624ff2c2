"""Who calls: the server's own certificate authority, certificates, tickets, agents."""

from server.identity.agents import check_callers, require_caller, revoke
from server.identity.authority import Authority
from server.identity.callers import CallerReader
from server.identity.enrolment import Enrolment
from server.identity.server_certificate import (
    CurrentCertificate,
    ServerCertificate,
    ensure_server_certificate,
    find_server_certificate_end,
)
from server.identity.store.agents import Agent, AgentState, list_agents
from server.identity.tickets import TICKET_LIFETIME, Ticket, add_ticket, drop_expired_tickets, new_token

__all__ = [
    "TICKET_LIFETIME",
    "Agent",
    "AgentState",
    "Authority",
    "CallerReader",
    "CurrentCertificate",
    "Enrolment",
    "ServerCertificate",
    "Ticket",
    "add_ticket",
    "check_callers",
    "drop_expired_tickets",
    "ensure_server_certificate",
    "find_server_certificate_end",
    "list_agents",
    "new_token",
    "require_caller",
    "revoke",
]
