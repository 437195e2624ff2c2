"""OpenSSL's command line: software that knows nothing of joint keys, and takes them for ordinary RSA keys."""

from __future__ import annotations

from typing import Final

from demo.show import Show
from demo.stage import CommandFailed, Stage

OAEP_OPTIONS: Final = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")


def verify_command(public_key: str, signature: str, document: str) -> list[str]:
    """The command that verifies an RSASSA-PSS signature with SHA-256."""
    return [
        *("openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"),
        *("-verify", public_key, "-signature", signature, document),
    ]


def encrypt_command(public_key: str, plaintext: str, ciphertext: str) -> list[str]:
    """The command that encrypts a short file with RSAES-OAEP and SHA-256."""
    options = [part for option in OAEP_OPTIONS for part in ("-pkeyopt", option)]
    return [
        "openssl",
        "pkeyutl",
        "-encrypt",
        "-pubin",
        "-inkey",
        public_key,
        *options,
        "-in",
        plaintext,
        "-out",
        ciphertext,
    ]


def request_command(request: str) -> list[str]:
    """The command that verifies the signature of a certificate signing request."""
    return ["openssl", "req", "-verify", "-noout", "-subject", "-in", request]


def ask_openssl(show: Show, stage: Stage, command: list[str], expected: str, *, succeeds: bool = True) -> None:
    """Run one of these commands and show what it answers.

    Raises:
        CommandFailed: it is another answer.
    """
    show.command(command)
    outcome = stage.run(command)
    answers = [line for line in outcome.printed.splitlines() if "error:" not in line]  # where in OpenSSL's sources
    show.output("\n".join(answers))
    if outcome.succeeded is not succeeds or expected not in outcome.printed:
        raise CommandFailed(f"{' '.join(command)} did not answer {expected!r}: {outcome.printed}")
