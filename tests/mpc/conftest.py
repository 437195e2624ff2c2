"""Shares that many tests use: made once a session, for they are what costs time."""

from __future__ import annotations

import pytest

from mpc.four_prime_rsa import HALF_BITS, Role
from tests.mpc.parties import Decrypters, Signers, decryption_share, signing_share


@pytest.fixture(scope="session")
def signers() -> Signers:
    """A joint key of 2048-bit halves for signing."""
    return Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))


@pytest.fixture(scope="session")
def other_signers() -> Signers:
    """Another one."""
    return Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))


@pytest.fixture(scope="session")
def decrypters() -> Decrypters:
    """A joint key of 2048-bit halves for decryption."""
    return Decrypters(decryption_share(Role.CLIENT), decryption_share(Role.SERVER))


@pytest.fixture(scope="session")
def other_decrypters() -> Decrypters:
    """Another one."""
    return Decrypters(decryption_share(Role.CLIENT), decryption_share(Role.SERVER))


@pytest.fixture(scope="session", params=HALF_BITS, ids=lambda bits: f"{bits}-bit-halves")
def sized_signers(request: pytest.FixtureRequest, signers: Signers) -> Signers:
    """A joint key for signing of every size."""
    bits = request.param
    return signers if bits == 2048 else Signers(signing_share(Role.CLIENT, bits), signing_share(Role.SERVER, bits))
