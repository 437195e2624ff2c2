"""A server, and two people with accounts, joint keys and personal certificates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from demo.accounts import open_account
from demo.attacks import SERVER_HOME
from demo.people import Signer
from demo.phone import Phone
from demo.show import Show
from demo.stage import Stage
from demo.token_server import OFFICER

AUTHORITY: Final = "trust/authority.pem"
"""File with the authority's certificate: all that a verifier knows of this server."""

_TRUST: Final = "trust"
_KEY: Final = "personal"
_HALF_BITS: Final = "2048"
_CONFIGURATION: Final = f'registration_officers = ["{OFFICER}"]\nshares_ahead = 0\n'


@dataclass(slots=True)
class Parties:
    """The first act. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    alice: Signer
    bob: Signer

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Start a server", self._start),
            ("Give two people accounts", self._enrol),
            ("Certify a joint key of each", self._certify),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    def operator(self, *arguments: str, who: str = "operator") -> str:
        """Run ``fourseal-server`` and show it; it has to succeed. Returns what it printed."""
        command = ["fourseal-server", *arguments, "--home", SERVER_HOME]
        self.show.command(command, who=who)
        return self.stage.must(command)

    def _start(self) -> str:
        home = self.stage.folder / SERVER_HOME
        home.mkdir(mode=0o700)
        (home / "config.toml").write_text(_CONFIGURATION, encoding="utf-8")
        self.operator("init")
        self.show.command(["fourseal-server", "run", "--home", SERVER_HOME], who="operator")
        serving = self.stage.start_server(SERVER_HOME)
        self.operator("trust", "--out", _TRUST)
        return f"serves on {serving['server']}"

    def _enrol(self) -> str:
        for person in (self.alice, self.bob):
            person.enrol(SERVER_HOME)
            open_account(person, Phone(), person.name.capitalize())
        return "Alice and Bob are logged in"

    def _certify(self) -> str:
        self.show.say("Half of each key is with its owner, half with the server. An officer looks who asks.")
        for person in (self.alice, self.bob):
            person.fourseal("key", "generate", "sign", "--label", _KEY, "--bits", _HALF_BITS, live=True)
            request = person.json("certificate", "request", _KEY, "--json")["certificate_request_id"]
            approved = json.loads(self.operator("ra", "approve", request, "--officer", OFFICER, "--json", who=OFFICER))
            self.show.output(f"issued: {approved['certificate']['fingerprint'][:16]}...")
        return "two personal certificates: what these keys sign, their owners answer for"
