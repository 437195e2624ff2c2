"""Peer mode, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract.oids import Arc
from server.clock import Clock
from server.gateway.orders import Own
from server.gateway.peer.answering import Answering
from server.gateway.peer.cases import Cases, Told
from server.gateway.peer.lines import Peers
from server.gateway.peer.proofs import Proofs
from server.gateway.peer.working import Surroundings, Worker
from server.gateway.watch import Watch
from server.metrics import EventLog
from server.storage import Database


@dataclass(frozen=True, slots=True)
class PeerTerms:
    """How it is done.

    Args:
        peers: "host:port" of the gateways that are asked.
        answer_time: for which they are waited for.
        guard: whether there is a guard, which is told of what was decided.
    """

    peers: Sequence[str]
    answer_time: timedelta
    guard: bool


@dataclass(frozen=True, slots=True)
class PeerMode:
    """What a gateway does without the guard.

    Args:
        cases: what agents ask for.
        answering: what other gateways ask for.
        peers: the lines to them.
        worker: asks and tells them.
    """

    cases: Cases
    answering: Answering
    peers: Peers
    worker: Worker

    def begin(self) -> list[asyncio.Task[None]]:
        """Begin to ask and to tell."""
        return self.worker.begin()


def compose_peer_mode(
    watch: Watch,
    own: Own,
    authority: x509.Certificate,
    arc: Arc,
    terms: PeerTerms,
    database: Database,
    clock: Clock,
    log: EventLog,
) -> PeerMode:
    """Put it together.

    Args:
        watch: over what passes by.
        own: who the gateway is.
        authority: whom to believe.
        arc: the installation's arc.
        terms: how it is done.
        database: of the gateway.
        clock: the time.
        log: the gateway's own log.
    """
    proofs = Proofs(authority, arc, lambda: watch.line.log_key, clock)
    peers = Peers(own.name, terms.peers, authority.public_bytes(Encoding.PEM), own.current)
    told = Told(peers.addresses, terms.guard)
    cases = Cases(own, watch.line, told, proofs, watch.traffic, database, clock, log)
    around = Surroundings(own, peers, watch.line, terms.answer_time)
    worker = Worker(around, cases, proofs, watch.histories, database, clock, log)
    answering = Answering(own, proofs, watch.traffic, watch.histories, database, clock, log)
    return PeerMode(cases, answering, peers, worker)
