"""Key shares in custody: an attacker edits the database under a server, and how long an opened share lives."""

from __future__ import annotations

import gc
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mpc.four_prime_rsa import Purpose, Role, SigningShare, generate_key_share
from server.clock import system_clock
from server.config import load_settings
from server.custody import Custody, ShareCustody, create_master_key
from server.errors import OperatorError
from server.root.ground import Ground, open_ground
from server.root.home import Home
from tests.server.harness import HALF_BITS, database_bytes, database_path, sealed_shares, silent_log
from wire.catalogue import ServiceError

ONE, TWO = "key-" + "a" * 26, "key-" + "b" * 26


@pytest.fixture
def ground(home: Home) -> Iterator[Ground]:
    """Database and custody of a home folder."""
    with open_ground(home, load_settings(home.folder), silent_log()) as opened:
        yield opened


def new_custody(ground: Ground, home: Home, capacity: int = 8) -> ShareCustody:
    """Custody that has opened nothing yet: as after a restart."""
    path = home.master_key(load_settings(home.folder))
    return Custody(ground.database, path, bytes_of, capacity=capacity).shares


def bytes_of(count: int) -> bytes:
    """Randomness that nobody needs here: these custodies only open."""
    return bytes(count)


def keep(ground: Ground, key_id: str, purpose: Purpose = Purpose.SIGN) -> SigningShare:
    """Make a share and put it into custody."""
    share = generate_key_share(Role.SERVER, purpose, HALF_BITS)
    shares = ground.custody.shares
    ground.database.write_now(lambda connection: shares.keep(connection, key_id, share, system_clock()))
    return share  # type: ignore[return-value]  # of the purpose that was asked for


def edit(home: Home, sql: str, *values: object) -> None:
    """What somebody who can write the database does."""
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute(sql, values)


