"""A contract session: Alice, Bob and Carol meet, a contract and a video go to and fro, and a thief comes too late.

Each step says what each of the two servers could see of it. What they must not see is looked for at the end, in
everything that they have stored and logged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from demo.attacks import SERVER_HOME
from demo.contract import CONTRACT_PDF
from demo.people import Signer
from demo.phone import Phone
from demo.search import read_all, search
from demo.show import Show
from demo.stage import CommandFailed, Stage
from demo.theft import closed_session_attacks
from demo.video import write_video

MEDIA_HOME: Final = "media"
CONTRACT: Final = "contract.pdf"
_VIDEO: Final = "handover.y4m"
_VIDEO_SECONDS: Final = 3.0
_SUBJECT: Final = "Sale of furniture, contract 2026-1117"
_REMARK: Final = "Agreed. The delivery on Friday suits me."
_DELIVERED: Final = "received.{name}.{file}"


@dataclass(slots=True)
class Meeting:
    """The second act. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    alice: Signer
    bob: Signer
    carol: Signer
    phone: Phone = field(default_factory=Phone)
    session_id: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Start a media server", self._start_media_server),
            ("Register, with a second factor", self._register),
            ("Log in, and prove the keys", self._log_in),
            ("Meet in a contract session", self._meet),
            ("Send the contract and a video", self._send),
            ("Open, verify, accept", self._receive),
            ("Look at the receipts", self._receipts),
            ("Look for what the servers saw", self._look),
            ("Close the session", self._close),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()
        with self.show.step("Attack with everybody's keys", is_attack=True) as shown:
            shown.outcome = closed_session_attacks(self.stage, self.show, self._people, self.session_id)

    def log_in(self, signer: Signer) -> str:
        """Log in once more; returns what was said."""
        code = self.phone.code(signer.name)
        return signer.fourseal("login", signer.name, "--code", code, "--password-file", signer.password_file)

    @property
    def _people(self) -> tuple[Signer, ...]:
        return self.alice, self.bob, self.carol

    def _start_media_server(self) -> str:
        self.show.say(
            "The media server relays messages and has no key. It makes its own TLS key and asks the operator of the "
            "server, which is the evidence server from here on, for a certificate."
        )
        host = self.stage.relay_address.rpartition(":")[0]
        for who, command in (
            ("media", ["fourseal-server", "media", "init", "--server-name", host, "--home", MEDIA_HOME]),
            (
                "operator",
                [
                    *("fourseal-server", "media", "certify", "--request", f"{MEDIA_HOME}/media.csr"),
                    *("--out", "media.pem", "--home", SERVER_HOME),
                ],
            ),
            ("media", ["fourseal-server", "media", "accept", "--certificate", "media.pem", "--home", MEDIA_HOME]),
        ):
            self.show.command(command, who=who)
            self.stage.must(command)
        self.show.command(["fourseal-server", "media", "run", "--home", MEDIA_HOME], who="media")
        serving = self.stage.start_media_server(MEDIA_HOME)
        self.show.seen("that a media server asked for a certificate")
        return f"relays on {serving['server']}"

    def _register(self) -> str:
        self.show.say(
            "Carol comes too, and the operator reinstates Alice. Each registers with a password and scans the QR code "
            "of a one-time code with the phone. Each makes two keys, halves of 3072 bits: one signs, one decrypts. "
            "They stay on the signer's machine."
        )
        self.alice.enrol_again(SERVER_HOME)
        self.carol.enrol(SERVER_HOME)
        for signer in self._people:
            made = signer.json(
                *("register", signer.name, "--display-name", signer.name.title()),
                *("--password-file", signer.password_file, "--json"),
            )
            setup = made["setup"]
            self.phone.scan(signer.name, setup["totp_uri"])
            signer.factor_id = setup["factor_id"]
        self.show.seen("names, hashes of passwords, secrets of one-time codes")
        return "3 accounts wait for their first code"

    def _log_in(self) -> str:
        self.show.say(
            "Password and code open the account; a stolen signing key would not. Then both sides prove themselves: "
            "the agent signs the server's nonce, the server signs the agent's."
        )
        for signer in self._people:
            signer.fourseal(
                *(
                    "account",
                    "factor",
                    "confirm",
                    signer.name,
                    signer.factor_id,
                    "--code",
                    self.phone.code(signer.name),
                ),
                *("--password-file", signer.password_file),
            )
        self.show.output(self.alice.fourseal("certificates", "show"))
        self.show.seen("public keys, and proof that each was made with two primes")
        return "3 logins, 6 certificates"

    def _meet(self) -> str:
        self.show.say(
            "Alice makes a session for three hours. The evidence server makes shares for this session alone, and "
            "certificates that say what it is about. Bob and Carol see what the certificates promise before they join."
        )
        made = self.alice.json(
            *("session", "create", "--subject", _SUBJECT, "--with", "bob,carol", "--hours", "3"),
            *("--place", "https://meet.example/2026-1117", "--yes", "--json"),
        )
        self.session_id = str(made["session_id"])
        self.show.output(self.bob.fourseal("session", "join", self.session_id, "--yes"))
        self.carol.fourseal("session", "join", self.session_id, "--yes")
        self.show.seen("subject, times, members")
        return f"3 members in {self.session_id[:14]}..."

    def _send(self) -> str:
        shutil.copyfile(CONTRACT_PDF, self.stage.folder / CONTRACT)
        write_video(self.stage.folder / _VIDEO, _VIDEO_SECONDS)
        size = (self.stage.folder / _VIDEO).stat().st_size
        self.show.say(
            f"The contract is the PDF; the video shows the furniture, {size / 1e6:.0f} MB, uncompressed. The contract "
            "shall be evidence: it is deposited, sealed, before anybody gets it, and Alice's agent checks the receipt."
        )
        for file in (CONTRACT, _VIDEO):
            options = ["--evidence"] if file == CONTRACT else []
            sent = self.alice.fourseal("send", self.session_id, file, *options, "--yes", live=True)
            self.show.output(sent)
        self.show.seen(
            "that Alice signed two messages to Bob and Carol, when, digests that tell nothing, one sealed content",
            f"two envelopes from Alice for Bob and Carol, of {size / 1e6:.0f} MB together",
        )
        searched = self._search(tell=False)
        if searched < size:
            raise CommandFailed("the media server has less than was sent")
        return f"2 joint signatures; {searched / 1e6:.0f} MB on both servers searched, and nothing of it found"

    def _receive(self) -> str:
        self.show.say("Bob and Carol fetch both, each opens the content key together with the evidence server.")
        for signer in (self.bob, self.carol):
            self.show.output(signer.fourseal("inbox", self.session_id, live=True))
        self.show.output(self.bob.fourseal("show", "1"))
        for signer in (self.bob, self.carol):
            for number, file in enumerate((CONTRACT, _VIDEO), start=1):
                delivered = _DELIVERED.format(name=signer.name, file=file)
                signer.fourseal("show", str(number), "--out", delivered)
                if self._digest(delivered) != self._digest(file):
                    raise CommandFailed(f"{delivered} is not what Alice sent")
        self.show.output(self.bob.fourseal("accept", "1", "--text", _REMARK, "--yes"))
        self.carol.fourseal("accept", "1", "--yes")
        self.alice.fourseal("inbox", self.session_id)
        printed = self.alice.fourseal("outbox")
        self.show.output(printed)
        if printed.count("accept") < len((self.bob, self.carol)):
            raise CommandFailed("Alice does not see that both have accepted")
        self.show.seen(
            "that Bob and Carol accepted Alice's first message; their answers are evidence too, sealed",
            "two more envelopes, one with some bytes and one with none",
        )
        return "contract and video are as Alice sent them; both accepted"

    def _receipts(self) -> str:
        self.show.say(
            "Everything that the evidence server vouches for is an entry in one log, a Merkle tree that only grows. A "
            "receipt proves that an entry is in it. Bob's agent keeps what the log's key has signed of it so far."
        )
        printed = self.alice.fourseal("evidence", "list", self.session_id)
        self.show.output(printed)
        self.show.output(self.bob.fourseal("log", "watch", "--once"))
        deposited = json.loads(self.bob.fourseal("evidence", "list", self.session_id, "--json"))
        if len(deposited) != len(self._people):
            raise CommandFailed("the contract and both answers should have been deposited")
        self.show.seen("who is an author or recipient of evidence")
        return f"{len(deposited)} deposits, each with a receipt that was checked"

    def _look(self) -> str:
        self.show.say("Everything that both servers have stored and logged is searched for what they must not know:")
        searched = self._search(tell=True)
        return f"{searched / 1e6:.0f} MB searched; neither could read, nor both together"

    def _search(self, *, tell: bool) -> int:
        """Look for what the servers must not know; returns how many bytes were searched."""
        contents = read_all(self.stage.folder / name for name in (SERVER_HOME, MEDIA_HOME, "server.log", "media.log"))
        wanted = self._secrets()
        found = search(wanted, contents)
        if found:
            raise CommandFailed("; ".join(found))
        if tell:
            for what in wanted:
                self.show.output(f"- {what}: nowhere")
        if not search({"the subject": _SUBJECT}, contents):
            raise CommandFailed("the search does not even find the session's subject, which the server knows")
        if tell:
            self.show.output("- the session's subject: on the evidence server, which put it into the certificates")
        return sum(map(len, contents.values()))

    def _secrets(self) -> dict[str, bytes | str]:
        """What neither server may know, by what it is."""
        contract, video = ((self.stage.folder / file).read_bytes() for file in (CONTRACT, _VIDEO))
        wanted: dict[str, bytes | str] = {
            "a line of the contract": contract[1000:1064],
            "a frame of the video": video[100_000:100_064],
            # not that of the contract, which the server was told when it signed the same file with Alice and Bob
            "the digest of the video": hashlib.sha256(video).digest(),
            "the name of the contract's file": CONTRACT,
            "the name of the video's file": _VIDEO,
            "Bob's remark": _REMARK,
        }
        for signer in self._people:
            name = signer.name.title()
            for number, entry in enumerate(signer.outbox(), start=1):
                wanted[f"the content key of {name}'s message {number}"] = entry.content_key
            wanted[f"a prime of {name}'s signing half"] = signer.signing_half().crt.p.to_bytes(192, "big")
            wanted[f"{name}'s passphrase"] = signer.passphrase
        return wanted

    def _close(self) -> str:
        self.show.say("Alice closes the session. The evidence server destroys the share that signs, and records it.")
        self.show.output(self.alice.fourseal("session", "close", self.session_id, "--yes"))
        command = ["fourseal-server", "records", "--key", f"{self.session_id}.sign", "--home", SERVER_HOME, "--json"]
        self.show.command(command, who="operator")
        records = json.loads(self.stage.must(command))["records"]
        closing = [record for record in records if record["method"] == "CloseSession"]
        if len(closing) != 1 or closing[0]["outcome"] != "done":
            raise CommandFailed("there is no record of the destruction")
        self.show.output(f"destroyed by {closing[0]['account']} at {closing[0]['result_time']}")
        self.show.seen("that the session is over", "nothing; what waits can still be fetched")
        return "the signing share is gone, with a record"

    def _digest(self, file: str) -> bytes:
        with Path(self.stage.folder / file).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
