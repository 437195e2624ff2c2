"""Keys by id and by label, also those that another process stored meanwhile."""

from __future__ import annotations

import pytest

from mpc.four_prime_rsa import Role
from signer_agent.client.keyring import Keyring
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.mpc.parties import Signers, signing_share
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE, save_key
from wire.ids import new_key_id


@pytest.fixture(scope="module")
def signers() -> Signers:
    """Both shares of a key."""
    return Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))


def test_a_label_that_another_process_stored_is_found(home: Home, store: KeyStore, signers: Signers) -> None:
    """At once; and two of them are ambiguous."""
    keyring, other = Keyring(store), KeyStore.open(home, Passphrase(PASSPHRASE))
    for label in ("first", "second", "third"):
        with refused("KEY_NOT_FOUND", key_id=label):
            keyring.key_id(label)
        key_id = save_key(other, signers, label).key_id
        assert keyring.key_id(label) == key_id
        assert keyring.opened(label).record.key_id == key_id
        assert keyring.key_id("first")


def test_an_id_is_taken_as_it_is(store: KeyStore, signers: Signers) -> None:
    """Known here or not; its share must be here to be used."""
    keyring, known, unknown = Keyring(store), save_key(store, signers).key_id, new_key_id()
    assert (keyring.key_id(known), keyring.key_id(unknown)) == (known, unknown)
    with refused("SHARE_MISSING", key_id=unknown):
        keyring.opened(unknown)


def test_an_erased_key_is_gone_from_memory_too(store: KeyStore, signers: Signers) -> None:
    """Its share was in use a moment ago."""
    keyring, key_id = Keyring(store), save_key(store, signers).key_id
    assert str(signers.client.crt.p) not in repr(keyring.opened(key_id))
    keyring.erase(key_id)
    with refused("SHARE_MISSING"):
        keyring.opened(key_id)
