"""The reader of foreign vectors passes over nothing in silence."""

from __future__ import annotations

import pytest

from tests.mpc.four_prime_rsa.encodings.vectors import (
    oaep_vectors,
    read_oaep,
    read_signatures,
    signature_vectors,
)

SIGNATURE = ["[mod = 1024]", "n = 0c", "e = 03", "SHAAlg = SHA256", "Msg = 616263", "S = 05"]
OAEP = ["# Example", "# Modulus:", "0c", "# Exponent:", "03", "# Message:", "aa", "# Encryption:", "05"]


def test_signature_is_read() -> None:
    """The fields are what stands there: 5^3 mod 12 = 5."""
    (vector,) = read_signatures(SIGNATURE)
    assert (vector.modulus, vector.message, vector.salt, vector.valid, vector.encoded) == (12, b"abc", b"", True, 5)


def test_ciphertext_is_read() -> None:
    """The fields are what stands there: 5^3 mod 12 = 5."""
    (vector,) = read_oaep(OAEP)
    assert (vector.plaintext, vector.encoded) == (b"\xaa", b"\x05")


@pytest.mark.parametrize("lines", [[], SIGNATURE[:-1], [*SIGNATURE[:3], "SHAAlg = SHA1", *SIGNATURE[4:]]])
def test_file_without_signatures_of_ours_fails(lines: list[str]) -> None:
    """Empty, cut short, or of other hashes only."""
    with pytest.raises(ValueError, match="no vectors"):
        list(read_signatures(lines))


@pytest.mark.parametrize("lines", [[], OAEP[:-1]])
def test_file_without_ciphertexts_fails(lines: list[str]) -> None:
    """Empty, or cut short."""
    with pytest.raises(ValueError, match="no vectors"):
        list(read_oaep(lines))


@pytest.mark.parametrize("line", ["Flags = weak", "nonsense"])
def test_unknown_signature_field_fails(line: str) -> None:
    """What we do not understand may change what a vector means."""
    with pytest.raises(ValueError, match="unknown"):
        list(read_signatures([*SIGNATURE, line]))


@pytest.mark.parametrize("line", ["# Label:", "# Now for something else"])
def test_unknown_oaep_field_fails(line: str) -> None:
    """What we do not understand may change what a vector means."""
    with pytest.raises(ValueError, match="unknown"):
        list(read_oaep([*OAEP, line]))


def test_missing_file_fails() -> None:
    """A file that a newer package no longer has is noticed."""
    with pytest.raises(FileNotFoundError):
        signature_vectors("FIPS_186-2/none.rsp")
    with pytest.raises(FileNotFoundError):
        oaep_vectors("oaep-custom/none.txt")
