"""The main job, step by step: server and signers, joint keys, a contract signed, a letter decrypted, a request."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from demo.attacks import SERVER_HOME, client_alone, forged_partial, server_alone, set_scene
from demo.contract import CONTRACT_PDF
from demo.openssl import ask_openssl, encrypt_command, request_command, verify_command
from demo.people import Signer
from demo.show import Show
from demo.stage import CommandFailed, Stage

_CONTRACT: Final = "contract.pdf"
_ALTERED: Final = "altered.pdf"
_CONTRACTS_KEY: Final = "contracts"
_LETTERS_KEY: Final = "letters"
_LETTERS_PUBLIC_KEY: Final = "alice.letters.pem"
_LETTER: Final = "letter.txt"
_LETTER_TEXT: Final = "Alice, the code of the gate is 4711. Ring twice; the dog is friendly. Bob\n"
_REQUEST: Final = "alice.csr"


@dataclass(frozen=True, slots=True)
class Play:
    """One run of the demo. Each step returns what it came to, in a few words; one that does not hold raises."""

    stage: Stage
    show: Show
    alice: Signer
    bob: Signer

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        for title, step in (
            ("Start a server", self._start_server),
            ("Enrol two signers", self._enrol),
            ("Generate joint keys", self._generate),
            ("Sign the contract jointly", self._sign),
            ("Verify with OpenSSL", self._verify),
            ("Decrypt jointly what OpenSSL encrypted", self._decrypt),
            ("Request a certificate with a joint key", self._request_certificate),
        ):
            with self.show.step(title) as shown:
                shown.outcome = step()
        for title, attack, victim in (
            ("Attack by the server alone", server_alone, self.alice),
            ("Attack by the client alone", client_alone, self.alice),
            ("Attack with a forged partial signature", forged_partial, self.bob),
        ):
            with self.show.step(title, is_attack=True) as shown:
                shown.outcome = attack(set_scene(self.stage, self.show, victim))

    def _start_server(self) -> str:
        self.show.say("It makes its configuration, its master key, its database and its certificate authority.")
        init = ["fourseal-server", "init", "--home", SERVER_HOME]
        self.show.command(init, who="operator")
        self.stage.must(init)
        self.show.command(["fourseal-server", "run", "--home", SERVER_HOME], who="operator")
        serving = self.stage.start_server(SERVER_HOME)
        return f"serves on {serving['server']}"

    def _enrol(self) -> str:
        self.show.say("The operator makes a ticket for each; with it each gets a certificate for mutual TLS.")
        for signer in (self.alice, self.bob):
            signer.enrol(SERVER_HOME)
        return "Alice and Bob have certificates"

    def _generate(self) -> str:
        self.show.say(
            "Each key has two halves of 3072 bits. The client's half is made here and stays here, the server's is made "
            "there and stays there. What signs does not decrypt, so Alice has two keys."
        )
        alice = self.alice
        for purpose, label, file in (
            ("sign", _CONTRACTS_KEY, alice.public_key),
            ("decrypt", _LETTERS_KEY, _LETTERS_PUBLIC_KEY),
        ):
            alice.fourseal("key", "generate", purpose, "--label", label, live=True)
            alice.fourseal("key", "export", label, "--out", file)
        self.show.say("Bob's program uses the library, and sees each step:")
        with self.bob.agent() as agent:
            key = agent.generate_key("sign", label=_CONTRACTS_KEY, on_step=lambda step: self.show.output(f"- {step}"))
        self.bob.fourseal("key", "export", _CONTRACTS_KEY, "--out", self.bob.public_key)
        return f"3 joint keys of {key.public_key().key_size} bits, 2 x {key.half_bits}"

    def _sign(self) -> str:
        shutil.copyfile(CONTRACT_PDF, self.stage.folder / _CONTRACT)
        self.show.say("The contract is a PDF of three pages. Each signer is shown what is signed.")
        for signer in (self.alice, self.bob):
            printed = signer.fourseal("sign", _CONTRACT, "--key", _CONTRACTS_KEY, "--out", signer.signature, "--yes")
            self.show.output(printed)
        return "2 signatures, each made by both sides"

    def _verify(self) -> str:
        self.show.say("OpenSSL knows nothing of halves. To it these are ordinary RSA signatures:")
        for signer in (self.alice, self.bob):
            ask_openssl(
                self.show, self.stage, verify_command(signer.public_key, signer.signature, _CONTRACT), "Verified OK"
            )
        self.show.say("One bit of the contract changed:")
        altered = bytearray((self.stage.folder / _CONTRACT).read_bytes())
        altered[len(altered) // 2] ^= 1
        (self.stage.folder / _ALTERED).write_bytes(altered)
        command = verify_command(self.alice.public_key, self.alice.signature, _ALTERED)
        ask_openssl(self.show, self.stage, command, "Verification failure", succeeds=False)
        return "both hold; an altered contract does not"

    def _decrypt(self) -> str:
        (self.stage.folder / _LETTER).write_text(_LETTER_TEXT, encoding="utf-8")
        ciphertext, plaintext = f"{_LETTER}.enc", f"{_LETTER}.decrypted"
        self.show.say("Bob encrypts a letter to Alice. He needs her public key and OpenSSL, nothing of Fourseal:")
        ask_openssl(self.show, self.stage, encrypt_command(_LETTERS_PUBLIC_KEY, _LETTER, ciphertext), "")
        self.show.say("Alice decrypts it together with the server, which does not see the letter:")
        self.alice.fourseal("decrypt", ciphertext, "--key", _LETTERS_KEY, "--out", plaintext)
        found = (self.stage.folder / plaintext).read_text(encoding="utf-8")
        self.show.output(found)
        if found != _LETTER_TEXT:
            raise CommandFailed("the decrypted letter is another one")
        return "the letter came out as it went in"

    def _request_certificate(self) -> str:
        self.show.say("JointPrivateKey is an RSAPrivateKey of the library cryptography, whose builders sign with it:")
        self.show.output(
            "builder = x509.CertificateSigningRequestBuilder().subject_name(...)\n"
            f"request = builder.sign(agent.private_key({_CONTRACTS_KEY!r}), SHA256())"
        )
        with self.alice.agent() as agent:
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alice")])
            builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
            request = builder.sign(agent.private_key(_CONTRACTS_KEY), SHA256())
        (self.stage.folder / _REQUEST).write_bytes(request.public_bytes(Encoding.PEM))
        ask_openssl(self.show, self.stage, request_command(_REQUEST), "verify OK")
        return "OpenSSL accepts the request's signature"
