"""The rules of contract sessions, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mpc.engines import Random
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import Authority, Logins, check_callers
from server.journal import Flights, OperationRunner
from server.sessions.closing import SessionClosing
from server.sessions.creation import SessionCreation
from server.sessions.key_decryptions import KeyDecryptionPolicy, KeyDecryptions
from server.sessions.membership import Membership
from server.sessions.parties import OpenedParties
from server.sessions.passes import RelayPasses
from server.sessions.reading import SessionReading
from server.sessions.statement_policy import StatementPolicy
from server.sessions.statements import Statements
from server.storage import Database, Threads


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """What an operator decides.

    Args:
        clock_difference: by which the time of a statement may be off.
        longest: from a session's begin to its end.
        opened: parties of statements that stay in memory.
        relay_address: "host:port" of the media server; empty: the server itself.
        relay_quota_bytes: content of one author in one session that may wait there.
    """

    clock_difference: timedelta
    longest: timedelta
    opened: int
    relay_address: str
    relay_quota_bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """Where operations are done: ``quick`` ones, and ``long`` ones, which make shares."""

    quick: Flights
    quick_workers: Threads
    long: Flights
    long_workers: Threads


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What the gRPC face stands on."""

    logins: Logins
    creation: SessionCreation
    reading: SessionReading
    membership: Membership
    closing: SessionClosing
    statements: Statements
    decryptions: KeyDecryptions
    passes: RelayPasses
    relay_address: str


def compose_session_rules(
    database: Database,
    shares: ShareCustody,
    authority: Authority,
    logins: Logins,
    work: Work,
    terms: SessionTerms,
    engine: ShareEngine,
    random: Random,
    clock: Clock,
) -> SessionRules:
    """Put the rules together."""
    signing = OperationRunner(
        database,
        work.quick,
        work.quick_workers,
        check_callers,
        StatementPolicy(logins, clock, clock_difference=terms.clock_difference),
        clock,
    )
    decrypting = OperationRunner(
        database, work.quick, work.quick_workers, check_callers, KeyDecryptionPolicy(logins), clock
    )
    parties = OpenedParties(database, authority.arc, capacity=terms.opened)
    return SessionRules(
        logins=logins,
        creation=SessionCreation(
            database,
            shares,
            logins,
            authority,
            work.long,
            work.long_workers,
            engine,
            random,
            clock,
            longest=terms.longest,
        ),
        reading=SessionReading(database, logins, authority),
        membership=Membership(database, logins, authority, clock),
        closing=SessionClosing(database, shares, logins, clock),
        statements=Statements(parties, shares, signing, engine, random, clock),
        decryptions=KeyDecryptions(database, authority.arc, shares, decrypting, engine, random),
        passes=RelayPasses(database, logins, authority, clock, quota_bytes=terms.relay_quota_bytes),
        relay_address=terms.relay_address,
    )
