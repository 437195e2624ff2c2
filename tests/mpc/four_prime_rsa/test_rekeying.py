"""A re-key: the client's half of an older key with a new half of the server, and who cheats in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpc.four_prime_rsa import (
    GenerationTerms,
    JointPublicKey,
    KeyShare,
    Purpose,
    Role,
    commit_to_share,
    generate_key_share,
    load_key_share,
)
from mpc.four_prime_rsa.certification import certify_modulus
from tests.mpc.four_prime_rsa.generations import KEY_ID, generation
from tests.mpc.four_prime_rsa.moduli import random_prime
from tests.mpc.four_prime_rsa.pkcs8 import pkcs8
from tests.mpc.parties import ENGINE, RANDOM
from tests.mpc.refusals import blamed, malformed

CLIENT, SERVER, SIGN = Role.CLIENT, Role.SERVER, Purpose.SIGN
FIRST, SECOND = random_prime(), random_prime()


@pytest.fixture(scope="module")
def client() -> KeyShare:
    """The client's share, of both keys."""
    return generate_key_share(CLIENT, SIGN, 2048)


@pytest.fixture(scope="module")
def server() -> KeyShare:
    """The server's share of the older key."""
    return load_key_share(SERVER, SIGN, pkcs8(FIRST, SECOND))


@pytest.fixture(scope="module")
def replaced(client: KeyShare, server: KeyShare) -> JointPublicKey:
    """The older key."""
    return JointPublicKey(client.public, server.public)


def test_both_get_a_key_with_the_same_client_half(client: KeyShare, replaced: JointPublicKey) -> None:
    """Of another modulus; and its proofs are good for this re-key alone."""
    run = generation(client=client, replaced=replaced)
    opening = run.open()
    key = run.check(opening)
    assert key == opening.joint_key
    assert key.client == replaced.client
    assert key.server != replaced.server
    for other in (None, JointPublicKey(client.public, run.server_share.public)):
        terms = replace(run.terms, replaced=other)
        with blamed(SERVER, "CERTIFICATION_INVALID"):
            replace(run, terms=terms).open()
        with blamed(CLIENT, "CERTIFICATION_INVALID"):
            replace(run, terms=terms).check(opening)


def test_server_that_answers_with_its_old_half(client: KeyShare, server: KeyShare, replaced: JointPublicKey) -> None:
    """Or with one that has a prime of it."""
    for share in (server, load_key_share(SERVER, SIGN, pkcs8(FIRST, random_prime()))):
        with blamed(SERVER, "MODULUS_SHARES_PRIME"):
            generation(client=client, server=share, replaced=replaced).open()


def test_client_that_brings_another_half(client: KeyShare, replaced: JointPublicKey) -> None:
    """It committed to it, and proves it as it should; our own client does not try."""
    run = generation(replaced=replaced)
    with malformed("SHARE_OF_OTHER_KEY"):
        run.open()
    other = run.commitment.share
    roots = certify_modulus(other, run.terms.transcript(run.server_modulus), ENGINE, RANDOM)
    honest = generation(client=client, replaced=replaced).open()
    opening = replace(honest, modulus=other.public.to_bytes(), nonce=run.commitment.nonce, roots=roots)
    with blamed(CLIENT, "CLIENT_MODULUS_OTHER"):
        run.check(opening)


def test_terms_of_another_sort_of_key(client: KeyShare, replaced: JointPublicKey) -> None:
    """A re-key changes neither purpose nor size."""
    commitment = commit_to_share(client, RANDOM).commitment
    for purpose, bits in ((Purpose.DECRYPT, 2048), (SIGN, 3072)):
        with malformed("REKEY_DIFFERS"):
            GenerationTerms(KEY_ID, purpose, bits, commitment, replaced)
