"""The rules of every system, put together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from mpc.four_prime_rsa import Purpose
from server.config import Settings
from server.custody import Coalescer, ShareEngine
from server.drafting import ContractDocuments, DraftingRules, DraftingTerms, compose_drafting_rules
from server.evidence import EvidenceRules
from server.guard import OBSERVERS, GuardKeys, GuardRules, compose_guard_rules
from server.identity import (
    AccountRules,
    Authority,
    CallerReader,
    CurrentCertificate,
    Devices,
    Enrolment,
    GatewayReader,
    Leases,
    check_callers,
    compose_account_rules,
    open_leases,
)
from server.journal import Flights, OperationRunner
from server.journal.log import LogReader
from server.metrics import Metrics
from server.pins import PinGuards
from server.registration import CertificateRequests, end_certificate
from server.root.account_terms import account_terms
from server.root.evidence import compose_evidence
from server.root.ground import Ground
from server.root.guard_terms import guard_terms
from server.root.home import Home
from server.root.relay import RelayPart, compose_relay
from server.sessions import SessionRules, SessionTerms, Work, compose_session_rules
from server.signing import (
    Decryptions,
    Generation,
    JointOperationPolicy,
    Keys,
    OpenedKeys,
    Signatures,
)
from server.statements import Statements, compose_statements
from server.storage import Threads
from server.transactions import BackEndKeys, BackEndTerms, TransactionRules, compose_transaction_rules
from server.transactions.executors import ExecutorMeans, make_executors
from server.trusteeship import TrusteeshipRules, compose_trusteeship_rules
from wire.fonts import find_fonts

_GENERATIONS: Final = 32  # under way at a time: each takes a core for seconds
_GENERATIONS_PER_CALLER: Final = 8
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What the gRPC faces stand on, and what has to be waited for and closed."""

    callers: CallerReader
    enrolment: Enrolment
    leases: Leases
    devices: Devices
    accounts: AccountRules
    keys: Keys
    generation: Generation
    signatures: Signatures
    decryptions: Decryptions
    registration: CertificateRequests
    pins: PinGuards
    sessions: SessionRules
    evidence: EvidenceRules
    trusteeship: TrusteeshipRules
    drafting: DraftingRules
    transactions: TransactionRules
    guard: GuardRules
    relay: RelayPart | None
    """None where a media server relays."""
    flights: tuple[Flights, ...]
    workers: tuple[Threads | Coalescer, ...]

    async def wait_idle(self) -> None:
        """Return when no operation is under way."""
        for flights in self.flights:
            await flights.wait_idle()
        await self.transactions.execution.wait_idle()

    def close(self) -> None:
        """End the threads."""
        self.transactions.execution.close()
        for workers in self.workers:
            workers.close()
        self.accounts.close()
        if self.relay is not None:
            self.relay.files.close()


