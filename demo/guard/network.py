"""What stands where: a server with the guard, three gateways, five agents, each at a loopback address of its own."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final, TypeVar

from demo.attacks import SERVER_HOME
from demo.guard.line import Line
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage
from server.cli import outposts
from server.cli.database import from_database
from server.cli.guard_views import details_of
from server.gateway.store.notices import NoticeState, list_kept
from server.guard import AlarmRow, find_alarm_view, list_alarms
from server.root.home import Home
from signer_agent.contracts.way import GATEWAY_VARIABLE, SOURCE_VARIABLE
from signer_agent.loop_thread import LoopThread

_SERVER_HOST: Final = "127.0.0.10"
AGENTS: Final = {
    "alice": ("127.0.0.101", "north"),
    "bob": ("127.0.0.102", "south"),
    "carol": ("127.0.0.103", "north"),
    "mallory": ("127.0.0.104", "south"),
    "eve": ("127.0.0.105", "east"),
}
"""Each one's own address, and the gateway that it is behind."""

RATED: Final = 1000
"""Announcements that a gateway may tell of in a minute."""

DIGITS: Final = 12
"""How many of a key's are shown."""

_MOST: Final = 100
_Found = TypeVar("_Found")
_PATIENCE_SECONDS: Final = 20.0


@dataclass(slots=True)
class Gateway:
    """A gateway.

    Args:
        name: of its folder.
        host: its address, and what control messages call it.
        line: from it to the guard.
        address: "host:port" where agents come to it, once it serves.
    """

    name: str
    host: str
    line: Line
    address: str


