"""The signers: where each keeps what, and how each runs ``fourseal``."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from demo.show import Show
from demo.stage import Outcome, Stage
from mpc.four_prime_rsa import SigningShare
from signer_agent import Agent
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.outbox import Outbox
from signer_agent.contracts.outbox_entry import OutboxEntry
from signer_agent.contracts.register import Register
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore


@dataclass(slots=True)
class Signer:
    """A person with an agent of their own.

    Args:
        name: of the agent and of its folder, in small letters.
        passphrase: of the key store. A person would type it; the demo puts it into a file.
        factor_id: of the second factor, once there is one.
        stage: where the folder is.
        show: where commands are shown.
        variables: of the environment, beside those that say where the key store is.
    """

    name: str
    passphrase: str = field(repr=False)
    stage: Stage
    show: Show
    factor_id: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.stage.folder / self._passphrase_file).write_text(self.passphrase, encoding="utf-8")
        (self.stage.folder / self.password_file).write_text(secrets.token_urlsafe(12), encoding="utf-8")

    @property
    def password_file(self) -> str:
        """File with the password of the account."""
        return f"{self.name}.password"

    @property
    def public_key(self) -> str:
        """File with the joint public key for signatures, PEM."""
        return f"{self.name}.pem"

    @property
    def signature(self) -> str:
        """File with the signature of the contract."""
        return f"contract.pdf.{self.name}.sig"

    def fourseal(self, *arguments: str, live: bool = False) -> str:
        """Run ``fourseal`` as this person and show it; it has to succeed.

        Args:
            arguments: of the command.
            live: let it show its own progress on a terminal.

        Returns:
            What it printed.
        """
        command = ["fourseal", *arguments]
        self.show.command(command, who=self.name)
        return self.stage.must(command, self._environment, live=live)

    def serve(self, *arguments: str, log_name: str) -> dict[str, str]:
        """Start a ``fourseal`` of this person that serves until the end; see ``Stage.serve``."""
        command = ["fourseal", *arguments]
        self.show.command(command, who=self.name)
        return self.stage.serve(command, log_name, self._environment)

    def enrol(self, server_home: str) -> None:
        """Have the operator make a ticket, make a key store, and enrol."""
        self._use_ticket(f"{self.name}.ticket", ["--home", server_home], is_new=True)

    def enrol_again(self, server_home: str) -> None:
        """The same for somebody whose agent was revoked; the key store is there."""
        self._use_ticket(f"{self.name}.new.ticket", ["--reinstate", "--home", server_home], is_new=False)

    def _use_ticket(self, ticket: str, options: list[str], *, is_new: bool) -> None:
        command = ["fourseal-server", "ticket", self.name, "--out", ticket, *options]
        self.show.command(command, who="operator")
        self.stage.must(command)
        if is_new:
            self.fourseal("init")
        self.fourseal("enrol", "--ticket", ticket)

    def json(self, *arguments: str) -> dict[str, Any]:
        """As ``fourseal``, for a command with ``--json``; returns what it printed."""
        printed: dict[str, Any] = json.loads(self.fourseal(*arguments))
        return printed

    def agent(self) -> Agent:
        """The library, opened: what this person's own program uses."""
        return Agent.open(passphrase=self.passphrase, home=self.stage.folder / self.name)

    def store(self) -> KeyStore:
        """The key store, opened: what a program, or a thief with the passphrase, gets at."""
        return KeyStore.open(Home.find(self.stage.folder / self.name), Passphrase(self.passphrase))

    def outbox(self) -> list[OutboxEntry]:
        """All that this person has sent, oldest first, with what opens it."""
        store = self.store()
        return Outbox(store, self.name, Register(store, self.name)).sent()

    def signing_half(self) -> SigningShare:
        """The half that signs in contract sessions."""
        half = Drawers(self.store()).pairs_of(self.name)[0].sign_key
        if not isinstance(half, SigningShare):
            raise TypeError("not a half of a joint key")
        return half

    def robbed(self, *arguments: str) -> Outcome:
        """Run ``fourseal`` as a thief with this person's folder and passphrase, and return what came of it."""
        return self.attempt(*arguments, who="thief")

    def attempt(self, *arguments: str, who: str = "") -> Outcome:
        """Run ``fourseal`` as this person, whatever comes of it; ``who`` is shown, this person by default."""
        command = ["fourseal", *arguments]
        self.show.command(command, who=who or self.name)
        return self.stage.run(command, self._environment)

    @property
    def _passphrase_file(self) -> str:
        return f"{self.name}.passphrase"

    @property
    def _environment(self) -> dict[str, str]:
        folder = self.stage.folder
        return {
            **self.variables,
            "FOURSEAL_HOME": str(folder / self.name),
            "FOURSEAL_PASSPHRASE_FILE": str(folder / self._passphrase_file),
        }
