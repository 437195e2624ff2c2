"""Evidence: a year later, in front of somebody who was not there, and who believes neither Bob nor the server.

Bob's certificates have expired, and the session is closed. The evidence opens all the same, and is verified offline: by
``fourseal verify``, and by OpenSSL alone.
"""

from __future__ import annotations

import asyncio
import shutil
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract.bundle.files import CONTENT, VERIFY
from contract.bundle.reading import read_bundle
from contract.bundle.writing import write_bundle
from contract.certificates import SessionCertificate
from contract.oids import DEFAULT_ARC
from demo.attacks import SERVER_HOME
from demo.forged_bundle import forge_bundle
from demo.meeting import CONTRACT, MEDIA_HOME, Meeting
from demo.people import Signer
from demo.show import Show
from demo.stage import SIGNER_CERTIFICATE_DAYS, AttackSucceeded, CommandFailed, Stage
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.signer import Signer as LoggedIn
from signer_agent.evidence.archive import reading_archive
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore

_BACKUP: Final = "server.backup"
_TRUST: Final = "trust"
_BUNDLE: Final = "bundle.zip"
_UNPACKED: Final = "bundle"
_OPENED: Final = "opened.pdf"
_FORGED: Final = "forged.zip"
_REPORT: Final = "report.pdf"
_OTHER_SUBJECT: Final = "Rent of a garage"
_PASSED: Final = "│ passed "
_TABLE: Final = ("┏", "┃", "┡", "│", "└")


