"""The ``openssl`` program, as other people use it."""

from __future__ import annotations

import math
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mpc.four_prime_rsa import OaepParameters, SignatureAlgorithm, SignaturePadding


def openssl(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """Run it, and return what it prints. Raises when it fails."""
    result = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    if result.returncode:
        raise AssertionError(f"openssl {arguments[0]}: {result.stderr.decode(errors='replace')}")
    return result.stdout


@dataclass(frozen=True)
class PublicKey:
    """A public key in a PEM file.

    Args:
        path: the file.
        folder: for what has to be passed in files.
    """

    path: Path
    folder: Path

    def verify(self, algorithm: SignatureAlgorithm, document: bytes, signature: bytes) -> bool:
        """``openssl dgst -verify``."""
        path = self.folder / "signature"
        path.write_bytes(signature)
        pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
        options = pss if algorithm.padding is SignaturePadding.PSS else ()
        command = ["openssl", "dgst", f"-{algorithm.hash}", *options, "-verify", self.path, "-signature", path]
        result = subprocess.run(command, input=document, capture_output=True, check=False)
        return (result.returncode, result.stdout) == (0, b"Verified OK\n")

    def encrypt(self, parameters: OaepParameters, plaintext: bytes) -> bytes:
        """``openssl pkeyutl -encrypt``."""
        return openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", self.path, *_oaep(parameters), stdin=plaintext)


@dataclass(frozen=True)
class WholeKey:
    """A four-prime private key in one piece, in a PEM file."""

    path: Path
    primes: tuple[int, int, int, int]

    @classmethod
    def generate(cls, path: Path, bits: int) -> WholeKey:
        """Make one with ``openssl genrsa -primes 4``, and read its primes (RFC 8017 appendix A.1.2)."""
        path.write_bytes(openssl("genrsa", "-traditional", "-primes", "4", str(bits)))
        text = openssl("asn1parse", "-in", path).decode()
        numbers = [int(digits, 16) for digits in re.findall(r"INTEGER +:([0-9A-F]+)", text)]
        _, modulus, _, _, p, q, _, _, _, third, _, _, fourth, _, _ = numbers
        assert (p * q * third * fourth, modulus.bit_length()) == (modulus, bits)
        return cls(path, (p, q, third, fourth))

    def halves(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The primes in two pairs, each of whose products may be half of a joint key; None where there are none."""
        a, b, c, d = self.primes
        half_bits = math.prod(self.primes).bit_length() // 2
        for one, two in (((a, b), (c, d)), ((a, c), (b, d)), ((a, d), (b, c))):
            if all((math.prod(pair) ** 2).bit_length() == 2 * half_bits for pair in (one, two)):
                return one, two
        return None

    def public(self, path: Path) -> PublicKey:
        """Write its public half to a file of its own."""
        path.write_bytes(openssl("pkey", "-in", self.path, "-pubout"))
        return PublicKey(path, path.parent)

    def sign(self, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        """Sign a digest with the whole key; PSS with a salt of OpenSSL's own."""
        options = ["-pkeyopt", f"digest:{algorithm.hash}"]
        if algorithm.padding is SignaturePadding.PSS:
            options += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]
        return openssl("pkeyutl", "-sign", "-inkey", self.path, *options, stdin=digest)

    def exponentiate(self, number: bytes) -> bytes:
        """The secret power of a number, without any padding."""
        raw = ("-pkeyopt", "rsa_padding_mode:none")
        return openssl("pkeyutl", "-decrypt", "-inkey", self.path, *raw, stdin=number)

    def decrypt(self, parameters: OaepParameters, ciphertext: bytes) -> bytes:
        """Decrypt with the whole key."""
        return openssl("pkeyutl", "-decrypt", "-inkey", self.path, *_oaep(parameters), stdin=ciphertext)


def _oaep(parameters: OaepParameters) -> list[str]:
    options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{parameters.hash}", f"rsa_mgf1_md:{parameters.mgf_hash}"]
    if parameters.label:
        options.append(f"rsa_oaep_label:{parameters.label.hex()}")
    return [word for option in options for word in ("-pkeyopt", option)]
