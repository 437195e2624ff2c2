"""Certificates for the joint key: asked for, approved by an officer, checked by others, superseded, revoked."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from demo.attacks import SERVER_HOME
from demo.hsm.custody import DOCUMENT, KEY, OFFICER, Custody
from demo.openssl import ask_openssl, verify_command
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage

_AUTHORITY: Final = "authority.pem"
_CERTIFICATE: Final = "alice.certificate.pem"
_NEXT_CERTIFICATE: Final = "alice.next.pem"
_CERTIFIED_KEY: Final = "alice.certified.pem"
_LIST: Final = "revoked.crl"
_SECONDS: Final = 10


@dataclass(slots=True)
class Office:
    """The second act, and the last. Each step returns what it came to, in a few words; one that fails raises."""

    stage: Stage
    show: Show
    custody: Custody
    request: str = ""

    def certify(self) -> None:
        """From the request to a verifier who is content."""
        for title, step in (
            ("Ask for a certificate, have an officer approve", self._approve),
            ("Verify as somebody else does", self._verify),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    def replace(self) -> None:
        """A new server half, and what becomes of the old one and of its certificate; then one that is revoked."""
        for title, step in (
            ("Replace the server's half", self._rekey),
            ("Revoke the certificate", self._revoke),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    def _approve(self) -> str:
        self.show.say("The request is signed jointly: whoever signs it has the client's half and a line to the server.")
        fingerprint = self._certify(_CERTIFICATE)
        self.show.views(
            {
                "officer": "who asks, for which key; not the signatures that it makes",
                "token": "one more number: the request's signature is a joint one too",
            }
        )
        return f"issued by {OFFICER}: {fingerprint[:16]}..."

    def _certify(self, file: str) -> str:
        asked = self._alice.json("certificate", "request", KEY, "--json")
        self.request = asked["certificate_request_id"]
        approved = json.loads(self._officer("approve", "--json"))
        self._alice.fourseal("certificate", "fetch", self.request, "--out", file)
        return str(approved["certificate"]["fingerprint"])

    def _verify(self) -> str:
        self.show.say("Bob trusts the authority, and has OpenSSL. The certificate's key verifies Alice's signature:")
        ticket = json.loads((self._folder / f"{self._alice.name}.ticket").read_text(encoding="utf-8"))
        (self._folder / _AUTHORITY).write_text(ticket["authority_certificate"], encoding="utf-8")
        self._openssl(["openssl", "verify", "-CAfile", _AUTHORITY, _CERTIFICATE], "OK")
        extract = ["openssl", "x509", "-in", _CERTIFICATE, "-noout", "-pubkey", "-out", _CERTIFIED_KEY]
        self._openssl(extract, "")
        self._openssl(verify_command(_CERTIFIED_KEY, self._alice.signature, DOCUMENT), "Verified OK")
        self._openssl(self._ask_status(_CERTIFICATE), f"{_CERTIFICATE}: good")
        self.show.views({"server": "that somebody asked about this certificate", "verifier": "an ordinary RSA key"})
        return "chain, signature and status hold"

    def _rekey(self) -> str:
        self.show.say("Somebody may have seen the PIN. The server makes a new half; Alice's stays as it is:")
        before = self.custody.object_id(self.custody.key_id)
        with self._alice.agent() as agent:
            new = agent.rekey(KEY, on_step=lambda step: self.show.output(f"- {step}"))
        listed = self.custody.tool("--list-objects", "--type", "privkey")
        if before in listed or new.key_id not in listed:
            raise CommandFailed(f"the token has not the new half instead of the old one: {listed}")
        self._openssl(self._ask_status(_CERTIFICATE), "Reason: superseded")
        self.show.say("Alice gets a certificate for what is a new key to everybody else:")
        self._certify(_NEXT_CERTIFICATE)
        self._openssl(self._ask_status(_NEXT_CERTIFICATE), f"{_NEXT_CERTIFICATE}: good")
        self.show.views({"token": "that the old half was destroyed, and a new one made"})
        return "the old half is gone from the token, and its certificate superseded"

    def _revoke(self) -> str:
        self.show.say("Alice tells the officer that somebody has her agent. From then on nobody takes the certificate:")
        self._officer("revoke", "--reason", "key_compromise", "--json")
        self._openssl(self._ask_status(_NEXT_CERTIFICATE), "Reason: keyCompromise")
        url = f"http://{self.custody.status_server}/revoked.crl"
        self.show.say(f"The list of revoked certificates, from {url}:")
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # our own server
            revoked = x509.load_der_x509_crl(answer.read())
        (self._folder / _LIST).write_bytes(revoked.public_bytes(Encoding.PEM))
        check = ["openssl", "verify", "-crl_check", "-CRLfile", _LIST, "-CAfile", _AUTHORITY, _NEXT_CERTIFICATE]
        self._openssl(check, "certificate revoked", succeeds=False)
        return "OCSP and the list say so"

    def _officer(self, verb: str, *options: str) -> str:
        command = ["fourseal-server", "ra", verb, self.request, "--officer", OFFICER, *options, "--home", SERVER_HOME]
        self.show.command(command, who=OFFICER)
        return self.stage.must(command)

    def _openssl(self, command: list[str], expected: str, *, succeeds: bool = True) -> None:
        ask_openssl(self.show, self.stage, command, expected, succeeds=succeeds)

    def _ask_status(self, certificate: str) -> list[str]:
        trusted = ("-issuer", _AUTHORITY, "-CAfile", _AUTHORITY, "-cert", certificate)
        return ["openssl", "ocsp", *trusted, "-url", f"http://{self.custody.status_server}/ocsp"]

    @property
    def _alice(self) -> Signer:
        return self.custody.alice

    @property
    def _folder(self) -> Path:
        return self.stage.folder