@dataclass(slots=True)
class Court:
    """The third act. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    meeting: Meeting
    bob: Signer
    other_certificate: bytes = b""
    """Of another session, PEM."""

    def prepare(self) -> None:
        """While the signers' certificates are still good: another session, and a backup that the operator makes."""
        with self.show.step("Meet about something else") as shown:
            shown.outcome = self._meet_again()
        self.stage.stop_servers()
        shutil.copytree(self.stage.folder / SERVER_HOME, self.stage.folder / _BACKUP)

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("A year later: log in again", self._log_in),
            ("Open the evidence", self._open),
            ("Disclose it to an arbitrator", self._disclose),
            ("Verify it offline", self._verify),
            ("Verify it with OpenSSL alone", self._verify_with_openssl),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()
        for title, attack in (
            ("Attack with a changed bundle", self._change_content),
            ("Attack with another session's certificate", self._exchange_certificate),
            ("Attack with an older log", self._rewind),
        ):
            with self.show.step(title, is_attack=True) as shown:
                shown.outcome = attack()

    def _meet_again(self) -> str:
        self.show.say("Alice and Bob have another session. An attack will want its certificate.")
        alice = self.meeting.alice
        made = alice.json(
            *("session", "create", "--subject", _OTHER_SUBJECT, "--with", self.bob.name, "--hours", "3"),
            *("--yes", "--json"),
        )
        self.other_certificate = asyncio.run(self._certificate_of(alice, str(made["session_id"])))
        return "its certificate is public to its members"

    async def _certificate_of(self, signer: Signer, session_id: str) -> bytes:
        store = KeyStore.open(Home.find(self.stage.folder / signer.name), Passphrase(signer.passphrase))
        identity = store.identity()
        if identity is None:
            raise CommandFailed("the scene is wrong: nobody is enrolled")
        line = ServerLine(identity, store)
        try:
            session = await (await LoggedIn.open(store, line)).session(session_id)
            return session.sign_certificate.certificate.public_bytes(Encoding.PEM)
        finally:
            await line.close()

    def _log_in(self) -> str:
        self.show.say(
            f"It is {datetime.now(UTC):%d %B %Y}. The servers start again. Bob's certificates were good for "
            f"{SIGNER_CERTIFICATE_DAYS} days; he logs in with password and phone, and makes new keys."
        )
        self.stage.start_server(SERVER_HOME)
        self.stage.start_media_server(MEDIA_HOME)
        self.show.output(self.bob.fourseal("certificates", "show"))
        self.show.output(self.meeting.log_in(self.bob))
        self.show.output(self.bob.fourseal("certificates", "renew", "--yes"))
        return "Bob is logged in; his old keys open what is old"

    def _open(self) -> str:
        self.show.say(
            "The record is fetched from the evidence server, which decrypts its part of the content key. Everything is "
            "verified again, by the checks of a bundle."
        )
        self.show.output(_without_table(self.bob.fourseal("evidence", "open", "1", "--out", _OPENED)))
        if (self.stage.folder / _OPENED).read_bytes() != (self.stage.folder / CONTRACT).read_bytes():
            raise CommandFailed("what was opened is not what Alice sent")
        self.show.seen("that Bob opens it", "nothing; it takes no part")
        return "the contract as Alice sent it, with both answers"

    def _disclose(self) -> str:
        self.show.say("What the arbitrator gets is one file. It says what it discloses before it is written.")
        self.show.output(self.bob.fourseal("evidence", "disclose", "1", "--out", _BUNDLE, "--yes"))
        with zipfile.ZipFile(self._bundle) as bundle:
            names = bundle.namelist()
            bundle.extractall(self.stage.folder / _UNPACKED)
        return f"{len(names)} files in {self._bundle.stat().st_size / 1e3:.0f} kB"

    def _verify(self) -> str:
        self.show.say(
            "The arbitrator has no account and asks nobody. The authority's certificate and the log's key come from "
            "the operator, not from Bob."
        )
        command = ["fourseal-server", "trust", "--out", _TRUST, "--home", SERVER_HOME]
        self.show.command(command, who="operator")
        self.show.output(self.stage.must(command))
        command = self._verify_command(_BUNDLE, "--pdf", _REPORT)
        self.show.command(command, who="arbitrator")
        printed = self.stage.must(command)
        self.show.output(_without_table(printed))
        return f"{printed.count(_PASSED)} checks passed; the report is a PDF"

    def _verify_with_openssl(self) -> str:
        text = (self.stage.folder / _UNPACKED / VERIFY).read_text(encoding="utf-8")
        commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        self.show.say(
            f"{VERIFY} in the bundle tells how, for a shell and OpenSSL. Its {len(commands)} commands, in order; "
            "here are those that verify signatures and certificates:"
        )
        key = (self.stage.folder / _TRUST / "log-key").read_text(encoding="utf-8").strip()
        script = f"cd {_UNPACKED}\nLOG_KEY='{key}'\n" + "\n".join(commands)
        printed = self.stage.must(["sh", "-ec", script])
        for command in commands:
            if command.startswith("openssl verify") or " -verify " in command:
                self.show.output(f"$ {command}")
        if "Verified OK" not in printed:
            raise CommandFailed(f"OpenSSL verified nothing:\n{printed}")
        return f"{len(commands)} commands, none failed"

    def _change_content(self) -> str:
        self.show.say("Bob wants to have paid less. He changes the contract, and makes manifest and zip file anew.")
        content = (self.stage.folder / CONTRACT).read_bytes().replace(b"/Pages", b"/PagEs", 1)
        return self._refused_bundle({CONTENT: content}, "content")

    def _exchange_certificate(self) -> str:
        self.show.say(f"He says that it was signed in the session about {_OTHER_SUBJECT!r}: its certificate is real.")
        with reading_archive(self._bundle) as files:
            bundle = read_bundle(files, DEFAULT_ARC).bundle
        other = SessionCertificate(x509.load_pem_x509_certificate(self.other_certificate), DEFAULT_ARC)
        forged = replace(bundle, message=replace(bundle.message, session_sign=other))
        return self._refused_bundle(write_bundle(forged), "certificate")

    def _refused_bundle(self, exchanged: dict[str, bytes], what: str) -> str:
        forge_bundle(self._bundle, self.stage.folder / _FORGED, exchanged)
        command = self._verify_command(_FORGED)
        self.show.command(command, who="arbitrator")
        outcome = self.stage.run(command)
        if outcome.succeeded:
            raise AttackSucceeded(f"a bundle with another {what} passed")
        rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in outcome.printed.splitlines()]
        refusals = [f"check {row[1]}, {row[2]}: {row[4]}" for row in rows if "failed" in row]
        refusals += [line for line in outcome.printed.splitlines() if line.startswith("Error: ")]
        for each in refusals:
            self.show.refusal(f"The bundle with another {what}:", each)
        return "refused, with the reason"

    def _rewind(self) -> str:
        self.show.say(
            "The operator puts a backup back, from before Bob opened the evidence. Bob's agent has kept what the log's "
            "key signed since."
        )
        self.show.output(self.bob.fourseal("log", "watch", "--once"))
        self.stage.stop_servers()
        self.show.command(["fourseal-server", "run", "--home", _BACKUP], who="operator")
        self.stage.start_server(_BACKUP)
        outcome = self.bob.attempt("log", "watch", "--once")
        if outcome.succeeded or "LOG_REWOUND" not in outcome.printed:
            raise AttackSucceeded(f"a log that was rewound raised no alarm:\n{outcome.printed}")
        self.show.refusal("Bob's agent looks:", outcome.printed.strip())
        return "an alarm, with two signed checkpoints as proof"

    @property
    def _bundle(self) -> Path:
        return self.stage.folder / _BUNDLE

    def _verify_command(self, bundle: str, *more: str) -> list[str]:
        trusted = ("--authority", f"{_TRUST}/authority.pem", "--log-key", f"{_TRUST}/log-key")
        return ["fourseal", "verify", bundle, *trusted, *more]


def _without_table(printed: str) -> str:
    return "\n".join(line for line in printed.splitlines() if not line.startswith(_TABLE))
