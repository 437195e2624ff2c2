"""Who calls and who is logged in: certificate authority, tickets, agents; accounts, logins, signers' certificates."""

from server.identity.account_rules import AccountRules, AccountTerms, compose_account_rules
from server.identity.accounts.administration import disable_account, enable_account, revoke_certificates, unlock_account
from server.identity.accounts.events import Event, record
from server.identity.agents import check_callers, require_caller, revoke
from server.identity.authority import Authority
from server.identity.black_list import (
    gateways_shut_out,
    put_on_list,
    require_admitted,
    require_unlisted,
    take_off_list,
)
from server.identity.callers import CallerReader
from server.identity.certificates.certificates import Pair, SignerCertificates
from server.identity.certificates.moduli import modulus_of, signer_moduli
from server.identity.certificates.responder import Responder
from server.identity.certificates.responder_key import ResponderKey, ensure_responder_key
from server.identity.certificates.revocation import RevocationLists
from server.identity.certificates.single import (
    find_personal_certificate,
    is_key_certified,
    issue_organisation_certificate,
    issue_personal_certificate,
    revoke_single_certificate,
)
from server.identity.certified_keys import CertifiedKeys, KeySort
from server.identity.devices import Device, Devices
from server.identity.enrolment import Enrolment
from server.identity.factors.security_keys import RelyingParty
from server.identity.factors.sms import FileSms, SmsProvider, WebhookSms
from server.identity.forwarding import Forwarding
from server.identity.gateways import Gateway, GatewayReader, read_gateway_certificate
from server.identity.leases import Leases, open_leases
from server.identity.logins.logins import LoginClaim, Logins
from server.identity.observers import NO_OBSERVERS, Observers
from server.identity.outside import accept_outside_certificate, find_outside_certificate
from server.identity.own_profiles import StatusPlaces, organisation_subject
from server.identity.server_certificate import (
    CurrentCertificate,
    ServerCertificate,
    ensure_server_certificate,
    find_server_certificate_end,
)
from server.identity.store.accounts import Account, AccountState, find_account, list_accounts
from server.identity.store.agents import Agent, AgentState, list_agents
from server.identity.store.black_list import Listed, ListedKind, find_listed, list_listed
from server.identity.store.certificates import (
    CertificateProfile,
    IssuedCertificate,
    RevocationReason,
    find_by_key,
    find_certificate,
    list_signing_certificates,
    list_signing_keys,
)
from server.identity.store.certified_keys import CertifiedKeyRow, CertifiedKeyTable
from server.identity.store.devices import list_accounts_at
from server.identity.store.events import AccountEvent, list_events
from server.identity.store.logins import Login, Proof
from server.identity.tickets import TICKET_LIFETIME, Ticket, add_ticket, drop_expired_tickets, new_token

__all__ = [
    "NO_OBSERVERS",
    "TICKET_LIFETIME",
    "Account",
    "AccountEvent",
    "AccountRules",
    "AccountState",
    "AccountTerms",
    "Agent",
    "AgentState",
    "Authority",
    "CallerReader",
    "CertificateProfile",
    "CertifiedKeyRow",
    "CertifiedKeyTable",
    "CertifiedKeys",
    "CurrentCertificate",
    "Device",
    "Devices",
    "Enrolment",
    "Event",
    "FileSms",
    "Forwarding",
    "Gateway",
    "GatewayReader",
    "IssuedCertificate",
    "KeySort",
    "Leases",
    "Listed",
    "ListedKind",
    "Login",
    "LoginClaim",
    "Logins",
    "Observers",
    "Pair",
    "Proof",
    "RelyingParty",
    "Responder",
    "ResponderKey",
    "RevocationLists",
    "RevocationReason",
    "ServerCertificate",
    "SignerCertificates",
    "SmsProvider",
    "StatusPlaces",
    "Ticket",
    "WebhookSms",
    "accept_outside_certificate",
    "add_ticket",
    "check_callers",
    "compose_account_rules",
    "disable_account",
    "drop_expired_tickets",
    "enable_account",
    "ensure_responder_key",
    "ensure_server_certificate",
    "find_account",
    "find_by_key",
    "find_certificate",
    "find_listed",
    "find_outside_certificate",
    "find_personal_certificate",
    "find_server_certificate_end",
    "gateways_shut_out",
    "is_key_certified",
    "issue_organisation_certificate",
    "issue_personal_certificate",
    "list_accounts",
    "list_accounts_at",
    "list_agents",
    "list_events",
    "list_listed",
    "list_signing_certificates",
    "list_signing_keys",
    "modulus_of",
    "new_token",
    "open_leases",
    "organisation_subject",
    "put_on_list",
    "read_gateway_certificate",
    "record",
    "require_admitted",
    "require_caller",
    "require_unlisted",
    "revoke",
    "revoke_certificates",
    "revoke_single_certificate",
    "signer_moduli",
    "take_off_list",
    "unlock_account",
]
