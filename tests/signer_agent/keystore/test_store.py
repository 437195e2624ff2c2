"""What is put into a key store comes out again, and only with the passphrase."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.four_prime_rsa import Role
from signer_agent.contracts.entries import CURRENT, Drawers, StoredLogin
from signer_agent.home import Home
from signer_agent.keystore.sealing import DataKey, Passphrase
from signer_agent.keystore.store import KeyStore
from tests.mpc.parties import Signers, signing_share
from tests.signer_agent import stores
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.client.identity import tls_key_to_secret_bytes


@pytest.fixture(scope="module")
def signers() -> Signers:
    """Both shares of a key."""
    return Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))


def reopened(home: Home, passphrase: str = PASSPHRASE) -> KeyStore:
    """The same store, as another process would see it."""
    return KeyStore.open(home, Passphrase(passphrase))


def test_a_key_comes_back_with_its_share(home: Home, store: KeyStore, signers: Signers) -> None:
    """Another process finds record and share as they were; the generation it came from is gone."""
    record = stores.save_key(store, signers)
    again = reopened(home)
    share = again.share(record.key_id)
    assert again.key(record.key_id) == record
    assert again.records() == [record]
    assert share is not None
    assert share.to_secret_bytes() == signers.client.to_secret_bytes()
    assert again.request_ids() == []


def test_a_generation_comes_back_with_the_same_commitment(home: Home, store: KeyStore, signers: Signers) -> None:
    """What is repeated after a crash is the same request with the same commitment."""
    pending = stores.pending_generation(signers)
    store.save_pending_generation(pending)
    found = reopened(home).pending_generation(pending.request.request_id)
    assert found is not None
    assert found.request == pending.request
    assert (found.client.commitment, found.client.nonce) == (pending.client.commitment, pending.client.nonce)
    assert found.client.share.to_secret_bytes() == signers.client.to_secret_bytes()


def test_an_identity_comes_back_and_ends_the_enrolment(home: Home, store: KeyStore) -> None:
    """The TLS key is kept with the certificate; the enrolment under way is forgotten."""
    pending, identity = stores.pending_enrolment(), stores.identity()
    store.save_pending_enrolment(pending)
    kept = reopened(home).pending_enrolment()
    assert kept is not None
    assert (kept.token_digest, kept.request_der) == (pending.token_digest, pending.request_der)
    assert tls_key_to_secret_bytes(kept.private_key) == tls_key_to_secret_bytes(pending.private_key)
    store.save_identity(identity)
    again = reopened(home)
    found = again.identity()
    assert again.pending_enrolment() is None
    assert found is not None
    assert found.to_public() == identity.to_public()
    assert tls_key_to_secret_bytes(found.private_key) == tls_key_to_secret_bytes(identity.private_key)


def test_an_empty_store_has_nothing(store: KeyStore) -> None:
    """Nothing is None, not an error."""
    assert (store.identity(), store.pending_enrolment(), store.records(), store.request_ids()) == (None, None, [], [])
    assert store.key("key-" + "a" * 26) is None
    assert store.share("key-" + "a" * 26) is None
    assert store.pending_generation("0123456789abcdef") is None


def test_a_drawer_sees_what_other_processes_put_and_remove(home: Home, store: KeyStore) -> None:
    """It opens what it reads again and again once; but never shows what is not there any more."""
    ours, theirs = (Drawers(each).logins for each in (store, reopened(home)))
    for number in range(2):
        theirs.put(CURRENT, StoredLogin("alice", f"login-{number}", "t" * 43, proven=False))
        for _ in range(2):
            found = ours.get(CURRENT)
            assert found is not None
            assert found.login_id == f"login-{number}"
    (place,) = home.folder.rglob(f"{CURRENT}.json")
    whole = place.read_bytes()
    place.write_bytes(whole.replace(b"login-1", b"login-2"))
    with refused("STORE_DAMAGED"):
        ours.get(CURRENT)
    theirs.remove(CURRENT)
    assert ours.get(CURRENT) is None


def test_a_removed_key_is_gone(home: Home, store: KeyStore, signers: Signers) -> None:
    """No file of it stays behind."""
    record = stores.save_key(store, signers)
    store.remove_key(record.key_id)
    store.remove_key(record.key_id)
    assert store.share(record.key_id) is None
    assert [path.name for path in home.keys.iterdir()] == [".lock"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("passphrase", ["correct horse battery stapl", PASSPHRASE + " ", PASSPHRASE.upper(), "x"])
def test_another_passphrase_is_wrong(home: Home, passphrase: str) -> None:
    """Close is not enough, and a short one is wrong, not unsuitable."""
    with refused("PASSPHRASE_WRONG"):
        reopened(home, passphrase)


def test_a_new_passphrase_replaces_the_old_one(home: Home, store: KeyStore, signers: Signers) -> None:
    """Keys stay as they are; a process that has the store open goes on."""
    record = stores.save_key(store, signers)
    before = (home.keys / f"{record.key_id}.json").read_bytes()
    reopened(home).change_passphrase(Passphrase("another passphrase"))
    with refused("PASSPHRASE_WRONG"):
        reopened(home)
    assert reopened(home, "another passphrase").key(record.key_id) == record
    assert store.key(record.key_id) == record
    assert (home.keys / f"{record.key_id}.json").read_bytes() == before


def test_a_passphrase_may_be_typed_on_any_keyboard(home: Home) -> None:
    """Composed and decomposed letters are the same passphrase."""
    KeyStore.create(home, Passphrase("Gro\u00dfe M\u00fchle"))
    reopened(home, "Gro\u00dfe Mu\u0308hle")


@pytest.mark.parametrize("text", ["", "\ud800", "x" * 1025, "\u00fc" * 513])
def test_an_impossible_passphrase_is_refused(text: str) -> None:
    """Empty, not Unicode, too long in UTF-8."""
    with refused("PASSPHRASE_UNSUITABLE"):
        Passphrase(text)


def test_a_new_passphrase_must_have_eight_characters(home: Home, store: KeyStore) -> None:
    """Seven are refused at both places, eight are taken."""
    with refused("PASSPHRASE_UNSUITABLE"):
        KeyStore.create(Home.find(home.folder / "other"), Passphrase("seven77"))
    with refused("PASSPHRASE_UNSUITABLE"):
        store.change_passphrase(Passphrase("seven77"))
    store.change_passphrase(Passphrase("eight888"))


@pytest.mark.usefixtures("store")
def test_a_store_is_not_overwritten(home: Home) -> None:
    """A second init refuses and changes nothing."""
    before = (home.folder / "keystore.json").read_bytes()
    with refused("STORE_EXISTS", folder=str(home.folder)):
        KeyStore.create(home, Passphrase(PASSPHRASE))
    assert (home.folder / "keystore.json").read_bytes() == before


def test_no_store_is_no_store(home: Home) -> None:
    """Said plainly, whether the folder is there or not."""
    with refused("STORE_MISSING", folder=str(home.folder)):
        reopened(home)
    home.folder.mkdir(mode=0o700)
    with refused("STORE_MISSING", folder=str(home.folder)):
        reopened(home)


@pytest.mark.parametrize("name", ["../identity", "key-../../../../identity.json", "", "a/b"])
def test_no_name_leads_out_of_the_store(store: KeyStore, name: str) -> None:
    """Ids that are none are refused before they name a file."""
    with refused("KEY_ID_MALFORMED"):
        store.key(name)
    with refused("REQUEST_ID_MALFORMED"):
        store.pending_generation(name)


REQUEST = ("key-" + "a" * 26, "0123456789abcdef", "rsa-pss-sha256", b"digest")


@given(st.integers(0, 3), st.sampled_from(["", "x"]), st.sampled_from([32, 48, 64]))
def test_a_salt_follows_from_the_whole_request(place: int, suffix: str, length: int) -> None:
    """The same request has the same salt, every other one another; it has the length that was asked for."""
    key = DataKey(bytes(32))
    other: list[Any] = list(REQUEST)
    other[place] = other[place] + (suffix if isinstance(other[place], str) else suffix.encode())
    salts = key.signature_salt(length, *REQUEST), key.signature_salt(length, *other)
    assert list(map(len, salts)) == [length, length]
    assert (salts[0] == salts[1]) == (suffix == "")


def test_a_salt_does_not_depend_on_where_fields_end() -> None:
    """Moving a character from one field to the next makes another request."""
    key = DataKey(bytes(32))
    assert key.signature_salt(32, "ab", "c") != key.signature_salt(32, "a", "bc")


def test_salts_of_two_stores_differ(tmp_path: Path) -> None:
    """Nobody who lacks the store can foretell a salt."""
    one, other = (KeyStore.create(Home.find(tmp_path / name), Passphrase(PASSPHRASE)) for name in "ab")
    assert one.signature_salt(32, *REQUEST) != other.signature_salt(32, *REQUEST)


def test_nothing_of_the_store_shows_a_secret(store: KeyStore, signers: Signers) -> None:
    """Neither repr nor str of what holds secrets says more than its name and what is public."""
    shown = " ".join(
        repr(thing)
        for thing in (
            Passphrase("correct horse"),
            DataKey(b"\x11" * 32),
            stores.identity(),
            stores.pending_enrolment(),
            stores.pending_generation(signers),
            store,
        )
    )
    assert "correct" not in shown
    assert "x11" not in shown
    assert "1111" not in shown
    assert str(signers.client.crt.p) not in shown
    with pytest.raises(TypeError):
        operator.eq(Passphrase("a"), Passphrase("a"))
