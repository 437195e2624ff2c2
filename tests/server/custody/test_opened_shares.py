"""Opened shares under many threads, which of them stay open, and what custody says when something is wrong."""

from __future__ import annotations

import io
import secrets
import sqlite3
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from mpc.four_prime_rsa import KeyShare, Purpose, Role, generate_key_share
from server.clock import system_clock
from server.config import load_settings
from server.custody import Context, Custody, DatabaseHolder, Sealer, ShareCustody, load_master_keys
from server.root.ground import Ground, open_ground
from server.root.home import Home
from tests.server.harness import HALF_BITS, database_path
from wire.catalogue import ServiceError

KEYS = ["key-" + letter * 26 for letter in "abcdef"]
THREADS = 12


@pytest.fixture(scope="module")
def shares() -> dict[str, KeyShare]:
    """A share for each key."""
    return {key_id: generate_key_share(Role.SERVER, Purpose.SIGN, HALF_BITS) for key_id in KEYS}


@pytest.fixture
def written() -> io.StringIO:
    """All that the log wrote."""
    return io.StringIO()


@pytest.fixture
def ground(home: Home, shares: dict[str, KeyShare], written: io.StringIO) -> Iterator[Ground]:
    """Database and custody, with the shares in it."""
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(written), processors=[structlog.processors.JSONRenderer()]
    )
    with open_ground(home, load_settings(home.folder), log) as opened:
        for key_id, share in shares.items():
            opened.database.write_now(keeping(opened, key_id, share))
        yield opened


def keeping(ground: Ground, key_id: str, share: KeyShare) -> Callable[..., None]:
    """A unit of work that puts a share into custody."""
    custody = ground.custody.shares
    return lambda connection: custody.keep(connection, key_id, share, system_clock())


def custody_of(ground: Ground, home: Home, capacity: int) -> ShareCustody:
    """Custody that has opened nothing yet."""
    path = home.master_key(load_settings(home.folder))
    return Custody(ground.database, path, secrets.token_bytes, capacity=capacity).shares


def test_many_threads_open_many_shares(ground: Ground, home: Home, shares: dict[str, KeyShare]) -> None:
    """However they meet, each gets the share it asked for, and no more stay open than there is room for."""
    custody = custody_of(ground, home, capacity=3)
    start = threading.Barrier(THREADS)

    def work(seed: int) -> None:
        start.wait(30)
        for step in range(40):
            key_id = KEYS[(seed * 7 + step * (seed + 1)) % len(KEYS)]
            opened = custody.open(key_id, shares[key_id].public)
            assert opened is not None
            assert opened.public == shares[key_id].public

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, seed) for seed in range(THREADS)]:
            done.result()
    assert sum(custody.opened(key_id) is not None for key_id in KEYS) == 3


def test_an_erased_share_stays_gone_under_threads(ground: Ground, home: Home, shares: dict[str, KeyShare]) -> None:
    """While others keep asking for it a share is erased: afterwards it is open nowhere, and nobody gets it again."""
    custody = custody_of(ground, home, capacity=len(KEYS))
    key_id, public = KEYS[0], shares[KEYS[0]].public
    opened = threading.Semaphore(0)
    erased = threading.Event()

    def ask() -> None:
        while not erased.is_set():
            custody.open(key_id, public)
            opened.release()

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            assert all(opened.acquire(timeout=30) for _ in range(8))
            assert ground.database.write_now(lambda connection: custody.erase(connection, key_id))
            custody.forget(key_id)
        finally:
            erased.set()
        for done in asking:
            done.result()
    assert custody.opened(key_id) is None
    assert custody.open(key_id, public) is None


def test_the_share_that_was_used_longest_ago_goes(ground: Ground, home: Home, shares: dict[str, KeyShare]) -> None:
    """Use keeps a share open, be it by ``open`` or by ``opened``."""
    custody = custody_of(ground, home, capacity=3)
    for key_id in KEYS[:3]:
        custody.open(key_id, shares[key_id].public)
    custody.open(KEYS[0], shares[KEYS[0]].public)
    assert custody.opened(KEYS[1]) is not None
    custody.open(KEYS[3], shares[KEYS[3]].public)
    assert [key_id for key_id in KEYS if key_id in custody._opened] == [KEYS[0], KEYS[1], KEYS[3]]


def test_room_for_no_share_is_a_mistake(ground: Ground) -> None:
    """A capacity below one is refused."""
    with pytest.raises(ValueError, match="capacity"):
        ShareCustody(ground.database, ground.custody.sealer, DatabaseHolder(), capacity=0)


def test_no_nonce_twice(home: Home) -> None:
    """Every seal takes a fresh nonce from the source of randomness, and uses just that one."""
    taken: list[bytes] = []

    def random(count: int) -> bytes:
        taken.append(secrets.token_bytes(count))
        return taken[-1]

    sealer = Sealer(load_master_keys(home.master_key(load_settings(home.folder))), random)
    sealed = [sealer.seal(Context("key-share", "one"), b"secret") for _ in range(5000)]
    nonces = [item[9:21] for item in sealed]
    assert nonces == taken
    assert Counter(map(len, nonces)) == {12: 5000}
    assert len(set(nonces)) == 5000


def test_nothing_secret_is_said(ground: Ground, home: Home, shares: dict[str, KeyShare], written: io.StringIO) -> None:
    """Errors with their history, the log and every ``repr`` keep shares, sealed rows and master key to themselves."""
    custody = custody_of(ground, home, capacity=1)
    share, key_id = shares[KEYS[0]], KEYS[0]
    with closing(sqlite3.connect(database_path(home))) as connection:
        ((sealed,),) = connection.execute("SELECT sealed FROM sealed_shares WHERE key_id = ?", (key_id,)).fetchall()
    said = [repr(item) for item in (custody, custody.open(key_id, share.public), ground, ground.custody.sealer)]
    with pytest.raises(IntegrityError) as twice:
        ground.database.write_now(keeping(ground, key_id, share))
    with pytest.raises(ServiceError) as damaged:
        custody_of(ground, home, capacity=1).open(key_id, shares[KEYS[1]].public)
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute("DROP TABLE sealed_shares")
    with pytest.raises(ServiceError) as unavailable:
        ground.database.write_now(keeping(ground, key_id, share))
    said += ["".join(traceback.format_exception(caught.value)) for caught in (twice, damaged, unavailable)]
    said.append(written.getvalue())
    assert "storage_unavailable" in said[-1]
    (master_key,) = load_master_keys(home.master_key(load_settings(home.folder))).keys.values()
    numbers = (share.crt.p, share.crt.q, share.crt.exponent_p, share.crt.exponent_q)
    for text in said:
        for secret in (share.to_secret_bytes(), sealed[21:53], master_key):
            assert secret.hex() not in text.lower()
            assert repr(secret)[2:-1] not in text
        assert not any(str(number) in text or f"{number:x}" in text for number in numbers)
