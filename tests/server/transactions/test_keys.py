"""The key that codes are sealed for: renewed in time, the one before taken until its end; in a token, too."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from fourseal.v1 import transaction_service_pb2 as pb

from server.identity.certified_keys import LIFETIME, RENEW_BEFORE
from server.transactions import BACK_END_KEYS, BackEndKeys
from tests.server.custody.pkcs11.conftest import in_token, shared_token
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank
from tests.server.trusteeship.people import authority_of, reason_of

__all__ = ["in_token", "shared_token"]

DAY = timedelta(days=1)


def keys_of(bank: Bank, name: str = "fourseal") -> BackEndKeys:
    """Another process's view of the keys."""
    ground = bank.server._ground
    return BackEndKeys(
        ground.database, ground.custody.keys, authority_of(bank.server), secrets.token_bytes, bank.clock, name=name
    )


async def test_a_key_is_renewed_and_the_one_before_is_taken(tmp_path: Path) -> None:
    """Sixty days before its end: what is sealed for it then still confirms; a stranger's certificate never."""
    async with open_bank(make_bank_home(tmp_path / "server", signer_certificate_days=397)) as bank:
        ground, keys = bank.server._ground, bank.server._rules.transactions.keys
        old = await bank.terminal.back_end()
        assert not await keys.ensure()
        bank.clock.move(LIFETIME - RENEW_BEFORE - DAY)
        assert not await keys.ensure()
        transaction = bank.terminal.transaction()
        name = (await bank.terminal.propose(transaction)).transaction_id
        bank.clock.move(DAY)
        assert await keys.ensure()
        assert not await keys_of(bank).ensure()  # another process has nothing left to do
        assert not keys_of(bank)._make(old.fingerprint)  # nor one that had found the old one, and was slower
        new = await bank.terminal.back_end()
        assert (new.fingerprint, new.public_key) != (old.fingerprint, old.public_key)
        assert len(ground.database.read_now(BACK_END_KEYS.list_keys)) == 2
        assert BACK_END_KEYS.find_broken_keys(ground.database, ground.custody.keys) == (2, [])

        transaction = bank.terminal.transaction()
        name = (await bank.terminal.propose(transaction)).transaction_id
        binding, code = bank.alice.bind(transaction, old)
        await bank.terminal.sign(name, binding)
        assert (await bank.terminal.confirm(name, binding, code)).state == pb.TRANSACTION_STATE_EXECUTED

        assert ground.database.read_now(lambda each: keys.accepts(each, old.fingerprint))
        bank.clock.move(RENEW_BEFORE)
        assert not ground.database.read_now(lambda each: keys.accepts(each, old.fingerprint))
        other = keys_of(bank, "another")
        assert await other.ensure()
        assert not ground.database.read_now(lambda each: other.accepts(each, new.fingerprint))


async def test_a_key_in_a_token(in_token: SoftToken, tmp_path: Path) -> None:
    """It opens codes there; while the token is away nothing counts as a try."""
    async with open_bank(make_bank_home(tmp_path / "server")) as bank:
        (kept,) = bank.server._ground.database.read_now(BACK_END_KEYS.list_keys)
        assert f"fourseal {kept[0]}" in in_token.names()
        name, binding, code = await bank.signed()
        in_token.pull()
        assert await reason_of(bank.terminal.confirm(name, binding, code)) == "CUSTODY_UNAVAILABLE"
        in_token.put_back()
        status = await bank.terminal.get(name)
        assert (status.state, status.wrong_codes) == (pb.TRANSACTION_STATE_SIGNED, 0)
