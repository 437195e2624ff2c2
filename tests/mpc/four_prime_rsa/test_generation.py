"""Two-party generation between honest parties, and its bytes."""

from __future__ import annotations

import hashlib

import pytest

from mpc.four_prime_rsa import (
    COMMITMENT_BYTES,
    ClientCommitment,
    GenerationTerms,
    KeyShare,
    Purpose,
    Role,
    answer_commitment,
    commit_to_share,
    generate_key_share,
)
from tests.mpc.four_prime_rsa.generations import KEY_ID, generation
from tests.mpc.parties import ENGINE, RANDOM, Signers
from tests.mpc.refusals import malformed

SIGN = Purpose.SIGN


@pytest.mark.parametrize(("purpose", "bits"), [(SIGN, 2048), (Purpose.DECRYPT, 2048), (SIGN, 3072), (SIGN, 4096)])
def test_both_parties_get_the_same_key(purpose: Purpose, bits: int) -> None:
    """Of the purpose and size agreed on, made of both halves."""
    run = generation(purpose, bits)
    opening = run.open()
    key = run.check(opening)
    assert key == opening.joint_key
    assert (key.purpose, key.half_bits) == (purpose, bits)
    assert (key.client, key.server) == (run.commitment.share.public, run.server_share.public)
    assert opening.modulus == key.client.to_bytes()


def test_answer_and_opening_can_be_repeated() -> None:
    """A repeat after a lost answer gives the same bytes: roots do not depend on the blinding."""
    run = generation()
    assert answer_commitment(run.terms, run.server_share, ENGINE, RANDOM) == run.server_roots
    assert run.open() == run.open()


def test_bytes_are_those_of_the_protocol() -> None:
    """docs/protocol.md, written out once more."""
    run = generation()
    public = run.commitment.share.public
    size = (2048).to_bytes(4, "big")
    committed = _hash("generation/commitment", b"client", b"sign", size, public.to_bytes(), run.commitment.nonce)
    assert run.commitment.commitment == committed
    agreed = _hash("generation/transcript", KEY_ID.encode(), b"sign", size, committed, run.server_modulus)
    assert run.terms.transcript(run.server_modulus) == agreed


def test_commitment_hides_and_binds(signers: Signers) -> None:
    """The same share is committed to in another way each time; another share, role, purpose or nonce changes it."""
    share, nonce = signers.client, bytes(32)
    assert commit_to_share(share, RANDOM).commitment != commit_to_share(share, RANDOM).commitment
    commitments = {
        ClientCommitment(share, nonce).commitment,
        ClientCommitment(share, bytes(31) + b"\1").commitment,
        ClientCommitment(signers.server, nonce).commitment,
        ClientCommitment(generate_key_share(Role.CLIENT, SIGN, 2048), nonce).commitment,
    }
    assert len(commitments) == 4
    assert {len(commitment) for commitment in commitments} == {COMMITMENT_BYTES}


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_commitment_of_another_length_is_malformed(length: int) -> None:
    """No answer is made before there is a whole commitment."""
    with malformed("COMMITMENT_MALFORMED"):
        GenerationTerms(KEY_ID, SIGN, 2048, bytes(length))


def test_every_term_is_in_the_transcript() -> None:
    """None can be changed after the fact, nor can a byte move from one to the next."""
    one, two, modulus = bytes(32), bytes(31) + b"\1", b"\1" * 256
    transcripts = {
        terms.transcript(server_modulus)
        for terms, server_modulus in (
            (GenerationTerms("key-a", SIGN, 2048, one), modulus),
            (GenerationTerms("key-b", SIGN, 2048, one), modulus),
            (GenerationTerms("key-as", SIGN, 2048, one), modulus),
            (GenerationTerms("key-a", Purpose.DECRYPT, 2048, one), modulus),
            (GenerationTerms("key-a", SIGN, 3072, one), modulus),
            (GenerationTerms("key-a", SIGN, 2048, two), modulus),
            (GenerationTerms("key-a", SIGN, 2048, one), modulus + b"\1"),
        )
    }
    assert len(transcripts) == 7


@pytest.mark.parametrize(
    ("role", "purpose", "bits"),
    [(Role.CLIENT, SIGN, 2048), (Role.SERVER, Purpose.DECRYPT, 2048), (Role.SERVER, SIGN, 3072)],
)
def test_share_that_does_not_fit_the_terms_is_refused(role: Role, purpose: Purpose, bits: int) -> None:
    """On both sides, before anything is computed with it."""
    terms = GenerationTerms(KEY_ID, SIGN, 2048, bytes(32))
    unfit: KeyShare = generate_key_share(role, purpose, bits)
    with malformed("SHARE_OF_OTHER_KEY"):
        answer_commitment(terms, unfit, ENGINE, RANDOM)


def _hash(domain: str, *fields: bytes) -> bytes:
    parts = (f"fourseal/v1/{domain}".encode(), *fields)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
