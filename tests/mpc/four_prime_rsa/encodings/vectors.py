"""RSA test vectors made by others, out of the package ``cryptography-vectors``.

- ``FIPS_186-2/SigGenPSS_186-3.rsp``, ``SigGen15_186-3.rsp``: NIST, Cryptographic Algorithm Validation Program, CAVS
  10.1;
- ``FIPS_186-2/SigVerPSS_186-3.rsp``: the same, CAVS 11.0, with a salt of 10 bytes, valid and invalid signatures;
- ``oaep-custom/oaep-<hash>-<MGF hash>.txt``: made for pyca/cryptography, checked by its authors with Bouncy Castle;
- ``oaep-label.txt``: from BoringSSL's ``evp_tests.txt``.

Their keys are smaller than ours and have two primes, so they test the encodings: what stands in a signature follows
from the public key, and what stands in a ciphertext from the private key that the vectors publish. Vectors of SHA-1
and SHA-224 are passed over, for Fourseal has neither. A line that is not understood is an error, so is a file without
vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cryptography_vectors
import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mpc.four_prime_rsa import HashAlgorithm

_FOLDER: Final = Path(cryptography_vectors.__file__).parent / "asymmetric" / "RSA"
_SIGNATURE_FIELDS: Final = {"n", "e", "p", "q", "d", "SHAAlg", "Msg", "S", "SaltVal", "Result"}
_SIGNATURE_NOTES: Final = {"[mod", "EM with hash moved", "EM with trailer wrong"}
_OAEP_NUMBERS: Final = {"Modulus", "Exponent", "Public exponent", "Message", "Encryption", "Coefficient"}
_OAEP_NUMBERS_PER_PRIME: Final = {f"Prime{part} {i}" for part in ("", " exponent") for i in (1, 2)}
_OAEP_HEADINGS: Final = ("Example", "Public key", "Private key", "OAEP Example ", "====", "RSA OAEP SHA2 ", "# ")


@dataclass(frozen=True)
class SignatureVector:
    """A signature, as a number, with what was signed."""

    modulus: int
    exponent: int
    hash: HashAlgorithm
    message: bytes
    signature: int
    salt: bytes
    valid: bool

    @property
    def digest(self) -> bytes:
        """Hash of the message."""
        return self.hash.digest(self.message)

    @property
    def encoded(self) -> int:
        """EM, which the public key takes out of the signature."""
        return pow(self.signature, self.exponent, self.modulus)


@dataclass(frozen=True)
class OaepVector:
    """A ciphertext with the private key and the plaintext."""

    modulus: int
    private_exponent: int
    ciphertext: bytes
    plaintext: bytes

    @property
    def encoded(self) -> bytes:
        """EM, which the private key takes out of the ciphertext."""
        number = gmpy2.powmod(int.from_bytes(self.ciphertext, "big"), self.private_exponent, self.modulus)
        return int(number).to_bytes(len(self.ciphertext), "big")


def signature_vectors(name: str) -> list[SignatureVector]:
    """Read a file of signatures."""
    return list(read_signatures(_lines(name)))


def oaep_vectors(name: str) -> list[OaepVector]:
    """Read a file of ciphertexts."""
    return list(read_oaep(_lines(name)))


def oaep_label_vector() -> tuple[OaepVector, HashAlgorithm, bytes]:
    """Read the one vector with a label; its MGF hash is its hash."""
    fields = dict(line.split(" = ") for line in _lines("oaep-label.txt") if not line.startswith("#"))
    assert fields.keys() == {"COUNT", "KEY", "RSAPadding", "OAEPDigest", "OAEPLabel", "Input", "Output"}
    assert (fields["COUNT"], fields["RSAPadding"]) == ("1", "OAEP")
    key = load_der_private_key(bytes.fromhex(fields["KEY"]), None)
    assert isinstance(key, RSAPrivateKey)
    numbers = key.private_numbers()
    ciphertext, plaintext = bytes.fromhex(fields["Input"]), fields["Output"].strip('"').encode()
    vector = OaepVector(numbers.public_numbers.n, numbers.d, ciphertext, plaintext)
    return vector, HashAlgorithm(fields["OAEPDigest"].lower()), bytes.fromhex(fields["OAEPLabel"])


def read_signatures(lines: Iterable[str]) -> Iterator[SignatureVector]:
    """Read CAVS signatures; a vector ends with its result, or with S where there is none."""
    found, known = 0, set(HashAlgorithm)
    fields: dict[str, str] = {}
    lines = [line for line in lines if not line.startswith("#")]
    last = "Result" if any(line.startswith("Result") for line in lines) else "S"
    for line in lines:
        name, equals, value = (part.strip() for part in line.partition("="))
        if name in _SIGNATURE_NOTES:
            continue
        if not equals or name not in _SIGNATURE_FIELDS:
            raise ValueError(f"unknown line in the vectors: {line!r}")
        fields[name] = value
        if name == last and (algorithm := fields["SHAAlg"].lower()) in known:
            found += 1
            yield SignatureVector(
                modulus=int(fields["n"], 16),
                exponent=int(fields["e"], 16),
                hash=HashAlgorithm(algorithm),
                message=bytes.fromhex(fields["Msg"]),
                signature=int(fields["S"], 16),
                salt=bytes.fromhex(fields.get("SaltVal", "")),
                valid=fields.get("Result", "P").startswith("P"),
            )
    if not found:
        raise ValueError("no vectors")


def read_oaep(lines: Iterable[str]) -> Iterator[OaepVector]:
    """Read OAEP vectors: each number stands below its name."""
    found, name = 0, ""
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith("#"):
            title = line.removeprefix("#").strip()
            name = title.removesuffix(":")
            if title.endswith(":") and name not in _OAEP_NUMBERS | _OAEP_NUMBERS_PER_PRIME:
                raise ValueError(f"unknown number in the vectors: {line!r}")
            if not title.endswith(":") and title and not title.startswith(_OAEP_HEADINGS):
                raise ValueError(f"unknown line in the vectors: {line!r}")
            continue
        fields[name] = line
        if name == "Encryption":
            found += 1
            yield OaepVector(
                modulus=int(fields["Modulus"], 16),
                private_exponent=int(fields["Exponent"], 16),
                ciphertext=bytes.fromhex(line),
                plaintext=bytes.fromhex(fields["Message"]),
            )
    if not found:
        raise ValueError("no vectors")


def _lines(name: str) -> list[str]:
    text = (_FOLDER / name).read_text(encoding="ascii")
    return [line for line in map(str.strip, text.splitlines()) if line]
