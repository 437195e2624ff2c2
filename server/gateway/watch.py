"""The gateway's part in the guard against forged signers, put together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from cryptography import x509

from contract.announcements.claim import is_party_name
from server.clock import Clock
from server.errors import OperatorError
from server.gateway.guard_line import GuardLine
from server.gateway.held import HeldTraffic
from server.gateway.histories import Histories, Served
from server.gateway.intake import Intake
from server.gateway.mailboxes import Mailboxes
from server.gateway.metrics import look_up
from server.gateway.orders import Orders, Own
from server.gateway.traffic import Traffic, TrafficTerms
from server.identity.authority import GATEWAY_URI_PREFIX
from server.metrics import EventLog, Metrics
from server.storage import Database


@dataclass(frozen=True, slots=True)
class Watch:
    """What a gateway does about what passes by.

    Args:
        traffic: what may go on.
        histories: what was seen.
        intake: looks at announcements.
        mailboxes: sort notices.
        served: whose agents are here.
        orders: deal with control messages.
        line: to the guard.
        held: tells the guard what is held.
    """

    traffic: Traffic
    histories: Histories
    intake: Intake
    mailboxes: Mailboxes
    served: Served
    orders: Orders
    line: GuardLine
    held: HeldTraffic

    def begin(self) -> list[asyncio.Task[None]]:
        """Begin to do as the guard says."""
        work = (self.line.keep_watching(self.orders.take), self.line.keep_telling(), self.held.keep_telling())
        return list(map(asyncio.create_task, work))


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """How it is done.

    Args:
        traffic: how much is kept of it.
        history_agents, history_facts_per_agent: how much is remembered: ``History``.
    """

    traffic: TrafficTerms
    history_agents: int
    history_facts_per_agent: int


def compose_watch(
    database: Database, own: Own, line: GuardLine, terms: WatchTerms, clock: Clock, log: EventLog, metrics: Metrics
) -> Watch:
    """Put it together.

    Args:
        database: of the gateway.
        own: who it is.
        line: to the guard.
        terms: how it is done.
        clock: the time.
        log: the gateway's own log.
        metrics: of the gateway.
    """
    histories = Histories(database, terms.history_agents, terms.history_facts_per_agent, clock)
    served = Served(database, clock)
    traffic = Traffic(database, histories, terms.traffic, clock, log)
    metrics.look_up(partial(look_up, database, line))
    intake = Intake(traffic, histories, line, clock, log)
    orders = Orders(own, line, traffic, histories, served, database, clock, log)
    held = HeldTraffic(database, line)
    return Watch(traffic, histories, intake, Mailboxes(traffic, intake), served, orders, line, held)


def gateway_name(certificate_pem: bytes, *, required: bool) -> str:
    """The name that a gateway's certificate gives it; empty: control messages cannot name it.

    Raises:
        OperatorError: it is required, and empty.
    """
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for uri in alternatives.get_values_for_type(x509.UniformResourceIdentifier):
        name = uri.removeprefix(GATEWAY_URI_PREFIX)
        if name != uri and is_party_name(name):
            return name
    if required:
        raise OperatorError(
            "control messages cannot name this gateway",
            "Have it certified with a host name or an IPv4 address as its first --server-name.",
        )
    return ""
