"""What Alice and Bob signed: made once a session."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.pades.signers import JointSigner, page


@pytest.fixture(scope="session")
def by_alice(pdf_alice: JointSigner) -> bytes:
    """A page that Alice signed."""
    return asyncio.run(pdf_alice.sign(page())).file


@pytest.fixture(scope="session")
def by_both(pdf_bob: JointSigner, by_alice: bytes) -> bytes:
    """The same, signed by Bob after her."""
    return asyncio.run(pdf_bob.sign(by_alice, minutes=5)).file
