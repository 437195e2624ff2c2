"""Devices: the agents at which an account has ever logged in. It may list them, and block each.

Whoever has logged in at an agent may block it, also where others use it too: it was in that agent's hands that the
password and the second factor were typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from server.clock import Clock
from server.identity.accounts.events import Event, record
from server.identity.agents import block
from server.identity.logins.logins import Logins
from server.identity.store import agents as agent_store
from server.identity.store import devices as store
from server.identity.store import leases as lease_store
from server.identity.store.agents import Agent, AgentState, BlockCause
from server.identity.store.logins import Login
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Device:
    """An agent, as an account sees it.

    Args:
        agent: as it is now.
        first_time, login_time: of the account's first and last login there.
        lease_time: when the agent took its last lease; None: it has taken none.
    """

    agent: Agent
    first_time: datetime
    login_time: datetime
    lease_time: datetime | None


class Devices:
    """Devices of accounts.

    Args:
        database: where agents are.
        logins: see that who asks is logged in.
        clock: the time.
        log: what operators should see.
    """

    def __init__(self, database: Database, logins: Logins, clock: Clock, log: structlog.stdlib.BoundLogger) -> None:
        self._database = database
        self._logins = logins
        self._clock = clock
        self._log = log

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[Device]:
        """A page of the account's devices, by the time of the first login.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)

        def query(connection: Connection) -> list[Device]:
            rows = store.list_devices(connection, login.account, after, limit + 1)
            agents = agent_store.find_agents(connection, (row.agent_id for row in rows))
            return [_device(connection, agents[row.agent_id], row) for row in rows]

        found = await self._database.read(query)
        return cut_page(found, limit, lambda each: PageCursor(each.first_time, each.agent.agent_id))

    async def block(self, login: Login, agent_id: str) -> None:
        """Block a device of the account, at once. One that is blocked or revoked stays so.

        Raises:
            ServiceError: LOGIN_REQUIRED; DEVICE_NOT_FOUND, also for an agent at which the account never logged in.
        """

        def unit(connection: Connection) -> None:
            self._logins.require(connection, login)
            if not store.is_device(connection, login.account, agent_id):
                raise ServiceError("DEVICE_NOT_FOUND", agent_id=agent_id)
            agent = agent_store.find_agents(connection, [agent_id])[agent_id]
            if agent.state is not AgentState.ACTIVE:
                return
            block(connection, agent, BlockCause.ACCOUNT, self._clock())
            record(connection, self._clock(), login.account, login.caller, Event.DEVICE_BLOCKED, agent_id)

        await self._database.write(unit)
        self._log.warning("agent_blocked", agent=agent_id, cause=BlockCause.ACCOUNT.value, account=login.account)


def _device(connection: Connection, agent: Agent, row: store.DeviceRow) -> Device:
    lease = lease_store.find_lease(connection, agent.agent_id, agent.lease)
    return Device(agent, row.first_time, row.login_time, None if lease is None else lease.time)
