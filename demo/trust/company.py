"""A token, a server on it, four people with certified keys of their own, and a company whose keys stay in the token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from demo.accounts import open_account
from demo.attacks import SERVER_HOME
from demo.people import Signer
from demo.phone import Phone
from demo.show import Show
from demo.stage import CommandFailed, Stage
from demo.token_server import OFFICER, make_token, start_on_token
from softhsm import SoftToken

COMPANY: Final = "acme"
PERSONAL_KEY: Final = "personal"
SEAL_CERTIFICATE: Final = "acme.seal.pem"
LETTERS_CERTIFICATE: Final = "acme.letters.pem"
APPROVALS: Final = 2
_HALF_BITS: Final = "2048"


@dataclass(slots=True)
class Company:
    """The first act. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    token: SoftToken
    alice: Signer
    directors: Sequence[Signer]
    phones: dict[str, Phone] = field(default_factory=dict)
    seal_key: str = ""
    letters_key: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Make a token, start a server on it", self._start),
            ("Give an employee and three directors accounts", self._enrol),
            ("Certify a personal key of each", self._certify),
            ("Register a company with two keys", self._register),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    @property
    def people(self) -> tuple[Signer, ...]:
        """The employee, and the directors."""
        return (self.alice, *self.directors)

    def operator(self, *arguments: str, who: str = "operator") -> str:
        """Run ``fourseal-server`` and show it; it has to succeed. Returns what it printed."""
        command = ["fourseal-server", *arguments, "--home", SERVER_HOME]
        self.show.command(command, who=who)
        return self.stage.must(command)

    def _start(self) -> str:
        made = make_token(self.stage, self.show, self.token)
        start_on_token(self.stage, self.show, self.token)
        return made

    def _enrol(self) -> str:
        self.show.say("Each has an agent of their own, with a certificate for mutual TLS, a password and a phone.")
        for person in self.people:
            person.enrol(SERVER_HOME)
            phone = self.phones[person.name] = Phone()
            open_account(person, phone, person.name.capitalize())
        return "four people are logged in"

    def _certify(self) -> str:
        self.show.say(
            "Half of each personal key is with its owner, half in the token. Nobody can deny what theirs signs: so an "
            "officer looks who asks before a certificate is issued."
        )
        for person in self.people:
            person.fourseal("key", "generate", "sign", "--label", PERSONAL_KEY, "--bits", _HALF_BITS, live=True)
            asked = person.json("certificate", "request", PERSONAL_KEY, "--json")
            self._approve(asked["certificate_request_id"])
        return "four personal certificates"

    def _register(self) -> str:
        self.show.say("The company's keys are made in the token, and stay there. Two of three directors must approve:")
        self.operator("organisation", "add", COMPANY, "--display-name", "Acme Works")
        for director in self.directors:
            self.operator("organisation", "administrator", "add", COMPANY, director.name)
        self.operator("organisation", "policy", COMPANY, "--approvals", str(APPROVALS))
        self.seal_key = self._make_key("sign", "ecdsa-p256", SEAL_CERTIFICATE)
        self.letters_key = self._make_key("decrypt", "rsa-3072", LETTERS_CERTIFICATE)
        shown = self.directors[0].fourseal("org", "show", COMPANY)
        self.show.output(shown)
        listed = self.stage.must(self.token.tool_command("--list-objects", "--type", "privkey"))
        if not all(f"fourseal {key}\n" in listed for key in (self.seal_key, self.letters_key)):
            raise CommandFailed(f"the token lacks a key of the company: {listed}")
        self.show.views({"token": "both private keys of the company, never extractable", "employees": "certificates"})
        return "a key that seals and one that decrypts, and nobody may use them yet"

    def _make_key(self, purpose: str, kind: str, certificate: str) -> str:
        made = json.loads(self.operator("organisation", "key", COMPANY, "--purpose", purpose, "--kind", kind, "--json"))
        asked = json.loads(self.operator("organisation", "request", made["key_id"], "--json"))
        self._approve(asked["certificate_request_id"])
        self.operator("ra", "show", asked["certificate_request_id"], "--out", certificate)
        return str(made["key_id"])

    def _approve(self, request: str) -> None:
        self.operator("ra", "approve", request, "--officer", OFFICER, "--json", who=OFFICER)
