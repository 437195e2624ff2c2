"""OpenSSL holds a four-prime key whole, we hold the same key in two halves: both make the same of everything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import pytest

from mpc.four_prime_rsa import (
    Ciphertext,
    EncodedMessage,
    HashAlgorithm,
    OaepParameters,
    Purpose,
    Role,
    SignatureAlgorithm,
    SignaturePadding,
    create_partial_decryption,
    load_key_share,
)
from tests.mpc.four_prime_rsa.pkcs8 import pkcs8
from tests.mpc.interop.openssl import PublicKey, WholeKey
from tests.mpc.parties import ENGINE, RANDOM, Decrypters, Signers

DOCUMENT = "Contract of sale 合同: one bicycle, 120 euros.".encode()
PSS = [algorithm for algorithm in SignatureAlgorithm if algorithm.padding is SignaturePadding.PSS]
PKCS1 = [algorithm for algorithm in SignatureAlgorithm if algorithm.padding is SignaturePadding.PKCS1]
OAEP = [OaepParameters(one, two, label) for one in HashAlgorithm for two in HashAlgorithm for label in (b"", b"\0\xff")]


@dataclass(frozen=True)
class Oracle:
    """One key, whole and in halves."""

    whole: WholeKey
    public: PublicKey
    signers: Signers
    decrypters: Decrypters


@pytest.fixture(scope="module", params=[4096, 6144, 8192])
def oracle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """Make a key that can be halved: one of its pairings of primes nearly always can."""
    folder: Path = tmp_path_factory.mktemp("oracle")
    while not (halves := (whole := WholeKey.generate(folder / "whole.pem", request.param)).halves()):
        continue
    stored = dict(zip(Role, (pkcs8(*half) for half in halves), strict=True))
    signing = {role: load_key_share(role, Purpose.SIGN, stored[role]) for role in Role}
    decrypting = {role: load_key_share(role, Purpose.DECRYPT, stored[role]) for role in Role}
    signers = Signers(signing[Role.CLIENT], signing[Role.SERVER])  # type: ignore[arg-type]
    decrypters = Decrypters(decrypting[Role.CLIENT], decrypting[Role.SERVER])  # type: ignore[arg-type]
    assert signers.key.modulus == decrypters.key.modulus == prod(whole.primes)
    return Oracle(whole, whole.public(folder / "public.pem"), signers, decrypters)


@pytest.mark.parametrize("algorithm", PKCS1)
def test_pkcs1_signature_is_openssls(algorithm: SignatureAlgorithm, oracle: Oracle) -> None:
    """Byte by byte: there is one signature of a digest."""
    digest = algorithm.hash.digest(DOCUMENT)
    assert oracle.signers.sign(oracle.signers.message(algorithm, digest)) == oracle.whole.sign(algorithm, digest)


@pytest.mark.parametrize("algorithm", PSS)
def test_pss_signature_with_openssls_salt_is_openssls(algorithm: SignatureAlgorithm, oracle: Oracle) -> None:
    """Byte by byte, with the salt that stands in the signature OpenSSL made."""
    digest, key = algorithm.hash.digest(DOCUMENT), oracle.signers.key
    theirs = oracle.whole.sign(algorithm, digest)
    salt = _salt_of(key.raise_to_public_exponent(int.from_bytes(theirs, "big")), key.byte_length, algorithm.hash)
    assert oracle.signers.sign(EncodedMessage(key, algorithm, digest, salt)) == theirs


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_joint_signature_is_the_secret_power_and_is_verified(algorithm: SignatureAlgorithm, oracle: Oracle) -> None:
    """OpenSSL's raw RSA of our encoded message is our signature, and OpenSSL accepts it."""
    message = oracle.signers.message(algorithm, algorithm.hash.digest(DOCUMENT))
    signature = oracle.signers.sign(message)
    number = message.representative.to_bytes(message.joint_key.byte_length, "big")
    assert oracle.whole.exponentiate(number) == signature
    assert oracle.public.verify(algorithm, DOCUMENT, signature)


@pytest.mark.parametrize("parameters", OAEP, ids=lambda each: f"{each.hash}-{each.mgf_hash}-{len(each.label)}")
def test_joint_decryption_is_openssls(parameters: OaepParameters, oracle: Oracle) -> None:
    """The plaintext, and before it the padded message."""
    plaintext = RANDOM(parameters.max_plaintext_bytes(oracle.decrypters.key.byte_length))
    data = oracle.public.encrypt(parameters, plaintext)
    assert oracle.decrypters.decrypt(data, parameters) == oracle.whole.decrypt(parameters, data) == plaintext


def test_combined_partials_are_openssls_raw_decryption(oracle: Oracle) -> None:
    """Of any number, padded or not."""
    key = oracle.decrypters.key
    data = (int.from_bytes(RANDOM(key.byte_length), "big") % key.modulus).to_bytes(key.byte_length, "big")
    ciphertext = Ciphertext(key, data)
    client, server = (
        create_partial_decryption(oracle.decrypters.share(role), ciphertext, ENGINE, RANDOM).value for role in Role
    )
    assert key.combine(client, server).to_bytes(key.byte_length, "big") == oracle.whole.exponentiate(data)


def _salt_of(encoded: int, length: int, algorithm: HashAlgorithm) -> bytes:
    """Take the salt out of EM (RFC 8017 section 9.1.2, steps 5 to 11)."""
    size = algorithm.digest_size
    data = encoded.to_bytes(length, "big")
    masked, seed = data[: -size - 1], data[-size - 1 : -1]
    blocks = (hashlib.new(algorithm, seed + counter.to_bytes(4, "big")).digest() for counter in range(length // size))
    db = bytes(left ^ right for left, right in zip(masked, b"".join(blocks), strict=False))
    assert db[-size - 1] == 1
    return db[-size:]