def test_share_comes_back(ground: Ground, home: Home) -> None:
    """What was kept opens after a restart as the same share; its secret bytes are nowhere on the disk."""
    share = keep(ground, ONE)
    opened = new_custody(ground, home).open(ONE, share.public)
    assert isinstance(opened, SigningShare)
    assert opened.to_secret_bytes() == share.to_secret_bytes()
    on_disk = database_bytes(home)
    for secret in (share.crt.p, share.crt.q, share.crt.exponent_p, share.crt.exponent_q):
        assert secret.to_bytes(HALF_BITS // 16, "big") not in on_disk
    assert share.to_secret_bytes() not in on_disk


def test_rows_exchanged(ground: Ground, home: Home) -> None:
    """One key's share in another key's row does not open, as either key's."""
    first, second = keep(ground, ONE), keep(ground, TWO)
    sealed_one, sealed_two = sealed_shares(home)
    edit(home, "UPDATE sealed_shares SET sealed = ? WHERE key_id = ?", sealed_two, ONE)
    edit(home, "UPDATE sealed_shares SET sealed = ? WHERE key_id = ?", sealed_one, TWO)
    custody = new_custody(ground, home)
    for key_id, public in ((ONE, first.public), (ONE, second.public), (TWO, second.public), (TWO, first.public)):
        with pytest.raises(ServiceError) as refused:
            custody.open(key_id, public)
        assert refused.value.reason == "SHARE_DAMAGED"


def test_purpose_changed_in_the_key_table(ground: Ground, home: Home) -> None:
    """A signing share does not open as a decryption share, whatever the key's row says now."""
    share = keep(ground, ONE)
    public = type(share.public)(Role.SERVER, Purpose.DECRYPT, share.public.modulus)
    with pytest.raises(ServiceError) as refused:
        new_custody(ground, home).open(ONE, public)
    assert refused.value.reason == "SHARE_DAMAGED"


def test_modulus_changed_in_the_key_table(ground: Ground, home: Home) -> None:
    """Nor as the share of another public half."""
    keep(ground, ONE)
    other = generate_key_share(Role.SERVER, Purpose.SIGN, HALF_BITS)
    with pytest.raises(ServiceError) as refused:
        new_custody(ground, home).open(ONE, other.public)
    assert refused.value.reason == "SHARE_DAMAGED"


def test_flipped_bit_in_the_row(ground: Ground, home: Home) -> None:
    """One flipped bit is found, and nothing is served."""
    share = keep(ground, ONE)
    (sealed,) = sealed_shares(home)
    edit(home, "UPDATE sealed_shares SET sealed = ?", sealed[:-200] + bytes([sealed[-200] ^ 4]) + sealed[-199:])
    with pytest.raises(ServiceError) as refused:
        new_custody(ground, home).open(ONE, share.public)
    assert refused.value.reason == "SHARE_DAMAGED"


def test_master_key_of_another_server(home: Home, tmp_path: Path) -> None:
    """A database with another's master key is refused at once."""
    settings = load_settings(home.folder)
    path = home.master_key(settings)
    content = json.loads(path.read_text())
    stolen = tmp_path / "other.key"
    create_master_key(stolen, secrets.token_bytes)
    path.write_bytes(stolen.read_bytes())
    with pytest.raises(OperatorError, match="does not belong to this database"):
        open_ground(home, settings, silent_log())
    (other,) = json.loads(stolen.read_text())["keys"].values()
    path.write_text(json.dumps(content | {"keys": {content["active"]: other}}))  # another key under the right name
    with pytest.raises(OperatorError, match="does not belong to this database"):
        open_ground(home, settings, silent_log())


def test_opened_shares_are_bounded(ground: Ground, home: Home) -> None:
    """The least recently used share is forgotten: nothing refers to its secret any more."""
    publics = {key_id: keep(ground, key_id).public for key_id in (ONE, TWO)}
    custody = new_custody(ground, home, capacity=1)
    share = custody.open(ONE, publics[ONE])
    assert share is not None
    custody.open(TWO, publics[TWO])
    assert custody.opened(ONE) is None
    assert custody.opened(TWO) is not None
    gc.collect()
    assert gc.get_referrers(share) == []  # this function's own variable is no object


def test_erased_share_is_forgotten(ground: Ground, home: Home) -> None:
    """After its erasure a share is neither open nor to be opened, and its row has left the disk."""
    share = keep(ground, ONE)
    (sealed,) = sealed_shares(home)
    custody = ground.custody.shares
    assert custody.open(ONE, share.public) is not None
    assert ground.database.write_now(lambda connection: custody.erase(connection, ONE))
    custody.forget(ONE)
    assert custody.opened(ONE) is None
    assert custody.open(ONE, share.public) is None
    assert sealed not in database_bytes(home)
    assert not ground.database.write_now(lambda connection: custody.erase(connection, ONE))


def test_share_that_was_erased_while_it_was_opened_is_not_kept(
    ground: Ground, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure between reading the row and keeping the share open wins."""
    share = keep(ground, ONE)
    custody = new_custody(ground, home)
    unseal = custody._unseal

    def erase_meanwhile(*args: object) -> object:
        ground.database.write_now(lambda connection: custody.erase(connection, ONE))
        custody.forget(ONE)
        return unseal(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(custody, "_unseal", erase_meanwhile)
    assert custody.open(ONE, share.public) is not None
    assert custody.opened(ONE) is None


def test_probe_is_checked_against_the_file_as_it_is_now(ground: Ground, home: Home) -> None:
    """A master key file that goes, or is damaged, under a running server is noticed."""
    ground.database.read_now(ground.custody.check)
    path = home.master_key(load_settings(home.folder))
    content = path.read_bytes()
    path.write_bytes(content[:20])
    with pytest.raises(OperatorError, match="damaged"):
        ground.database.read_now(ground.custody.check)
    path.unlink()
    with pytest.raises(OperatorError, match="cannot be read"):
        ground.database.read_now(ground.custody.check)
    path.touch(mode=0o600)
    path.write_bytes(content)
    ground.database.read_now(ground.custody.check)
