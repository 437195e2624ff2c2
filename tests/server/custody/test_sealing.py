"""Sealed secrets in the hands of an attacker who has the database."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from server.custody import Context, MasterKeys, SealBroken, Sealer, create_master_key, load_master_keys
from server.errors import OperatorError

CONTEXT = Context("key-share", "key-one", (b"server", b"sign", b"modulus"))
SECRET = b"a share of a key"


@pytest.fixture
def keys() -> MasterKeys:
    """One master key."""
    key_id = secrets.token_bytes(8)
    return MasterKeys(key_id, {key_id: secrets.token_bytes(32)})


@pytest.fixture
def sealer(keys: MasterKeys) -> Sealer:
    """Seals under it."""
    return Sealer(keys, secrets.token_bytes)


def test_opens_as_what_it_was_sealed_as(sealer: Sealer) -> None:
    """The secret comes back, and is not in the sealed form."""
    sealed = sealer.seal(CONTEXT, SECRET)
    assert sealer.open(CONTEXT, sealed) == SECRET
    assert SECRET not in sealed
    assert len(sealed) == 1 + 8 + 12 + len(SECRET) + 16


def test_two_seals_of_one_secret_differ(sealer: Sealer) -> None:
    """Nonces are fresh: who reads the database cannot tell equal secrets."""
    assert sealer.seal(CONTEXT, SECRET) != sealer.seal(CONTEXT, SECRET)


@pytest.mark.parametrize(
    "moved",
    [
        replace(CONTEXT, name="key-two"),
        replace(CONTEXT, kind="private-key"),
        replace(CONTEXT, facts=(b"server", b"decrypt", b"modulus")),
        replace(CONTEXT, facts=(b"client", b"sign", b"modulus")),
        replace(CONTEXT, facts=(b"server", b"sign", b"another")),
        replace(CONTEXT, facts=(b"serversign", b"modulus")),
        replace(CONTEXT, facts=(b"server", b"sign", b"modulus", b"")),
        Context("key-sharekey-one", "", CONTEXT.facts),
    ],
)
def test_moved_to_another_context(sealer: Sealer, moved: Context) -> None:
    """A row that is put in another's place, or called something else, does not open."""
    with pytest.raises(SealBroken):
        sealer.open(moved, sealer.seal(CONTEXT, SECRET))


def test_every_flipped_bit(sealer: Sealer) -> None:
    """No bit of a sealed secret can be changed: version, key id, nonce, ciphertext, tag."""
    sealed = sealer.seal(CONTEXT, SECRET)
    for position in range(8 * len(sealed)):
        damaged = bytearray(sealed)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            sealer.open(CONTEXT, bytes(damaged))


def test_every_truncation(sealer: Sealer) -> None:
    """Nor is a part of it taken for the whole."""
    sealed = sealer.seal(CONTEXT, SECRET)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(CONTEXT, sealed[:length])


def test_wrong_master_key(keys: MasterKeys, sealer: Sealer) -> None:
    """Another key does not open it, even one that calls itself the same."""
    sealed = sealer.seal(CONTEXT, SECRET)
    for other in (
        MasterKeys(keys.active, {keys.active: secrets.token_bytes(32)}),
        MasterKeys(b"another!", {b"another!": keys.keys[keys.active]}),
    ):
        with pytest.raises(SealBroken):
            Sealer(other, secrets.token_bytes).open(CONTEXT, sealed)


def test_older_master_key_still_opens(keys: MasterKeys, sealer: Sealer) -> None:
    """After a new key was made active, what was sealed before opens, and new secrets are sealed under the new one."""
    sealed = sealer.seal(CONTEXT, SECRET)
    both = MasterKeys(b"newer-id", keys.keys | {b"newer-id": secrets.token_bytes(32)})
    after = Sealer(both, secrets.token_bytes)
    assert after.open(CONTEXT, sealed) == SECRET
    fresh = after.seal(CONTEXT, SECRET)
    assert after.open(CONTEXT, fresh) == SECRET
    with pytest.raises(SealBroken):
        sealer.open(CONTEXT, fresh)


def test_master_keys_show_nothing(keys: MasterKeys) -> None:
    """Neither print nor pickle nor compare."""
    shown = repr(keys)
    for key in keys.keys.values():
        assert key.hex() not in shown
        assert repr(key) not in shown
    with pytest.raises(TypeError):
        assert keys == keys  # noqa: PLR0124  # that this raises is the point


def test_master_key_file(tmp_path: Path) -> None:
    """Made for its owner alone, read back, and never made twice."""
    path = tmp_path / "master.key"
    create_master_key(path, secrets.token_bytes)
    assert path.stat().st_mode & 0o777 == 0o600
    keys = load_master_keys(path)
    assert list(keys.keys) == [keys.active]
    before = path.read_bytes()
    with pytest.raises(OperatorError, match="already"):
        create_master_key(path, secrets.token_bytes)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_master_key_file_that_others_can_open(tmp_path: Path, mode: int) -> None:
    """A key that others can read is refused, with the command that closes it."""
    path = tmp_path / "master.key"
    create_master_key(path, secrets.token_bytes)
    path.chmod(mode)
    with pytest.raises(OperatorError, match="open to others") as refused:
        load_master_keys(path)
    assert "chmod 600" in refused.value.action


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"version": 2, "active": "00", "keys": {}}',
        b'{"version": 1, "active": "0011223344556677", "keys": {}}',
        b'{"version": 1, "active": "0011223344556677", "keys": {"0011223344556677": "c2hvcnQ="}}',
        b'{"version": 1, "active": "0011223344556677", "keys": {"0011223344556677": "not base64!"}}',
        b'{"version": 1, "active": "xx", "keys": {"xx": "c2hvcnQ="}}',
        b'{"version": 1, "active": 5, "keys": 6}',
        b'{"version": 1, "active": "0011223344556677", "keys": {"0011223344556677": "' + b"A" * 43 + b'="}, "more": 1}',
        b"A" * 100_000,
    ],
)
def test_damaged_master_key_file(tmp_path: Path, content: bytes) -> None:
    """Any other content is refused, without a word of it in the error."""
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="damaged") as refused:
        load_master_keys(path)
    assert refused.value.__cause__ is None
    assert "c2hvcnQ" not in str(refused.value)


def test_missing_master_key_file(tmp_path: Path) -> None:
    """A missing file says where it should be."""
    with pytest.raises(OperatorError, match=r"master\.key cannot be read"):
        load_master_keys(tmp_path / "master.key")


def test_folder_that_cannot_take_a_master_key(tmp_path: Path) -> None:
    """An unusable place is said at once."""
    with pytest.raises(OperatorError, match="cannot be written"):
        create_master_key(tmp_path / "missing" / "master.key", os.urandom)
