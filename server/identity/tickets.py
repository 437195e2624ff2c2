"""Enrolment tickets: what an operator hands to whoever sets up a signer agent.

A ticket is a JSON file with the addresses, the authority's certificate and a token: 32 random bytes, good once, for a
day by default. The database keeps the token's SHA-256; a slow hash would add nothing to 256 bits of entropy.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from server.errors import OperatorError
from server.identity.store import agents as store
from server.identity.store.agents import AgentState

TOKEN_BYTES: Final = 32
TICKET_LIFETIME: Final = timedelta(days=1)
_VERSION: Final = 1
_WHY: Final = {AgentState.REVOKED: "was revoked", AgentState.BLOCKED: "is blocked"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the agent's side reads it.

    Args:
        agent_id: the name that the agent will have.
        server: "host:port" of the services.
        enrolment_server: "host:port" of the enrolment service.
        authority_certificate: PEM.
        token: 43 characters, secret until it is used.
        expire_time: RFC 3339.
    """

    agent_id: str
    server: str
    enrolment_server: str
    authority_certificate: str
    token: str = field(repr=False)
    expire_time: str
    version: int = _VERSION

    def to_json(self) -> str:
        """The content of a ticket file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def new_token(random: Callable[[int], bytes]) -> str:
    """A fresh token: 43 characters of base64url."""
    return base64.urlsafe_b64encode(random(TOKEN_BYTES)).decode().rstrip("=")


def token_digest(token: str) -> bytes:
    """What the database keeps of a token."""
    return sha256(token.encode()).digest()


def add_ticket(
    connection: Connection, agent_id: str, token: str, now: datetime, lifetime: timedelta, *, reinstate: bool
) -> datetime:
    """Keep a new ticket for an agent; older unused ones of that agent stop working.

    Args:
        connection: a transaction.
        agent_id: a new name, or that of an agent whose certificate is to be replaced.
        token: from ``new_token``.
        now: the present time.
        lifetime: how long the ticket works.
        reinstate: whether an agent that was revoked, or is blocked, may come back.

    Returns:
        When the ticket expires.

    Raises:
        OperatorError: the agent was revoked, or is blocked, and is not to be reinstated.
    """
    agent = store.find_agents(connection, [agent_id]).get(agent_id)
    if agent is not None and agent.state is not AgentState.ACTIVE and not reinstate:
        raise OperatorError(
            f"{agent_id} {_WHY[agent.state]}", "Say --reinstate if whoever has this ticket shall use its keys again."
        )
    expire_time = now + lifetime
    store.drop_tickets(connection, agent_id=agent_id)
    store.add_ticket(connection, token_digest(token), agent_id, now, expire_time)
    return expire_time


def drop_expired_tickets(connection: Connection, now: datetime) -> int:
    """Forget tickets whose time has passed, used or not. Returns how many."""
    return store.drop_tickets(connection, expired_at=now)
