"""Alice and Bob, and what they signed: made once a session."""

from __future__ import annotations

import asyncio

import pytest

from mpc.four_prime_rsa import Role
from tests.contract.pades.signers import JointSigner, joint_signer, page
from tests.contract.world import Issuer
from tests.mpc.parties import Signers, signing_share


@pytest.fixture(scope="session")
def pdf_alice(authority: Issuer) -> JointSigner:
    """A signer with a joint key."""
    return joint_signer(authority, "alice", Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER)))


@pytest.fixture(scope="session")
def pdf_bob(authority: Issuer) -> JointSigner:
    """Another one, with a Chinese name."""
    keys = Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))
    return joint_signer(authority, "bob", keys, "鲍勃")


@pytest.fixture(scope="session")
def by_alice(pdf_alice: JointSigner) -> bytes:
    """A page that Alice signed."""
    return asyncio.run(pdf_alice.sign(page())).file


@pytest.fixture(scope="session")
def by_both(pdf_bob: JointSigner, by_alice: bytes) -> bytes:
    """The same, signed by Bob after her."""
    return asyncio.run(pdf_bob.sign(by_alice, minutes=5)).file
