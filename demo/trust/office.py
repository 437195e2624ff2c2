"""An employee asks, two directors approve, and the company's keys are used: within the grant, and outside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.contract import CONTRACT_PDF
from demo.openssl import ask_openssl, encrypt_command
from demo.people import Signer
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage
from demo.trust.company import COMPANY, LETTERS_CERTIFICATE, SEAL_CERTIFICATE, Company

CONTRACT: Final = "contract.pdf"
KIND: Final = "contract"
_SEAL: Final = "contract.pdf.seal"
_RECEIPT: Final = "contract.pdf.receipt"
_LETTER: Final = "letter.txt"
ENCRYPTED: Final = "letter.txt.enc"
_TEXT: Final = "To Acme Works: our offer is 12,000 euros, until Friday. In confidence, a supplier\n"
_SEAL_PUBLIC_KEY: Final = "acme.seal.public.pem"
_LETTERS_PUBLIC_KEY: Final = "acme.letters.public.pem"


@dataclass(slots=True)
class Office:
    """The second act. Each step returns what it came to, in a few words; one that does not hold raises."""

    company: Company
    seal_grant: str = ""
    letters_grant: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Ask for the seal and for the letters", self._ask),
            ("Two of three directors approve", self._approve),
            ("Seal a contract", self._seal),
            ("Decrypt a letter to the company", self._decrypt),
        ):
            with self.company.show.step(title) as shown:
                shown.outcome = step()
        with self.company.show.step("Use the seal outside the grant", is_attack=True) as shown:
            shown.outcome = self._outside()

    def _ask(self) -> str:
        self._show.say("Alice says what for, how often, until when. All of that stands in what she signs:")
        until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
        limits = ("--uses", "5", "--until", until)
        for what in ("seal", "letters"):
            key = self.company.seal_key if what == "seal" else self.company.letters_key
            more = ("--kind", KIND, "--reason", "contracts of the spring") if what == "seal" else ("--reason", "offers")
            asked = self._alice.json("grant", "request", COMPANY, key, *limits, *more, "--json")
            if what == "seal":
                self.seal_grant = asked["grant_id"]
            else:
                self.letters_grant = asked["grant_id"]
        refused = self._alice.attempt("use", "sign", self.seal_grant, self._contract(), *_because("too early"))
        self._expect_refusal("before anybody approved:", refused.printed, "GRANT_NOT_APPROVED", refused.succeeded)
        return "two grants asked for; nothing may be used yet"

    def _approve(self) -> str:
        bob, carol, _ = self.company.directors
        self._show.output(bob.fourseal("grant", "approve", self.seal_grant, "--yes"))
        refused = self._alice.attempt("use", "sign", self.seal_grant, self._contract(), *_because("one is not two"))
        self._expect_refusal("with one approval:", refused.printed, "GRANT_NOT_APPROVED", refused.succeeded)
        carol.fourseal("grant", "approve", self.seal_grant, "--yes")
        for director in (bob, carol):
            director.fourseal("grant", "approve", self.letters_grant, "--yes")
        self._show.views(
            {
                "directors": "who asks, which key, what kind of document, how often, until when, and why",
                "server": "the same, with signatures that it cannot make without a half of each",
            }
        )
        return "each signed the digest of exactly what Alice asked for"

    def _seal(self) -> str:
        contract, to = self._contract(), ("--out", _SEAL, "--receipt", _RECEIPT)
        printed = self._alice.fourseal("use", "sign", self.seal_grant, contract, *_because("order 4711", KIND), *to)
        self._show.output(printed)
        self._public_key(SEAL_CERTIFICATE, _SEAL_PUBLIC_KEY)
        self._show.say("To OpenSSL it is an ordinary signature of the company's:")
        verify = ["openssl", "dgst", "-sha256", "-verify", _SEAL_PUBLIC_KEY, "-signature", _SEAL, contract]
        ask_openssl(self._show, self._stage, verify, "Verified OK")
        self._show.views(
            {
                "server": "the contract's digest and kind, not the contract; two signatures of Alice's key",
                "token": "the digest",
            }
        )
        return "sealed, and recorded before the seal left the server"

    def _decrypt(self) -> str:
        (self._stage.folder / _LETTER).write_text(_TEXT, encoding="utf-8")
        self._public_key(LETTERS_CERTIFICATE, _LETTERS_PUBLIC_KEY)
        self._show.say("To write to the company takes its certificate, and no grant:")
        opened = f"{_LETTER}.opened"
        ask_openssl(self._show, self._stage, encrypt_command(_LETTERS_PUBLIC_KEY, _LETTER, ENCRYPTED), "")
        self._alice.fourseal(
            "use", "decrypt", self.letters_grant, ENCRYPTED, *_because("offer of Friday"), "--out", opened
        )
        found = (self._stage.folder / opened).read_text(encoding="utf-8")
        self._show.output(found)
        if found != _TEXT:
            raise CommandFailed("the letter is another one")
        self._show.views({"server": "the letter, for a moment: the whole key is in its token", "record": "its digest"})
        return "the letter came out as it went in"

    def _outside(self) -> str:
        attempts = (
            ("a document of another kind:", self.seal_grant, _because("a loan", "loan"), "KIND_OUTSIDE_GRANT"),
            ("no kind at all:", self.seal_grant, _because("a loan"), "KIND_OUTSIDE_GRANT"),
        )
        for attempt, grant, said, cause in attempts:
            refused = self._alice.attempt("use", "sign", grant, self._contract(), *said, "--out", "outside.sig")
            self._expect_refusal(attempt, refused.printed, cause, refused.succeeded)
        bob = self.company.directors[0]
        foreign = bob.attempt("use", "sign", self.seal_grant, self._contract(), *_because("mine too", KIND))
        self._expect_refusal("a director, under Alice's grant:", foreign.printed, "", foreign.succeeded)
        return "refused, and each of Alice's attempts recorded under a number"

    def _contract(self) -> str:
        place = self._stage.folder / CONTRACT
        if not place.exists():
            shutil.copyfile(CONTRACT_PDF, place)
        return CONTRACT

    def _public_key(self, certificate: str, out: str) -> None:
        read = x509.load_pem_x509_certificate((self._stage.folder / certificate).read_bytes())
        public = read.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self._stage.folder / out).write_bytes(public)

    def _expect_refusal(self, attempt: str, printed: str, cause: str, succeeded: bool) -> None:  # noqa: FBT001
        said = " ".join(printed.split())
        if succeeded or cause not in said:
            raise AttackSucceeded(f"{attempt} not refused as it must be ({cause}): {said}")
        self._show.refusal(attempt, said.rpartition("Error: ")[2])

    @property
    def _alice(self) -> Signer:
        return self.company.alice

    @property
    def _show(self) -> Show:
        return self.company.show

    @property
    def _stage(self) -> Stage:
        return self.company.stage


def _because(reason: str, kind: str = "") -> tuple[str, ...]:
    return ("--reason", reason, "--yes", *(("--kind", kind) if kind else ()))
