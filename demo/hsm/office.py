"""Certificates, for the joint key and for an organisation's: asked for, approved, checked by others, revoked."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from demo.attacks import SERVER_HOME
from demo.hsm.custody import DOCUMENT, KEY, Custody
from demo.openssl import ask_openssl, verify_command
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage
from demo.token_server import OFFICER

_AUTHORITY: Final = "authority.pem"
_CERTIFICATE: Final = "alice.certificate.pem"
_ORGANISATION: Final = "acme"
_ITS_CERTIFICATE: Final = "acme.pem"
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
        """A new server half, and what becomes of the old one and of its certificate; then an organisation's."""
        for title, step in (
            ("Replace the server's half", self._rekey),
            ("Certify a key of an organisation", self._organisation),
            ("Revoke the organisation's certificate", self._revoke),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    def _approve(self) -> str:
        self.show.say("The request is signed jointly: whoever signs it has the client's half and a line to the server.")
        asked = self._alice.json("certificate", "request", KEY, "--json")
        self.request = asked["certificate_request_id"]
        approved = json.loads(self._officer("approve", "--officer", OFFICER, "--json"))
        self._alice.fourseal("certificate", "fetch", self.request, "--out", _CERTIFICATE)
        self.show.views(
            {
                "officer": "who asks, for which key; not the signatures that it makes",
                "token": "one more number: the request's signature is a joint one too",
            }
        )
        return f"issued by {OFFICER}: {approved['certificate']['fingerprint'][:16]}..."

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
        self.show.say("To everybody else it is a new key, for which Alice would ask for another certificate.")
        self.show.views({"token": "that the old half was destroyed, and a new one made"})
        return "the old half is gone from the token, and its certificate superseded"

    def _organisation(self) -> str:
        self.show.say("An institution has a key of its own: whole, in the token, and nobody's to take home.")
        self._operator("organisation", "add", _ORGANISATION, "--display-name", "Acme Works")
        kind = ("--purpose", "sign", "--kind", "ecdsa-p256")
        made = json.loads(self._operator("organisation", "key", _ORGANISATION, *kind, "--json"))
        asked = json.loads(self._operator("organisation", "request", made["key_id"], "--json"))
        self.request = asked["certificate_request_id"]
        self._officer("approve", "--officer", OFFICER, "--json")
        self._officer("show", "--out", _ITS_CERTIFICATE)
        listed = self.custody.tool("--list-objects", "--type", "privkey", shown=False)
        if not all(f"fourseal {name}\n" in listed for name in ("authority", made["key_id"])):
            raise CommandFailed(f"the token lacks a key: {listed}")
        self._openssl(["openssl", "verify", "-CAfile", _AUTHORITY, _ITS_CERTIFICATE], "OK")
        self._openssl(self._ask_status(_ITS_CERTIFICATE), f"{_ITS_CERTIFICATE}: good")
        self.show.views({"token": "the authority's key, which signs the certificate, and the organisation's"})
        return "the key and the authority's that certified it are in the token"

    def _revoke(self) -> str:
        self.show.say("The institution closes down. From then on nobody takes its certificate:")
        self._officer("revoke", "--officer", OFFICER, "--reason", "cessation_of_operation", "--json")
        self._openssl(self._ask_status(_ITS_CERTIFICATE), "Reason: cessationOfOperation")
        url = f"http://{self.custody.status_server}/revoked.crl"
        self.show.say(f"The list of revoked certificates, from {url}:")
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # our own server
            revoked = x509.load_der_x509_crl(answer.read())
        (self._folder / _LIST).write_bytes(revoked.public_bytes(Encoding.PEM))
        check = ["openssl", "verify", "-crl_check", "-CRLfile", _LIST, "-CAfile", _AUTHORITY, _ITS_CERTIFICATE]
        self._openssl(check, "certificate revoked", succeeds=False)
        return "OCSP and the list say so"

    def _officer(self, verb: str, *options: str) -> str:
        return self._operator("ra", verb, self.request, *options, who=OFFICER)

    def _operator(self, *arguments: str, who: str = "operator") -> str:
        command = ["fourseal-server", *arguments, "--home", SERVER_HOME]
        self.show.command(command, who=who)
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
