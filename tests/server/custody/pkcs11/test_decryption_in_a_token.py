"""What holds for custody in the database holds for a token: tests of decryption, with a token under the server."""

from __future__ import annotations

import pytest

from mpc.four_prime_rsa import Purpose
from tests.server.harness import Client, ClientKey
from tests.server.signing.test_decryption import (
    test_plaintext_comes_back,
    test_repeat_gets_the_same_partial_though_it_was_not_kept,
    test_signing_key_does_not_decrypt,
)

__all__ = [
    "test_plaintext_comes_back",
    "test_repeat_gets_the_same_partial_though_it_was_not_kept",
    "test_signing_key_does_not_decrypt",
]

pytestmark = pytest.mark.usefixtures("in_token")


@pytest.fixture
async def key(alice: Client) -> ClientKey:
    """A joint decryption key of Alice's, whose server's half is in the token."""
    return await alice.generate(purpose=Purpose.DECRYPT)
