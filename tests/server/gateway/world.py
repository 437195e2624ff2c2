"""A server with the guard, three gateways and five agents, each a process of its own on a host of its own.

It plays in two acts: people have met, then twenty minutes have passed; so there is a history.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final, TypeVar

import pyotp
from sqlalchemy import Connection

import demo
from contract.announcements.alarm import Alarm, AlarmState
from server.cli.database import from_database
from server.clock import system_clock
from server.config import load_settings
from server.gateway.store.notices import NoticeState, list_kept
from server.gateway.store.reports import list_reports
from server.guard import list_alarms
from server.identity import Authority
from server.root.ground import open_ground
from server.root.home import Home, Serving
from server.root.outposts import GATEWAY, accept_certificate, certify, set_up
from signer_agent.contracts.way import GATEWAY_VARIABLE
from tests.forked import run
from tests.server.gateway.gateway import GatewayProcess
from tests.server.gateway.hosts import Hosts
from tests.server.harness import ServerProcess, make_home, make_ticket, silent_log

GUARD: Final = "server"
_GATEWAYS: Final = ("north", "south", "east")
HOSTS: Final = (GUARD, *_GATEWAYS, "alices", "bobs", "carols")
_PLACES: Final = {
    "alice": ("alices", "north"),
    "mallory": ("alices", "north"),
    "bob": ("bobs", "south"),
    "carol": ("carols", "north"),
    "eve": ("carols", "east"),
}
"""The host of each agent, and the gateway it goes by. Whoever forges sits where the genuine one does."""

_LATER: Final = timedelta(minutes=20)  # more than the guard's window, less than a login that idles
_CLOCK: Final = Path(demo.__file__).parent / "clock"
_KEYS: Final = ("--sign-key", "ed25519", "--encrypt-key", "x25519")
_PATIENCE_SECONDS: Final = 60.0
_MOST: Final = 100
_Found = TypeVar("_Found")


class Agent:
    """An agent, by its commands.

    Args:
        name: of the agent.
        world: where it is.
    """

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self._host, self._gateway = _PLACES[name]
        self._world = world
        self._home = world.folder / name
        self._passphrase = self._file("passphrase", f"{name}'s passphrase")
        self.password = self._file("password", f"correct horse {name[::-1]}")

    def fourseal(self, *arguments: str) -> str:
        """Run a command; it has to succeed. Returns what it printed."""
        done = self._run(arguments)
        assert done.returncode == 0, f"{self.name}: {arguments}: {done.stdout.decode()} {done.stderr.decode()}"
        return done.stdout.decode()

    def json(self, *arguments: str) -> dict[str, Any]:
        """The same with ``--json``."""
        found: dict[str, Any] = json.loads(self.fourseal(*arguments, "--json"))
        return found

    def refusal(self, *arguments: str) -> str:
        """Run a command that has to fail; returns the reason."""
        done = self._run((*arguments, "--json"))
        assert done.returncode != 0
        reason: str = json.loads(done.stderr)["error"]["reason"]
        return reason

    def send(self, session_id: str, text: str) -> None:
        """Send Bob a text."""
        self.fourseal("send", session_id, "--text", text, "--to", "bob", "--yes")

    def inbox(self, *session_id: str) -> dict[str, Any]:
        """Fetch what has come, of a session or all; returns what ``inbox --json`` printed."""
        found: dict[str, Any] = json.loads(self._run(("inbox", *session_id, "--json")).stdout)
        return found

    def alarms(self) -> list[dict[str, Any]]:
        """How the alarms stand that it has noticed."""
        found: list[dict[str, Any]] = json.loads(self.fourseal("guard", "alarms", "--json"))
        return found

    def _run(self, arguments: tuple[str, ...]) -> CompletedProcess[bytes]:
        world, own = self._world, {"FOURSEAL_HOME": str(self._home), "FOURSEAL_PASSPHRASE_FILE": self._passphrase}
        own[GATEWAY_VARIABLE] = world.gateways[self._gateway].serving.server
        program, *first = (*world.hosts.inside(self._host), "signer_agent.cli")
        return run(program, [*first, *arguments], world.variables(self._host) | own, cheap=True)

    def _file(self, kind: str, content: str) -> str:
        path = self._world.folder / f"{self.name}.{kind}"
        path.write_text(content, encoding="utf-8")
        return str(path)


class World:
    """What runs. Close it at the end.

    Args:
        folder: for all homes.
        hosts: where it runs: ``HOSTS``.
    """

    def __init__(self, folder: Path, hosts: Hosts) -> None:
        self.folder = folder
        self.hosts = hosts
        self._apps: dict[str, pyotp.TOTP] = {}
        self.gateways: dict[str, GatewayProcess] = {}
        self.agents = {name: Agent(name, self) for name in _PLACES}
        self.session_id = ""
        """Of Alice, Bob and Carol."""
        self._asked = 0
        self._later = timedelta(0)
        self._workers = ThreadPoolExecutor(1)
        self._fetching: Future[dict[str, Any]] | None = None
        self._home = make_home(folder / GUARD, **self._settings(GUARD), guard_answer_seconds=300)
        self._server: ServerProcess | None = None

    def close(self) -> None:
        """End all processes."""
        for process in (*self.gateways.values(), self._server):
            if process is not None:
                process.kill()
        self._workers.shutdown()

    def begin(self) -> None:
        """The first act: all start, Alice and Bob get accounts and a session, and Alice has written."""
        self._start_server()
        for name in _GATEWAYS:
            self._make_gateway(name)
        for name in _GATEWAYS:
            self.start_gateway(name)
        for agent in self.agents.values():
            self._enrol(agent)
        alice, bob, carol = (self.agents[name] for name in ("alice", "bob", "carol"))
        for agent in (alice, bob, carol):
            self._open_account(agent)
        self.session_id = self.meet(bob, "alice", "carol")
        for agent in (alice, carol):
            agent.fourseal("session", "join", self.session_id, "--yes")
            agent.send(self.session_id, f"{agent.name}: zero")
        assert self.new_texts() == ["alice: zero", "carol: zero"]

    def pass_time(self) -> None:
        """Twenty minutes: all is killed, and started again with clocks that are later."""
        self._later += _LATER
        for process in (*self.gateways.values(), self._server):
            assert process is not None
            process.kill()
        self._start_server()
        for name in self.gateways:
            self.start_gateway(name)

    def start_gateway(self, name: str) -> None:
        """Start a gateway, at the address that it had."""
        home = Home(self.folder / name)
        assert self._server is not None
        settings = {
            "FOURSEAL_LISTEN": self._listen(name, home),
            "FOURSEAL_RELAY_ADDRESS": self._server.serving.server,
            "FOURSEAL_GATEWAY_PEERS": json.dumps([each.serving.server for each in self.gateways.values()]),
            "FOURSEAL_GUARD_ADDRESS": self.hosts.guard_address(name, self._server.serving.server),
        }
        variables = self.variables(name) | settings
        self.gateways[name] = GatewayProcess(home, inside=self.hosts.inside(name), **variables)

    def variables(self, host: str) -> dict[str, str]:
        """Of programs on a host."""
        clock = {"PYTHONPATH": str(_CLOCK), "DEMO_SECONDS_BACK": str(-int(self._later.total_seconds()))}
        return {**os.environ, **self.hosts.variables(host), **(clock if self._later else {})}

    def meet(self, host: Agent, *guests: str) -> str:
        """Have somebody make a session; returns its name."""
        made = host.json(
            *("session", "create", "--subject", "Orders", "--with", ",".join(guests)),
            *("--hours", "3", "--scheme", "separate", "--yes"),
        )
        session_id: str = made["session_id"]
        return session_id

    def forge(self, impostor: Agent, victim: Agent, text: str) -> str:
        """Somebody with a victim's password and a code writes to Bob in the victim's name; returns the session.

        Bob does not ask why the victim's certificates are others than before.
        """
        bob = self.agents["bob"]
        code = ("--code", self._code(victim.name), "--password-file", victim.password)
        impostor.fourseal("login", victim.name, *code)
        impostor.fourseal("certificates", "renew", *_KEYS, "--yes")
        session_id = self.meet(impostor, "bob")
        assert bob.refusal("session", "join", session_id, "--yes") == "CONTACT_CHANGED"
        bob.fourseal("contacts", "accept", victim.name, "--yes")
        bob.fourseal("session", "join", session_id, "--yes")
        impostor.send(session_id, text)
        return session_id

    def new_texts(self) -> list[str]:
        """What Bob has fetched and was not asked for here before, once he has fetched all that there is, in order."""
        bob = self.agents["bob"]
        numbers = [each["number"] for each in bob.inbox()["messages"]]
        new, self._asked = numbers[self._asked :], len(numbers)
        return [bob.json("show", str(number))["text"] for number in new]

    def fetch(self, session_id: str) -> None:
        """Have Bob begin to fetch what there is of a session; he waits for what is held."""
        self._fetching = self._workers.submit(self.agents["bob"].inbox, session_id)

    def fetched(self) -> dict[str, Any]:
        """Wait until he has what there is; returns what ``inbox --json`` printed."""
        assert self._fetching is not None
        return self._fetching.result(_PATIENCE_SECONDS)

    def kept(self, name: str) -> tuple[int, int]:
        """How many notices a gateway holds, and has put aside."""
        states = Counter(row.state for row in self._read(name, list_kept))
        return states[NoticeState.HELD], states[NoticeState.QUARANTINED]

    def untold(self, name: str) -> int:
        """How many announcements a gateway has to tell the guard later."""
        return len(self._read(name, lambda connection: list_reports(connection, _MOST)))

    def alarm(self, user: str) -> Alarm | None:
        """The guard's about two keys of a user, if there is one."""
        rows = self._read(GUARD, lambda connection: list_alarms(connection, None, _MOST))
        found = [row.alarm for row in rows if row.alarm.claim.user == user]
        return found[0] if found else None

    def state(self, user: str) -> AlarmState | None:
        """How it stands."""
        alarm = self.alarm(user)
        return None if alarm is None else alarm.state

    def log(self, name: str) -> list[dict[str, Any]]:
        """What a process has logged."""
        lines = (self.folder / name / "server.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _read(self, name: str, query: Callable[[Connection], _Found]) -> _Found:
        return from_database(Home(self.folder / name), query)

    def _settings(self, name: str) -> dict[str, Any]:
        names = self.hosts.names(name)
        listen = f"{self.hosts.listen(name)}:0"
        return {"listen": listen, "enrolment_listen": listen, "public_host": names[0], "server_names": names}

    def _listen(self, name: str, home: Home) -> str:
        serving = Serving.read(home.serving)
        return f"{self.hosts.listen(name)}:{serving.server.rpartition(':')[2] if serving else 0}"

    def _start_server(self) -> None:
        settings = {"FOURSEAL_LISTEN": self._listen(GUARD, self._home)}
        variables = self.variables(GUARD) | settings
        self._server = ServerProcess(self._home, inside=self.hosts.inside(GUARD), **variables)

    def _make_gateway(self, name: str) -> None:
        """What ``gateway init``, ``certify`` and ``accept`` do, in this process."""
        home, own = Home(self.folder / name), self.hosts.names(name)[:1]
        for _ in set_up(GATEWAY, home, own):
            pass
        request = (home.folder / GATEWAY.request).read_bytes()
        with open_ground(self._home, load_settings(self._home.folder), silent_log()) as ground:
            authority = ground.database.read_now(lambda each: Authority.load(each, ground.custody.keys))
            bundle = certify(GATEWAY, authority, request, self.hosts.names(GUARD), system_clock())
        accept_certificate(GATEWAY, home, bundle)

    def _enrol(self, agent: Agent) -> None:
        assert self._server is not None
        ticket = self.folder / f"{agent.name}.ticket"
        ticket.write_text(make_ticket(self._home, agent.name, self._server.serving).to_json(), encoding="utf-8")
        agent.fourseal("init")
        agent.fourseal("enrol", "--ticket", str(ticket))

    def _open_account(self, agent: Agent) -> None:
        password = ("--password-file", agent.password)
        made = agent.json("register", agent.name, "--display-name", agent.name.title(), *_KEYS, *password)["setup"]
        app = pyotp.parse_uri(made["totp_uri"])
        assert isinstance(app, pyotp.TOTP)
        self._apps[agent.name] = app
        code = ("--code", self._code(agent.name))
        agent.fourseal("account", "factor", "confirm", agent.name, made["factor_id"], *code, *password)

    def _code(self, account: str) -> str:
        return self._apps[account].at(datetime.now(UTC) + self._later)


def until(holds: Callable[[], _Found | None]) -> _Found:
    """Wait until something holds that other processes bring about; returns it."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found
