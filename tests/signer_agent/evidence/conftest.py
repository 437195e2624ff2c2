"""People with agents at a real server, and a session of theirs; a session without servers, to be disclosed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contract.session_info import Scheme
from mpc.four_prime_rsa import Role
from tests.contract.world import Issuer, World, half_person, session_info
from tests.mpc.parties import decryption_share, signing_share
from tests.signer_agent.contracts.company import Company, gathered


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session_id(company: Company) -> str:
    """A session of theirs."""
    return await company.session()


@pytest.fixture(scope="session")
def world() -> World:
    """Of Alice and Bob in the joint scheme, without servers: its keys are what costs time."""
    authority = Issuer()
    people = tuple(
        half_person(authority, name, signing_share(Role.CLIENT), decryption_share(Role.CLIENT))
        for name in ("alice", "bob")
    )
    info = session_info(Scheme.JOINT, people)
    return World(authority, info, signing_share(Role.SERVER), decryption_share(Role.SERVER), people)