def compose_rules(
    home: Home,
    ground: Ground,
    authority: Authority,
    certificate: CurrentCertificate,
    settings: Settings,
    engine: ShareEngine,
    log: structlog.stdlib.BoundLogger,
    metrics: Metrics,
) -> Rules:
    """Put the rules together on an open database and custody."""
    database, shares, clock = ground.database, ground.custody.shares, ground.clock
    operations = Flights(capacity=settings.max_operations, capacity_of_caller=settings.max_operations_per_caller)
    generations = Flights(capacity=_GENERATIONS, capacity_of_caller=_GENERATIONS_PER_CALLER)
    coalescer = Coalescer(engine, settings.threads, operations.under_way)
    workers = Threads(settings.threads * engine.width, "share")  # as many as may wait at the coalescer
    generation_workers = Threads(max(1, settings.threads // 2), "generation")
    database.group_while(lambda: workers.waiting >= 2 * settings.threads)  # each core has work for two steps more
    work = Work(operations, workers, generations, generation_workers)
    opened = OpenedKeys(database, capacity=settings.opened_shares)
    signing = _compose_signing(ground, settings, work, opened, coalescer)
    random = secrets.token_bytes
    accounts = compose_account_rules(
        database,
        ground.custody.sealer,
        authority,
        certificate,
        account_terms(settings, clock),
        random,
        clock,
        log,
        OBSERVERS,
    )
    sessions = compose_session_rules(
        database,
        shares,
        authority,
        accounts.logins,
        work,
        _session_terms(settings),
        coalescer,
        random,
        clock,
    )
    statements = compose_statements(
        database, accounts.logins, opened, shares, operations, workers, coalescer, random, clock
    )
    leases = open_leases(database, ground.custody.sealer, random, clock, log, OBSERVERS)
    evidence = compose_evidence(home, ground, authority, accounts, workers, settings, log)
    return Rules(
        CallerReader(clock, leases),
        Enrolment(database, authority, clock, log),
        leases,
        Devices(database, accounts.logins, clock, log),
        accounts,
        *signing,
        CertificateRequests(database, accounts.logins, accounts.lists, random, clock),
        PinGuards(database, ground.custody.sealer, shares, end_certificate, random, clock, log),
        sessions,
        evidence.rules,
        _compose_trusteeship(ground, settings, accounts, evidence.rules, statements, log),
        _compose_drafting(ground, settings, authority, accounts, statements, work),
        _compose_transactions(ground, settings, authority, accounts, workers, log),
        _compose_guard(ground, settings, authority, accounts, workers, evidence.rules, log, metrics),
        _compose_own_relay(home, ground, authority, settings, log),
        (operations, generations),
        (workers, generation_workers, evidence.files, coalescer),
    )


def _compose_signing(
    ground: Ground, settings: Settings, work: Work, opened: OpenedKeys, engine: ShareEngine
) -> tuple[Keys, Generation, Signatures, Decryptions]:
    database, shares, clock, random = ground.database, ground.custody.shares, ground.clock, secrets.token_bytes
    delay = timedelta(seconds=settings.destruction_delay_seconds)
    keys = Keys(database, shares, clock, end_certificate, destruction_delay=delay)
    unopened = timedelta(seconds=settings.generation_lifetime_seconds)
    generation = Generation(
        database,
        shares,
        keys,
        work.long,
        work.long_workers,
        engine,
        random,
        clock,
        end_certificate,
        lifetime=unopened,
    )
    signing, decrypting = (
        OperationRunner(
            database, work.quick, work.quick_workers, check_callers, JointOperationPolicy(purpose, clock), clock
        )
        for purpose in (Purpose.SIGN, Purpose.DECRYPT)
    )
    signatures = Signatures(opened, shares, signing, engine, random)
    return keys, generation, signatures, Decryptions(opened, shares, decrypting, engine, random)


def _compose_trusteeship(
    ground: Ground,
    settings: Settings,
    accounts: AccountRules,
    evidence: EvidenceRules,
    statements: Statements,
    log: structlog.stdlib.BoundLogger,
) -> TrusteeshipRules:
    return compose_trusteeship_rules(
        ground.database,
        accounts.logins,
        statements,
        ground.custody,
        LogReader(ground.log_key.verifier),
        ground.clock,
        accounts.lists,
        evidence.transparency.certificate_der,
        log,
        clock_difference=timedelta(seconds=settings.session_clock_seconds),
        opened_keys=settings.opened_shares,
    )


def _compose_drafting(
    ground: Ground,
    settings: Settings,
    authority: Authority,
    accounts: AccountRules,
    statements: Statements,
    work: Work,
) -> DraftingRules:
    folder = Path(settings.font_folder) if settings.font_folder else None
    return compose_drafting_rules(
        ground.database,
        accounts.logins,
        statements,
        ContractDocuments(authority.certificate, partial(find_fonts, folder)),
        LogReader(ground.log_key.verifier),
        work.long,
        work.long_workers,
        DraftingTerms(
            versions=settings.contract_versions,
            draft_bytes=settings.contract_draft_mebibytes * _MEBIBYTE,
            signers=settings.max_contract_signers,
            clock_difference=timedelta(seconds=settings.session_clock_seconds),
        ),
        secrets.token_bytes,
        ground.clock,
    )


def _compose_transactions(
    ground: Ground,
    settings: Settings,
    authority: Authority,
    accounts: AccountRules,
    workers: Threads,
    log: structlog.stdlib.BoundLogger,
) -> TransactionRules:
    random, clock, name = secrets.token_bytes, ground.clock, settings.back_end_name
    return compose_transaction_rules(
        ground.database,
        accounts.logins,
        BackEndKeys(ground.database, ground.custody.keys, authority, random, clock, name=name),
        BackEndTerms(
            name=name,
            variants=frozenset(settings.transaction_variants),
            open_of_terminal=settings.open_transactions_per_terminal,
            open_of_signer=settings.open_transactions_per_signer,
        ),
        make_executors(ExecutorMeans(settings, clock, random, log)),
        workers,
        LogReader(ground.log_key.verifier),
        clock,
        log,
    )


def _compose_guard(
    ground: Ground,
    settings: Settings,
    authority: Authority,
    accounts: AccountRules,
    workers: Threads,
    evidence: EvidenceRules,
    log: structlog.stdlib.BoundLogger,
    metrics: Metrics,
) -> GuardRules:
    random, clock, terms = secrets.token_bytes, ground.clock, guard_terms(settings)
    return compose_guard_rules(
        ground.database,
        GatewayReader(authority.arc, clock),
        accounts.logins,
        GuardKeys(ground.database, ground.custody.keys, authority, random, clock, name=terms.name),
        terms,
        workers,
        ground.log_key.verifier,
        evidence.transparency.certificate_der,
        random,
        clock,
        log,
        metrics,
    )


def _compose_own_relay(
    home: Home, ground: Ground, authority: Authority, settings: Settings, log: structlog.stdlib.BoundLogger
) -> RelayPart | None:
    if settings.relay_address:
        return None
    return compose_relay(ground.database, home.folder, authority.certificate, settings, ground.clock, log)


def _session_terms(settings: Settings) -> SessionTerms:
    return SessionTerms(
        clock_difference=timedelta(seconds=settings.session_clock_seconds),
        longest=timedelta(days=settings.max_session_days),
        opened=settings.opened_shares,
        relay_address=settings.relay_address,
        relay_quota_bytes=settings.relay_quota_mebibytes * _MEBIBYTE,
    )
