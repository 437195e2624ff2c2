"""Agents: who may call, with which certificate. Only the newest certificate of an agent counts.

One that has taken a lease needs one from then on: else whoever copied its key store would do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.errors import OperatorError
from server.identity.store import agents as store
from server.identity.store.agents import Agent, AgentState, BlockCause
from server.journal import Caller
from wire.catalogue import ServiceError


def check_callers(connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    """For each caller None, or why it may not call.

    CALLER_UNKNOWN: no such agent, revoked, or called with another certificate; CLONE_FOUND, AGENT_BLOCKED;
    LEASE_REQUIRED.
    """
    agents = store.find_agents(connection, (caller.agent_id for caller in callers))
    return [_refusal(agents.get(caller.agent_id), caller) for caller in callers]


def require_caller(connection: Connection, caller: Caller) -> None:
    """As ``check_callers``, for one.

    Raises:
        ServiceError: CALLER_UNKNOWN, CLONE_FOUND, AGENT_BLOCKED, LEASE_REQUIRED.
    """
    (refused,) = check_callers(connection, [caller])
    if refused is not None:
        raise refused


def revoke(connection: Connection, agent_id: str, now: datetime) -> Agent:
    """Refuse an agent from now on, and drop its unused tickets. Revoking again changes nothing.

    Raises:
        OperatorError: there is no such agent.
    """
    agent = store.find_agents(connection, [agent_id]).get(agent_id)
    dropped = store.drop_tickets(connection, agent_id=agent_id)
    if agent is None:
        if dropped:
            raise OperatorError(f"{agent_id} was never enrolled", "Its tickets were dropped; nothing else to do.")
        raise OperatorError(f"there is no agent {agent_id}", "See fourseal-server agents.")
    if agent.state is not AgentState.REVOKED:
        agent = replace(agent, state=AgentState.REVOKED, revoke_time=now)
        store.put_agent(connection, agent)
    return agent


def block(connection: Connection, agent: Agent, cause: BlockCause, now: datetime) -> Agent:
    """Refuse an agent from now on, until it enrols with a new ticket; unused tickets of it are dropped.

    One that is blocked or revoked stays as it is.
    """
    if agent.state is not AgentState.ACTIVE:
        return agent
    blocked = replace(agent, state=AgentState.BLOCKED, block_time=now, block_cause=cause)
    store.put_agent(connection, blocked)
    store.drop_tickets(connection, agent_id=agent.agent_id)
    return blocked


def blocked_error(agent: Agent) -> ServiceError:
    """What an agent hears that is blocked."""
    if agent.block_cause is BlockCause.CLONE:
        return ServiceError("CLONE_FOUND", block_time=_text(agent.block_time))
    return ServiceError("AGENT_BLOCKED", cause=agent.block_cause or "?", block_time=_text(agent.block_time))


def _refusal(agent: Agent | None, caller: Caller) -> FoursealError | None:
    if (
        agent is None
        or agent.state is AgentState.REVOKED
        or not compare_digest(agent.certificate_sha256, caller.certificate_sha256)
    ):
        return ServiceError("CALLER_UNKNOWN")
    if agent.state is AgentState.BLOCKED:
        return blocked_error(agent)
    if agent.lease and not caller.leased:
        return ServiceError("LEASE_REQUIRED")
    return None


def _text(time: datetime | None) -> str:
    return "?" if time is None else time.isoformat(timespec="seconds")
