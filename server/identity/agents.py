"""Agents: who may call, with which certificate. Only the newest certificate of an agent counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.errors import OperatorError
from server.identity.store import agents as store
from server.identity.store.agents import Agent, AgentState
from server.journal import Caller
from wire.catalogue import ServiceError


def check_callers(connection: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
    """For each caller None, or CALLER_UNKNOWN: no such agent, revoked, or called with another certificate."""
    agents = store.find_agents(connection, (caller.agent_id for caller in callers))
    return [None if _may_call(agents.get(caller.agent_id), caller) else _unknown() for caller in callers]


def require_caller(connection: Connection, caller: Caller) -> None:
    """As ``check_callers``, for one.

    Raises:
        ServiceError: CALLER_UNKNOWN.
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
    if agent.state is AgentState.ACTIVE:
        agent = Agent(
            agent.agent_id, AgentState.REVOKED, agent.certificate_sha256, agent.enrol_time, agent.expire_time, now
        )
        store.put_agent(connection, agent)
    return agent


def _may_call(agent: Agent | None, caller: Caller) -> bool:
    return (
        agent is not None
        and agent.state is AgentState.ACTIVE
        and compare_digest(agent.certificate_sha256, caller.certificate_sha256)
    )


def _unknown() -> ServiceError:
    return ServiceError("CALLER_UNKNOWN")