class Network:
    """Everything that runs. Use ``with``: lines are closed at its end.

    Args:
        stage: where it runs.
        show: where it is shown.
    """

    def __init__(self, stage: Stage, show: Show) -> None:
        self.stage = stage
        self.show = show
        self._loop = LoopThread()
        self.server_address = f"{_SERVER_HOST}:0"
        """host:port of the server, once it serves."""
        hosts = {"north": "127.0.0.21", "south": "127.0.0.22", "east": "127.0.0.23"}
        self.gateways = {
            name: Gateway(name, host, Line(self._loop, _SERVER_HOST), f"{host}:0") for name, host in hosts.items()
        }
        self.agents = {name: Signer(name, f"{name}-{secrets.token_urlsafe(12)}", stage, show) for name in AGENTS}

    def close(self) -> None:
        """Close the lines."""
        for gateway in self.gateways.values():
            gateway.line.close()
        self._loop.end()

    def set_up(self) -> None:
        """Make the server's folder, and start it; make the gateways', have them certified, and start them."""
        self.operator("init")
        self._start_server()
        first, *others = self.gateways.values()
        certificate = f"{first.name}.pem"
        self._gateway("init", "--server-name", first.host, home=first.name)
        self.operator("gateway", "certify", "--request", f"{first.name}/gateway.csr", "--out", certificate)
        self._gateway("accept", "--certificate", certificate, home=first.name)
        self.show.say("The others are made in the same way.")
        for gateway in others:
            self._make(gateway)
        self._start_gateways()

    def restart(self) -> None:
        """Stop all and start it anew, where it was."""
        self.stage.stop_servers()
        self._start_server()
        self._start_gateways()

    def place(self, signer: Signer, gateway: str = "", source: str = "") -> None:
        """Have an agent go by a gateway, and claim an address; by default both are its own."""
        own_source, own_gateway = AGENTS[signer.name]
        address = self.gateways[gateway or own_gateway].address
        signer.variables = {GATEWAY_VARIABLE: address, SOURCE_VARIABLE: source or own_source}

    def operator(self, *arguments: str, home: str = SERVER_HOME) -> str:
        """Run ``fourseal-server`` and show it; it has to succeed. Returns what it printed."""
        command = ["fourseal-server", *arguments, "--home", home]
        self.show.command(command, who="operator")
        return self.stage.must(command)

    def alarms(self) -> list[AlarmRow]:
        """The guard's alarms, newest first, as its database has them now."""
        return self._read(SERVER_HOME, lambda connection: list_alarms(connection, None, _MOST))

    def history(self, alarm_id: str) -> list[str]:
        """What is concluded of the keys of an alarm, and what gateways said of them; a line each."""
        view = self._read(SERVER_HOME, lambda connection: find_alarm_view(connection, alarm_id))
        if view is None:
            raise CommandFailed(f"there is no {alarm_id}")
        names, details = {gateway.host: name for name, gateway in self.gateways.items()}, details_of(view)
        keys = [f"key {key['key'][:DIGITS]} is {key['is'] or 'in doubt'}" for key in details["keys"]]
        return keys + [
            f"{names[fact['gateway']]}, {fact['side']}: key {fact['key'][:DIGITS]} by agent {fact['agent']}, "
            f"{fact['count']} times since {fact['first'][11:19]}"
            for fact in details["history"]
        ]

    def kept(self, gateway: str) -> tuple[int, int]:
        """How many notices a gateway holds, and has put aside."""
        states = Counter(row.state for row in self._read(gateway, list_kept))
        return states[NoticeState.HELD], states[NoticeState.QUARANTINED]

    def has_guard(self, gateway: str) -> bool:
        """Whether a gateway reached the guard when it last tried, as its log says."""
        log = self._log(gateway)
        return log.rfind('"guard_there"') > log.rfind('"guard_lost"')

    def logged(self, gateway: str, event: str) -> int:
        """How often an event stands in a gateway's log."""
        return self._log(gateway).count(f'"event": "{event}"')

    def _log(self, gateway: str) -> str:
        return (self.stage.folder / f"{gateway}.log").read_text(encoding="utf-8")

    def _read(self, home: str, query: Callable[[Any], _Found]) -> _Found:
        return from_database(Home(self.stage.folder / home), query)

    def _gateway(self, *arguments: str, home: str) -> None:
        command = ["fourseal-server", "gateway", *arguments, "--home", home]
        self.show.command(command, who=home)
        self.stage.must(command)

    def _make(self, gateway: Gateway) -> None:
        """What these commands do, in this process, which takes less time."""
        folder, home = self.stage.folder, Home(self.stage.folder / gateway.name)
        certificate = folder / f"{gateway.name}.pem"
        with redirect_stdout(StringIO()):
            outposts.init("gateway", home, [gateway.host], as_json=False)
            outposts.certify("gateway", Home(folder / SERVER_HOME), home.folder / "gateway.csr", certificate)
            outposts.accept("gateway", home, certificate)

    def _start_server(self) -> None:
        settings = _names(_SERVER_HOST) | {
            "FOURSEAL_LISTEN": self.server_address,
            "FOURSEAL_ENROLMENT_LISTEN": f"{_SERVER_HOST}:0",
            "FOURSEAL_SHARES_AHEAD": "0",  # few sessions are made here
            "FOURSEAL_GUARD_ANSWER_SECONDS": "300",
            "FOURSEAL_GUARD_ANNOUNCEMENTS_PER_MINUTE": str(RATED),
        }
        serving = self.stage.serve(["fourseal-server", "run", "--home", SERVER_HOME], "server.log", settings)
        self.server_address = _of(_SERVER_HOST, serving["server"])

    def _start_gateways(self) -> None:
        peers = [each.address for each in self.gateways.values() if not each.address.endswith(":0")]
        for gateway in self.gateways.values():
            gateway.line.lead_to(self.server_address)
            settings = _names(gateway.host) | {
                "FOURSEAL_LISTEN": gateway.address,
                "FOURSEAL_RELAY_ADDRESS": self.server_address,
                "FOURSEAL_GUARD_ADDRESS": gateway.line.address,
                "FOURSEAL_GATEWAY_PEERS": json.dumps(peers),
            }
            command = ["fourseal-server", "gateway", "run", "--home", gateway.name]
            serving = self.stage.serve(command, f"{gateway.name}.log", settings)
            gateway.address = _of(gateway.host, serving["server"])


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that other processes bring about.

    Raises:
        CommandFailed: it did not, in all that time.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise CommandFailed(f"this did not come: {what}")
        time.sleep(0.1)


def _names(host: str) -> dict[str, str]:
    return {"FOURSEAL_PUBLIC_HOST": host, "FOURSEAL_SERVER_NAMES": json.dumps([host])}


def _of(host: str, address: str) -> str:
    return f"{host}:{address.rpartition(':')[2]}"
