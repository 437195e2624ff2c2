"""Uses of keys in a token: while it is away nothing is counted twice, and a repeat goes on."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mpc.four_prime_rsa import Purpose
from server.custody.pkcs11 import TokenHolder
from server.root.home import Home
from tests.server.custody.pkcs11.conftest import in_token, shared_token
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.custody.pkcs11.test_pool import until
from tests.server.trusteeship.conftest import open_company
from tests.server.trusteeship.people import ADMINISTRATORS, DIGEST, OAEP, prepare, reason_of

__all__ = ["in_token", "shared_token"]


async def test_a_token_that_is_away_in_the_middle(in_token: SoftToken, tmp_path: Path) -> None:  # a fixture
    """It signs and decrypts as custody in the database does."""
    world = await asyncio.to_thread(prepare, tmp_path / "server", ADMINISTRATORS)
    async with open_company(world, Home(world.folder)) as company:
        bob = company.bob
        assert {f"fourseal {key.key_id}" for key in world.keys.values()} <= set(in_token.names())
        signing, decrypting = await company.granted(), await company.granted(Purpose.DECRYPT)
        ciphertext = company.decrypts.public_key.encrypt(b"letter", OAEP)
        letter = bob.using(decrypting, digest=sha256(ciphertext).digest())
        assert (await bob.use(letter, ciphertext)).result == b"letter"

        asked = bob.using(signing)
        signature = bob.signature(asked.to_der())
        in_token.pull()
        assert await reason_of(bob.begin_use(asked, signature=signature)) == "CUSTODY_UNAVAILABLE"
        assert (await bob.look(signing.grant_id)).used == 1
        in_token.put_back()
        holder = company.server._ground.custody.shares.holder
        assert isinstance(holder, TokenHolder)
        await asyncio.to_thread(until, lambda: bool(holder.pool().process_ids))
        finished = await bob.finish_use(bob.finishing(asked, await bob.begin_use(asked, signature=signature)))
        company.signs.public_key.verify(finished.result, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
        assert (await bob.look(signing.grant_id)).used == 1
