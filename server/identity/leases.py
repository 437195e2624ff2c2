"""Leases: how the server finds out that two copies of an agent's key store are in use.

An agent takes a *lease* before it calls, shows it with every call, and takes the next one before it expires. For each
it presents the *baton* that the last one was given with, and that its key store keeps. Both copies of a key store have
the same baton: who comes second presents one that was presented before, under another request_id.

::

    lease   number of the lease, 8 bytes; end, microseconds since 1970, 8 bytes; MAC, 32 bytes
    baton   number of the last lease, 8 bytes; MAC, 32 bytes

MAC: HMAC-SHA256 under a key of this server, over a domain, the SHA-256 of the client certificate, and what stands
before it. So neither is of use to another agent, nor after the agent was enrolled again, and a lease is checked without
the database.

What the database knows is the number of the newest lease, and under which request_id the last ones were taken. A baton
that is *newer* than it knows is genuine all the same: the database was put back to an earlier state, and goes on from
there. A repeat gets a lease with the end that it had: who repeats one for ever has nothing of it.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from server.clock import Clock
from server.custody import Context, SealBroken, Sealer
from server.errors import OperatorError
from server.identity.agents import block, blocked_error, require_caller
from server.identity.observers import Observers
from server.identity.store import agents as agent_store
from server.identity.store import leases as store
from server.identity.store.agents import Agent, AgentState, BlockCause
from server.identity.store.leases import LeaseRow
from server.journal import Caller
from server.storage import Database
from server.storage.tables import from_microseconds, microseconds
from wire.catalogue import ServiceError

LEASE_LIFETIME: Final = timedelta(minutes=10)
_LEASES_KEPT: Final = 16
"""Of an agent: a request that was under way for so long is told from a copy's."""
_KEY_BYTES: Final = 32
_SECRET: Final = "lease"  # noqa: S105  # its name
_LEASE_DOMAIN: Final = b"fourseal/v1/lease\0"
_BATON_DOMAIN: Final = b"fourseal/v1/baton\0"
_LEASE: Final = struct.Struct(">QQ32s")
_BATON: Final = struct.Struct(">Q32s")


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease, and the baton for the next one."""

    lease: bytes = field(repr=False)
    next_baton: bytes = field(repr=False)
    remaining: timedelta


class Leases:
    """All leases.

    Args:
        database: where agents are.
        key: of the MACs, 32 bytes, secret.
        clock: the time.
        log: what operators should see.
        observers: hear of copies.
    """

    def __init__(
        self, database: Database, key: bytes, clock: Clock, log: structlog.stdlib.BoundLogger, observers: Observers
    ) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._log = log
        self._observers = observers

    async def take(self, caller: Caller, request_id: str, baton: bytes) -> Taken:
        """Give the next lease. A repeat gets the same one.

        Args:
            caller: who calls; needs no lease for this.
            request_id: of this taking.
            baton: empty for the first one.

        Raises:
            ServiceError: CALLER_UNKNOWN; FIELD_INVALID: the baton is none of ours; LEASE_OUTDATED; CLONE_FOUND: the
                agent is blocked, from now on or since long.
        """
        presented = self._number_of(caller, baton)

        def unit(connection: Connection) -> LeaseRow | Agent:
            require_caller(connection, replace(caller, leased=True))
            agent, now = agent_store.find_agents(connection, [caller.agent_id])[caller.agent_id], self._clock()
            if presented >= agent.lease:
                taken = LeaseRow(presented + 1, request_id, now)
                store.add_lease(connection, caller.agent_id, taken, _LEASES_KEPT)
                agent_store.put_agent(connection, replace(agent, lease=taken.number))
                return taken
            earlier = store.find_lease(connection, caller.agent_id, presented + 1)
            if earlier is None or earlier.request_id != request_id:
                if agent.state is AgentState.ACTIVE:
                    agent = block(connection, agent, BlockCause.CLONE, now)
                    self._observers.clone_found(connection, agent, now)
                return agent
            if earlier.number < agent.lease:
                raise ServiceError("LEASE_OUTDATED")
            return earlier

        taken = await self._database.write(unit)
        if isinstance(taken, Agent):
            self._log.warning("agent_blocked", agent=taken.agent_id, cause=BlockCause.CLONE.value)
            raise blocked_error(taken)
        return self._given(caller, taken)

    def admit(self, caller: Caller, lease: bytes) -> Caller:
        """The caller, as one with a lease.

        Raises:
            ServiceError: LEASE_EXPIRED; LEASE_WRONG: none of ours, or none for this certificate.
        """
        if len(lease) != _LEASE.size:
            raise ServiceError("LEASE_WRONG")
        number, end, mac = _LEASE.unpack(lease)
        if not hmac.compare_digest(mac, self._lease_mac(caller, number, end)):
            raise ServiceError("LEASE_WRONG")
        if self._clock() >= from_microseconds(end):
            raise ServiceError("LEASE_EXPIRED")
        return replace(caller, leased=True)

    def _given(self, caller: Caller, taken: LeaseRow) -> Taken:
        end = taken.time + LEASE_LIFETIME
        lease = self._lease(caller, taken.number, end)
        baton_mac = self._baton_mac(caller, taken.number)
        return Taken(lease, _BATON.pack(taken.number, baton_mac), max(end - self._clock(), timedelta(0)))

    def _number_of(self, caller: Caller, baton: bytes) -> int:
        """The number of the lease that a baton was given with; 0 for none."""
        if not baton:
            return 0
        if len(baton) == _BATON.size:
            number, mac = _BATON.unpack(baton)
            if hmac.compare_digest(mac, self._baton_mac(caller, number)):
                return int(number)
        raise ServiceError("FIELD_INVALID", field="baton", problem="none of this server's for this agent")

    def _lease(self, caller: Caller, number: int, end: datetime) -> bytes:
        moment = microseconds(end)
        return _LEASE.pack(number, moment, self._lease_mac(caller, number, moment))

    def _lease_mac(self, caller: Caller, number: int, end: int) -> bytes:
        return self._mac(_LEASE_DOMAIN + caller.certificate_sha256 + struct.pack(">QQ", number, end))

    def _baton_mac(self, caller: Caller, number: int) -> bytes:
        return self._mac(_BATON_DOMAIN + caller.certificate_sha256 + struct.pack(">Q", number))

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._key, message, "sha256")


def open_leases(
    database: Database,
    sealer: Sealer,
    random: Callable[[int], bytes],
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
    observers: Observers,
) -> Leases:
    """The leases of a database, whose key is made if there is none yet.

    Raises:
        OperatorError: the key does not open.
    """
    context = Context("server-secret", _SECRET)

    def unit(connection: Connection) -> bytes:
        kept = agent_store.find_secret(connection, _SECRET)
        if kept is None:
            kept = sealer.seal(context, random(_KEY_BYTES))
            agent_store.add_secret(connection, _SECRET, kept)
        return kept

    try:
        return Leases(database, sealer.open(context, database.write_now(unit)), clock, log, observers)
    except SealBroken:
        raise OperatorError(
            "the key of leases does not open", "Restore database and master key from one backup."
        ) from None
