"""``fourseal-server ticket``, ``agents``, ``revoke``."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from server.cli.database import in_database, settings_of
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.errors import OperatorError
from server.identity import Agent, AgentState, Authority, Ticket, add_ticket, list_agents, new_token
from server.identity import revoke as revoke_agent
from server.root.home import Home, Serving
from wire.ids import check_agent_id


def ticket(home: Home, name: str, out: Path | None, *, hours: float, reinstate: bool) -> None:
    """Make a ticket."""
    check_agent_id(name)
    serving = _addresses(home)
    token = new_token(secrets.token_bytes)
    lifetime = timedelta(hours=hours)

    def unit(connection: Connection) -> Ticket:
        expire_time = add_ticket(connection, name, token, system_clock(), lifetime, reinstate=reinstate)
        return Ticket(
            agent_id=name,
            server=serving.server,
            enrolment_server=serving.enrolment_server,
            authority_certificate=Authority.find_certificate_pem(connection).decode(),
            token=token,
            expire_time=expire_time.isoformat(),
        )

    made = in_database(home, unit)
    if out is None:
        show_line(made.to_json().rstrip())
        return
    _write_new(out, made.to_json())
    show_line(f"Ticket for {name}: {out}, good once until {made.expire_time}.")
    show_line(f"Next, where {name} signs: fourseal enrol --ticket {out.name}")


def agents(home: Home, *, as_json: bool) -> None:
    """List agents."""
    found = in_database(home, list_agents)
    if as_json:
        show_json({"agents": [_agent_json(agent) for agent in found]})
        return
    rows = [
        (agent.agent_id, _state(agent), _time(agent.enrol_time), _time(agent.expire_time), _time(_end(agent)))
        for agent in found
    ]
    show_table("Agents", ("agent", "state", "enrolled", "certificate ends", "refused since"), rows)


def revoke(home: Home, name: str, *, as_json: bool) -> None:
    """Revoke an agent."""
    agent = in_database(home, lambda connection: revoke_agent(connection, name, system_clock()))
    if as_json:
        show_json(_agent_json(agent))
    else:
        show_line(f"{name} is revoked since {_time(agent.revoke_time)}.")


def _addresses(home: Home) -> Serving:
    """Where agents shall call: as the running server says, or as it is configured."""
    serving = Serving.read(home.serving)
    if serving is not None:
        return serving
    settings = settings_of(home)
    ports = [address.rpartition(":")[2] for address in (settings.listen, settings.enrolment_listen)]
    if "0" in ports:
        raise OperatorError(
            "the server chooses its ports when it starts, and does not run", "Start it first, or configure ports."
        )
    return Serving(0, *(f"{settings.public_host}:{port}" for port in ports))


def _write_new(path: Path, content: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise OperatorError(
            f"the ticket cannot be written to {path}: {error.strerror}", "Choose another file."
        ) from None


def _agent_json(agent: Agent) -> dict[str, Any]:
    return {
        "agent_id": agent.agent_id,
        "state": agent.state.value,
        "certificate_sha256": agent.certificate_sha256.hex(),
        "enrol_time": _time(agent.enrol_time),
        "expire_time": _time(agent.expire_time),
        "revoke_time": _time(agent.revoke_time) or None,
        "block_time": _time(agent.block_time) or None,
        "block_cause": agent.block_cause,
    }


def _state(agent: Agent) -> str:
    return f"blocked: {agent.block_cause}" if agent.state is AgentState.BLOCKED else agent.state.value


def _end(agent: Agent) -> datetime | None:
    return agent.block_time if agent.state is AgentState.BLOCKED else agent.revoke_time


def _time(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="seconds")
