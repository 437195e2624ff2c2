"""The rules of accounts, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from server.clock import Clock
from server.custody import Sealer
from server.identity.accounts.changes import AccountChanges
from server.identity.accounts.codes import CodeSender
from server.identity.accounts.lockout import drop_forgotten
from server.identity.accounts.passwords import Passwords
from server.identity.accounts.registration import Registration
from server.identity.accounts.workers import BoundedWorkers
from server.identity.authority import Authority
from server.identity.certificates.certificates import SignerCertificates
from server.identity.certificates.revocation import RevocationLists
from server.identity.factors.factors import SecondFactors
from server.identity.factors.security_keys import RelyingParty
from server.identity.factors.sms import SmsProvider
from server.identity.logins.logging_in import LoggingIn
from server.identity.logins.logins import Logins
from server.identity.logins.possession import Possession
from server.identity.observers import Observers
from server.identity.server_certificate import CurrentCertificate
from server.identity.store.events import drop_events_before
from server.storage import Database, Threads

_CHECKERS = 2  # hashes of passwords at once, 64 MiB each
_SENDERS = 2
_EVENTS_A_ROUND = 10_000  # that are dropped at most: others want to write


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """How accounts are run.

    Args:
        login_idle: after which an unused login ends.
        login_lifetime: after which any login ends.
        revocation_list_lifetime: from one list to the next at the latest.
        certificate_lifetime: for which a signer's certificates are valid.
        certificate_pairs_per_day: pairs of certificates that an account is issued in a day.
        event_lifetime: after which what happened to accounts is forgotten.
        party: as what the server is known to security keys.
        sms: who passes text messages on; None: there are no such factors.
    """

    login_idle: timedelta
    login_lifetime: timedelta
    revocation_list_lifetime: timedelta
    certificate_lifetime: timedelta
    certificate_pairs_per_day: int
    event_lifetime: timedelta
    party: RelyingParty
    sms: SmsProvider | None


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What the gRPC faces stand on, and the systems above."""

    registration: Registration
    logging_in: LoggingIn
    logins: Logins
    changes: AccountChanges
    possession: Possession
    certificates: SignerCertificates
    lists: RevocationLists
    event_lifetime: timedelta
    clock: Clock
    workers: tuple[BoundedWorkers, ...]

    def keep_house(self, connection: Connection) -> None:
        """Drop what has ended or was abandoned."""
        self.logins.drop_ended(connection)
        self.logging_in.drop_expired(connection)
        self.registration.drop_abandoned(connection)
        now = self.clock()
        drop_forgotten(connection, now)
        drop_events_before(connection, now - self.event_lifetime, _EVENTS_A_ROUND)

    def close(self) -> None:
        """End the threads."""
        for workers in self.workers:
            workers.close()


def compose_account_rules(
    database: Database,
    sealer: Sealer,
    authority: Authority,
    own: CurrentCertificate,
    terms: AccountTerms,
    random: Callable[[int], bytes],
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
    observers: Observers,
) -> AccountRules:
    """Put the rules of accounts together.

    Args:
        database: where accounts are.
        sealer: for secrets of second factors.
        authority: issues certificates.
        own: the server's certificate.
        terms: how accounts are run.
        random: randomness for tokens, secrets, codes.
        clock: the time.
        log: where codes that were not sent are told.
        observers: hear of pairs of certificates that are not an account's first.
    """
    checkers = BoundedWorkers(Threads(_CHECKERS, "account-check"))
    senders = BoundedWorkers(Threads(_SENDERS, "message"))
    passwords = Passwords(database, checkers, random, clock)
    factors = SecondFactors(sealer, terms.party, random, clock, sends_messages=terms.sms is not None)
    codes = CodeSender(terms.sms, factors, senders, log)
    logins = Logins(database, clock, idle=terms.login_idle, lifetime=terms.login_lifetime)
    registration = Registration(database, passwords, factors, codes, logins, random, clock)
    lists = RevocationLists(database, authority, clock, lifetime=terms.revocation_list_lifetime)
    certificates = SignerCertificates(
        database,
        authority,
        lists,
        logins,
        checkers,
        clock,
        lifetime=terms.certificate_lifetime,
        pairs_per_day=terms.certificate_pairs_per_day,
        observers=observers,
    )
    return AccountRules(
        registration=registration,
        logging_in=LoggingIn(database, passwords, factors, codes, logins, random, clock),
        logins=logins,
        changes=AccountChanges(database, logins, passwords, factors, registration, clock),
        possession=Possession(database, logins, certificates, authority, own, random, clock),
        certificates=certificates,
        lists=lists,
        event_lifetime=terms.event_lifetime,
        clock=clock,
        workers=(checkers, senders),
    )
