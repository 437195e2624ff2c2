"""A token, a server on it, and a joint key whose server half is made, used and kept there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.accounts import open_account
from demo.attacks import SERVER_HOME
from demo.openssl import ask_openssl, verify_command
from demo.people import Signer
from demo.phone import Phone
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage
from demo.token_server import make_token, start_on_token
from softhsm import SoftToken

KEY: Final = "contracts"
DOCUMENT: Final = "contract.txt"
_ACCESS: Final = "sensitive, always sensitive, never extractable, local"
_TEXT: Final = "Alice sells her bicycle to Bob for 120 euros.\n"


@dataclass(slots=True)
class Custody:
    """The first act. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    token: SoftToken
    alice: Signer
    key_id: str = ""
    status_server: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Make a token", self._make_token),
            ("Start a server on it", self._start_server),
            ("Enrol a signer with an account", self._enrol),
            ("Generate a joint key, half of it in the token", self._generate),
            ("Sign jointly, verify with OpenSSL", self._sign),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()
        with self.show.step("Attack with the PIN of the token", is_attack=True) as shown:
            shown.outcome = self._take_out()

    def _make_token(self) -> str:
        return make_token(self.stage, self.show, self.token)

    def _start_server(self) -> str:
        serving = start_on_token(self.stage, self.show, self.token)
        self.status_server = serving["status_server"]
        return f"serves on {serving['server']}"

    def _enrol(self) -> str:
        self.show.say("Alice's agent gets a certificate for mutual TLS; her account has a password and a phone.")
        self.alice.enrol(SERVER_HOME)
        open_account(self.alice, Phone(), "Alice")
        return "Alice is logged in"

    def _generate(self) -> str:
        self.show.say("Alice's program makes a key. Her half is made here, the server's in the token:")
        with self.alice.agent() as agent:
            key = agent.generate_key(
                "sign", label=KEY, half_bits=2048, on_step=lambda step: self.show.output(f"- {step}")
            )
            self.key_id = key.key_id
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.stage.folder / self.alice.public_key).write_bytes(public)
        self.show.say("OpenSC's pkcs11-tool knows nothing of Fourseal. It lists what is in the token:")
        listed = self.tool("--list-objects", "--type", "privkey")
        for wanted in (f"fourseal {self.key_id}", _ACCESS, "Usage:      sign\n"):
            if wanted not in listed:
                raise CommandFailed(f"the token's object is not as it must be, without {wanted!r}: {listed}")
        self.show.views(
            {
                "client": "its own half, and the server's modulus",
                "server": "the client's modulus, and the name of an object in the token",
                "token": "the server's half alone, two of the key's four primes; and the key of the authority",
            }
        )
        return f"a joint key of {2 * key.half_bits} bits; the server has a name instead of its half"

    def _sign(self) -> str:
        (self.stage.folder / DOCUMENT).write_text(_TEXT, encoding="utf-8")
        alice = self.alice
        self.show.output(alice.fourseal("sign", DOCUMENT, "--key", KEY, "--out", alice.signature, "--yes"))
        ask_openssl(self.show, self.stage, verify_command(alice.public_key, alice.signature, DOCUMENT), "Verified OK")
        self.show.views(
            {
                "client": "the document, and the server's half of the signature",
                "server": "the document's digest, and the client's half of the signature",
                "token": "a number below its modulus; neither document nor client",
                "verifier": "an ordinary RSA signature",
            }
        )
        return "the signature holds; the half of it that is the server's was made in the token"

    def _take_out(self) -> str:
        self.show.say("An intruder has the token and its PIN, and wants the half, or the authority's key, by PKCS#11:")
        attempts = 0
        for name in (self.key_id, "authority"):
            for attempt, refusal in self.token.export(self.object_id(name)).items():
                attempts += 1
                if not refusal:
                    raise AttackSucceeded(f"somebody with the PIN could {attempt}: {name}")
                self.show.refusal(f"{name}: {attempt}", refusal)
        self.show.say(
            "What the PIN gives is their use while the token is there. Without Alice's half hers signs nothing."
        )
        return f"{attempts} attempts refused: both stay where they were made"

    def object_id(self, name: str) -> str:
        """The id of a private key in the token, in hexadecimal; ``name``: a key's id, or "authority"."""
        listed = self.tool("--list-objects", "--type", "privkey", shown=False)
        found = re.search(rf"label:\s+fourseal {name}\s+ID:\s+([0-9a-f]+)", listed)
        if found is None:
            raise CommandFailed(f"there is no object of {name} in the token: {listed}")
        return found[1]

    def tool(self, *arguments: str, shown: bool = True) -> str:
        """What OpenSC's pkcs11-tool says of the token."""
        command = self.token.tool_command(*arguments)
        printed = self.stage.must(command)
        if shown:
            self.show.command(command, who="operator")
            self.show.output(printed)
        return printed
