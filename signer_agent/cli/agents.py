"""``agent``: the daemon that keeps the key store open, so that nobody is asked for the passphrase all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer

from signer_agent.cli.invocation import Invocation, command, warn_of_wrong_pins
from signer_agent.daemon.client import DaemonAgent
from signer_agent.daemon.start import start_daemon, wait_for_end
from signer_agent.home import Home
from signer_agent.model import AgentState
from wire.client.output import OUTPUT

app = typer.Typer(help="The daemon that keeps the key store open.", no_args_is_help=True)

LockAfterOption = Annotated[
    float, typer.Option(min=0.0, max=1_000_000.0, help="Minutes without use after which it locks itself; 0: never.")
]

_Result = TypeVar("_Result")


@command(app)
def start(invocation: Invocation, *, lock_after: LockAfterOption = 0.0) -> None:
    """Start the daemon in the background, locked."""
    start_daemon(invocation.home, 60 * lock_after)
    _show(invocation.home, _with_daemon(invocation.home, DaemonAgent.state))
    OUTPUT.note(f"Next: {invocation.call_of('agent unlock')}")


@command(app)
def run(invocation: Invocation, *, lock_after: LockAfterOption = 0.0) -> None:
    """Run the daemon in the foreground, locked, for a service manager. The log goes to standard error."""
    from signer_agent.daemon.process import harden, serve  # noqa: PLC0415  # takes as long to import as all else

    harden()
    socket = str(invocation.home.socket)
    asyncio.run(serve(invocation.home, 60 * lock_after, lambda: OUTPUT.show({"socket": socket}, [("Socket", socket)])))


@command(app)
def stop(invocation: Invocation) -> None:
    """Let the daemon finish what it is doing and end; returns when it has ended."""
    _with_daemon(invocation.home, DaemonAgent.stop)
    wait_for_end(invocation.home)
    OUTPUT.show({"running": False}, [("Agent", "stopped")])


@command(app)
def status(invocation: Invocation) -> None:
    """Say whether the daemon runs, and whether it is locked. Exit status 1 if it does not run."""
    _show(invocation.home, _with_daemon(invocation.home, DaemonAgent.state))


@command(app)
def unlock(invocation: Invocation) -> None:
    """Open the daemon's key store. One that is open is opened again, and learns a new enrolment."""
    _with_daemon(invocation.home, DaemonAgent.state)  # so that nobody types a passphrase for a daemon that does not run
    passphrase = invocation.passphrase()

    async def unlocked(agent: DaemonAgent) -> AgentState:
        await agent.unlock(passphrase)
        return await agent.state()

    _show(invocation.home, _with_daemon(invocation.home, unlocked))


@command(app)
def lock(invocation: Invocation) -> None:
    """Make the daemon forget every opened secret."""
    _with_daemon(invocation.home, DaemonAgent.lock)
    OUTPUT.show({"locked": True}, [("Agent", "locked")])


def _with_daemon(home: Home, call: Callable[[DaemonAgent], Awaitable[_Result]]) -> _Result:
    async def called() -> _Result:
        agent = DaemonAgent(home)
        try:
            return await call(agent)
        finally:
            await agent.close()

    return asyncio.run(called())


def _show(home: Home, state: AgentState) -> None:
    rows = [
        ("Agent", "locked" if state.locked else "unlocked"),
        ("Process", str(state.process_id)),
        ("Socket", str(home.socket)),
        ("Enrolled as", state.agent_id or "-"),
        ("Server", state.server_address or "-"),
        ("Version", state.version),
    ]
    warn_of_wrong_pins(state.wrong_pins)
    OUTPUT.show({"running": True, "socket": str(home.socket), **asdict(state)}, rows)
