"""A certificate for the joint key: asked for, approved by an officer, checked by others, revoked."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from demo.attacks import SERVER_HOME
from demo.hsm.custody import DOCUMENT, KEY, OFFICER
from demo.openssl import ask_openssl, verify_command
from demo.people import Signer
from demo.show import Show
from demo.stage import Stage

_AUTHORITY: Final = "authority.pem"
_CERTIFICATE: Final = "alice.certificate.pem"
_CERTIFIED_KEY: Final = "alice.certified.pem"
_LIST: Final = "revoked.crl"
_SECONDS: Final = 10


@dataclass(slots=True)
class Office:
    """The second act, and the last. ``status_server``: where the server says by HTTP whether certificates hold."""

    stage: Stage
    show: Show
    alice: Signer
    key_id: str
    status_server: str
    request: str = ""

    def certify(self) -> None:
        """From the request to a verifier who is content."""
        for title, step in (
            ("Ask for a certificate, have an officer approve", self._approve),
            ("Verify as somebody else does", self._verify),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()

    def revoke(self) -> None:
        """And to one who is not."""
        with self.show.step("Revoke the certificate") as shown:
            shown.outcome = self._revoke()

    def _approve(self) -> str:
        self.show.say("The request is signed jointly: whoever signs it has the client's half and a line to the server.")
        asked = self.alice.json("certificate", "request", KEY, "--json")
        self.request = asked["certificate_request_id"]
        approved = self._officer("approve", "--json")
        self.alice.fourseal("certificate", "fetch", self.request, "--out", _CERTIFICATE)
        self.show.views(
            {
                "officer": "who asks, for which key; not the signatures that it makes",
                "token": "one more number: the request's signature is a joint one too",
            }
        )
        return f"issued by {OFFICER}: {json.loads(approved)['certificate']['fingerprint'][:16]}..."

    def _verify(self) -> str:
        self.show.say("Bob trusts the authority, and has OpenSSL. The certificate's key verifies Alice's signature:")
        ticket = json.loads((self._folder / f"{self.alice.name}.ticket").read_text(encoding="utf-8"))
        (self._folder / _AUTHORITY).write_text(ticket["authority_certificate"], encoding="utf-8")
        self._openssl(["openssl", "verify", "-CAfile", _AUTHORITY, _CERTIFICATE], "OK")
        extract = ["openssl", "x509", "-in", _CERTIFICATE, "-noout", "-pubkey", "-out", _CERTIFIED_KEY]
        self._openssl(extract, "")
        self._openssl(verify_command(_CERTIFIED_KEY, self.alice.signature, DOCUMENT), "Verified OK")
        self._openssl(self._ask_status, f"{_CERTIFICATE}: good")
        self.show.views({"server": "that somebody asked about this certificate", "verifier": "an ordinary RSA key"})
        return "chain, signature and status hold"

    def _revoke(self) -> str:
        self.show.say("Alice tells the officer that somebody has her agent. From then on nobody takes the certificate:")
        self._officer("revoke", "--reason", "key_compromise", "--json")
        self._openssl(self._ask_status, f"{_CERTIFICATE}: revoked")
        url = f"http://{self.status_server}/revoked.crl"
        self.show.say(f"The list of revoked certificates, from {url}:")
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # our own server
            revoked = x509.load_der_x509_crl(answer.read())
        (self._folder / _LIST).write_bytes(revoked.public_bytes(Encoding.PEM))
        check = ["openssl", "verify", "-crl_check", "-CRLfile", _LIST, "-CAfile", _AUTHORITY, _CERTIFICATE]
        self._openssl(check, "certificate revoked", succeeds=False)
        return "OCSP and the list say so, with the reason keyCompromise"

    def _officer(self, verb: str, *options: str) -> str:
        command = ["fourseal-server", "ra", verb, self.request, "--officer", OFFICER, *options, "--home", SERVER_HOME]
        self.show.command(command, who=OFFICER)
        return self.stage.must(command)

    def _openssl(self, command: list[str], expected: str, *, succeeds: bool = True) -> None:
        ask_openssl(self.show, self.stage, command, expected, succeeds=succeeds)

    @property
    def _ask_status(self) -> list[str]:
        trusted = ("-issuer", _AUTHORITY, "-CAfile", _AUTHORITY, "-cert", _CERTIFICATE)
        return ["openssl", "ocsp", *trusted, "-url", f"http://{self.status_server}/ocsp"]

    @property
    def _folder(self) -> Path:
        return self.stage.folder
