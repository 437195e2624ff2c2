"""Somebody who can write to the key store's files, or a disk that forgets: noticed, named, and never believed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpc.errors import FoursealError
from mpc.four_prime_rsa import Role
from signer_agent.home import Home
from signer_agent.keystore.header import _checksum
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.mpc.parties import Signers, signing_share
from tests.signer_agent import stores
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.client.documents import decode, encode

pytestmark = pytest.mark.full_cost


class Full:
    """A store with one of each, and how each is read."""

    def __init__(self, home: Home) -> None:
        signers = Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))
        self.home = home
        self.store = KeyStore.create(home, Passphrase(PASSPHRASE))
        self.key_id = stores.save_key(self.store, signers).key_id
        self.other_key_id = stores.save_key(self.store, signers).key_id
        pending = stores.pending_generation(signers)
        self.store.save_pending_generation(pending)
        self.store.save_identity(stores.identity())
        self.store.save_pending_enrolment(stores.pending_enrolment())
        request_id = pending.request.request_id
        self.reads: dict[Path, Callable[[], object]] = {
            home.folder / "keystore.json": lambda: KeyStore.open(home, Passphrase(PASSPHRASE)),
            home.folder / "identity.json": self.store.identity,
            home.folder / "enrolment.json": self.store.pending_enrolment,
            home.keys / f"{self.key_id}.json": lambda: self.store.share(self.key_id),
            home.generations / f"{request_id}.json": lambda: self.store.pending_generation(request_id),
        }


NAMES = ("keystore.json", "identity.json", "enrolment.json", "key-", "generation")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Full:
    """One store for all attacks; each puts back what it spoils."""
    return Full(Home.find(tmp_path_factory.mktemp("full") / "agent"))


def find(full: Full, name: str) -> Path:
    """The file that is meant by one of NAMES."""
    folder = {"key-": full.home.keys, "generation": full.home.generations}.get(name, full.home.folder)
    found = [path for path in full.reads if path.parent == folder and (folder != full.home.folder or path.name == name)]
    return found[0]


def read_spoiled(full: Full, path: Path, content: bytes) -> None:
    """Put other bytes into a file, read it as the agent does, and put the old ones back."""
    before = path.read_bytes()
    assert content != before
    path.write_bytes(content)
    try:
        full.reads[path]()
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_can_be_read_unspoiled(full: Full, name: str) -> None:
    """Or the attacks below would prove nothing."""
    assert full.reads[find(full, name)]() is not None


@pytest.mark.parametrize("name", NAMES)
def test_one_flipped_bit_anywhere_is_found(full: Full, name: str) -> None:
    """In every byte of every file, a bit chosen at random: refused as damage, and the file is named."""
    path = find(full, name)
    content = path.read_bytes()
    bits = random.Random(1)  # noqa: S311  # the same bits in every run
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << bits.randrange(8)
        with refused("STORE_DAMAGED", file=str(path)):
            read_spoiled(full, path, bytes(flipped))


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_or_longer_file_is_found(full: Full, name: str) -> None:
    """Torn writes of every length, something behind the end, nothing at all, and far too much."""
    path = find(full, name)
    content = path.read_bytes()
    spoiled = [content[:length] for length in range(0, len(content), 7)]
    spoiled += [content + b"\n", b" " + content, content * 2, b"\0" * len(content), b"x" * (1 << 19), b"[" * 100_000]
    for other in spoiled:
        with refused("STORE_DAMAGED", file=str(path)):
            read_spoiled(full, path, other)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_counts(full: Full, name: str) -> None:
    """Public values, rewritten in good form by somebody who knows the format, do not hold either."""
    path = find(full, name)
    document = decode(path.read_bytes())
    for place in _places(document):
        spoiled = json.loads(json.dumps(document))
        _spoil(spoiled, place)
        if "checksum" in spoiled and place != ("checksum",):
            del spoiled["checksum"]
            spoiled["checksum"] = _checksum(spoiled)
        with pytest.raises(FoursealError) as caught:
            read_spoiled(full, path, encode(spoiled))
        allowed = {"STORE_DAMAGED"} | ({"PASSPHRASE_WRONG"} if name == "keystore.json" else set())
        assert caught.value.reason in allowed, place


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_kib", 65535),
        ("memory_kib", 8),
        ("memory_kib", 0),
        ("memory_kib", -1),
        ("memory_kib", 1 << 40),
        ("iterations", 2),
        ("iterations", 0),
        ("iterations", 1 << 31),
        ("lanes", 0),
        ("lanes", 255),
        ("salt", ""),
        ("salt", "AAAA"),
        ("name", "argon2d"),
        ("name", "scrypt"),
        ("memory_kib", "65536"),
        ("memory_kib", True),
        ("iterations", 3.0),
        ("lanes", None),
    ],
)
def test_weakened_or_absurd_cost_is_refused_before_it_is_paid(full: Full, name: str, value: object) -> None:
    """Neither is the passphrase handed to a guesser, nor the machine stopped."""
    path = find(full, "keystore.json")
    document = decode(path.read_bytes())
    document["kdf"][name] = value
    del document["checksum"]
    document["checksum"] = _checksum(document)
    with refused("STORE_DAMAGED", file=str(path)):
        read_spoiled(full, path, encode(document))


def test_cheaper_cost_within_bounds_does_not_open_it(full: Full) -> None:
    """The cost is authenticated: another one that would be allowed is not the one that was used."""
    path = find(full, "keystore.json")
    document = decode(path.read_bytes())
    document["kdf"]["iterations"] = 4
    del document["checksum"]
    document["checksum"] = _checksum(document)
    with refused("PASSPHRASE_WRONG"):
        read_spoiled(full, path, encode(document))


def test_swapped_entries_are_found(full: Full) -> None:
    """A key under the name of another, an entry of another kind: sealed for their own place."""
    one, other = (full.home.keys / f"{key_id}.json" for key_id in (full.key_id, full.other_key_id))
    with refused("STORE_DAMAGED", file=str(one)):
        read_spoiled(full, one, other.read_bytes())
    identity, enrolment = find(full, "identity.json"), find(full, "enrolment.json")
    with refused("STORE_DAMAGED", file=str(identity)):
        read_spoiled(full, identity, enrolment.read_bytes())


def test_an_entry_of_another_store_is_found(full: Full, tmp_path: Path) -> None:
    """Even of one with the same passphrase."""
    other = Full(Home.find(tmp_path / "other"))
    with refused("STORE_DAMAGED"):
        read_spoiled(full, find(full, "identity.json"), find(other, "identity.json").read_bytes())


def test_a_header_of_another_store_opens_nothing(full: Full, tmp_path: Path) -> None:
    """Whoever puts in a header with a passphrase of their own has a store in which no entry opens."""
    home = Home.find(tmp_path / "copy")
    shutil.copytree(full.home.folder, home.folder)
    KeyStore.create(Home.find(tmp_path / "evil"), Passphrase("evil evil"))
    shutil.copy(tmp_path / "evil" / "keystore.json", home.folder / "keystore.json")
    store = KeyStore.open(home, Passphrase("evil evil"))
    with refused("STORE_DAMAGED"):
        store.identity()
    with refused("STORE_DAMAGED"):
        store.share(full.key_id)


def _places(document: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(document, dict):
        return [place for name, value in document.items() for place in _places(value, (*path, name))]
    if isinstance(document, list) and document:
        return [place for index, value in enumerate(document) for place in _places(value, (*path, index))]
    return [path]


def _spoil(document: dict[str, Any], place: tuple[Any, ...]) -> None:
    for name in place[:-1]:
        document = document[name]
    value = document[place[-1]]
    if isinstance(value, int):
        document[place[-1]] = value + 1
    elif isinstance(value, list):
        document[place[-1]] = ["rsa-pss-sha384"]
    else:
        document[place[-1]] = ("B" if value[:1] == "A" else "A") + value[1:]
