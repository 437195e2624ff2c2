"""The first act, some time ago: everything is started, and Alice and Carol have written to Bob."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from demo.accounts import open_account
from demo.attacks import SERVER_HOME
from demo.guard.network import AGENTS, Network
from demo.people import Signer
from demo.phone import Phone
from demo.stage import CommandFailed

NEW_PAIR: Final = ("certificates", "renew", "--sign-key", "ed25519", "--encrypt-key", "x25519", "--yes")
"""Command for another pair of keys with certificates."""


@dataclass(slots=True)
class Past:
    """Each step returns what it came to, in a few words; one that does not hold raises.

    Args:
        network: where it plays.
        phone: everybody's.
        session_id: of the session that Bob has with Alice and Carol, once there is one.
        read: texts that Bob has read, in order.
    """

    network: Network
    phone: Phone = field(default_factory=Phone)
    session_id: str = ""
    read: list[str] = field(default_factory=list)

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Start a server with a guard, and three gateways", self._start),
            ("Enrol five agents", self._enrol),
            ("Alice and Carol write to Bob", self._write),
        ):
            with self.network.show.step(title) as shown:
                shown.outcome = step()

    def send(self, author: str, session_id: str, text: str) -> None:
        """Have somebody write to Bob."""
        self.network.agents[author].fourseal("send", session_id, "--text", text, "--to", "bob", "--yes")

    def take_over(self, account: str, thief: Signer) -> None:
        """Have a thief log in with somebody's password and phone, and have keys certified in that name."""
        password = ("--password-file", self.network.agents[account].password_file)
        thief.fourseal("login", account, "--code", self.phone.code(account), *password)
        thief.fourseal(*NEW_PAIR)

    def meet_bob(self, host: Signer, account: str, subject: str) -> str:
        """Have whoever is logged in make a session with Bob, who accepts the account's new keys; returns its name."""
        bob = self.network.agents["bob"]
        session_id = self._session(host, subject, "bob")
        warned = bob.attempt("session", "join", session_id, "--yes")
        if warned.succeeded or "CONTACT_CHANGED" not in warned.printed:
            raise CommandFailed(f"Bob was not told that {account} has other certificates than before")
        bob.fourseal("contacts", "accept", account, "--yes")
        bob.fourseal("session", "join", session_id, "--yes")
        return session_id

    def _session(self, host: Signer, subject: str, others: str) -> str:
        made = host.json(
            *("session", "create", "--subject", subject, "--with", others, "--hours", "3"),
            *("--scheme", "separate", "--yes", "--json"),
        )
        return str(made["session_id"])

    def bob_reads(self, *expected: str) -> None:
        """Have Bob fetch what came: it must be these texts, in this order, and nothing else."""
        bob, show = self.network.agents["bob"], self.network.show
        printed = bob.attempt("inbox").printed
        show.output("\n".join(line for line in printed.splitlines() if line.startswith(("Not ", "Two keys "))))
        new = self._texts(bob)[len(self.read) :]
        show.output("\n".join(f"- {text}" for text in new) or "- nothing new")
        if new != list(expected):
            raise CommandFailed(f"Bob reads {new}, and not {list(expected)}")
        self.read += new

    def _texts(self, bob: Signer) -> list[str]:
        with bob.agent() as agent, agent.contracts().messages() as messages:
            return [messages.read_text(each.number) or "" for each in messages.messages()]

    def _start(self) -> str:
        self.network.show.say(
            "The server keeps accounts and mail, and its guard watches over keys. Each gateway makes a key of its own "
            "and has it certified. Agents reach the mail by their gateway alone."
        )
        self.network.set_up()
        return f"{len(self.network.gateways)} gateways between the agents and the server"

    def _enrol(self) -> str:
        for agent in self.network.agents.values():
            agent.enrol(SERVER_HOME)
            self.network.place(agent)
        for name in ("alice", "bob", "carol"):
            open_account(self.network.agents[name], self.phone, name.title())
        lines = [f"{'agent':10}{'address':15}gateway"]
        for name, (address, gateway) in AGENTS.items():
            lines.append(f"{name:10}{address:15}{gateway} ({self.network.gateways[gateway].host})")
        self.network.show.output("\n".join(lines))
        return "3 of them have an account"

    def _write(self) -> str:
        bob = self.network.agents["bob"]
        self.session_id = self._session(bob, "Orders of the winter", "alice,carol")
        for name in ("alice", "carol"):
            self.network.agents[name].fourseal("session", "join", self.session_id, "--yes")
        self.send("alice", self.session_id, "Alice: twenty chairs, please.")
        self.send("carol", self.session_id, "Carol: a table.")
        self.bob_reads("Alice: twenty chairs, please.", "Carol: a table.")
        return "gateways remember whose key came by whom, and to whom"
