"""Halves made ahead in a real token: each is given to one, over processes and restarts; a forged row gives none."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from typing import Any

import psutil
import pytest
import structlog
from structlog.testing import LogCapture

from mpc.four_prime_rsa import Purpose
from server.cli import custody
from server.clock import system_clock
from server.config import load_settings
from server.custody import OpenedShare
from server.custody.pkcs11 import TokenAddress, TokenHolder, WorkerPool
from server.custody.pkcs11.making import make_half
from server.root.ground import Ground, open_ground
from server.root.home import Home
from tests.server.custody.pkcs11.softhsm import LABEL, PIN, SoftToken
from tests.server.harness import call, database_path, enrolled, running_server, sign_request, silent_log
from tests.server.root.processes import wait_until
from wire.catalogue import ServiceError

BITS = 2048
MANY = 2
LOWEST = 19

pytestmark = pytest.mark.usefixtures("in_token")


@contextmanager
def opened(home: Home, ahead: int, log: structlog.stdlib.BoundLogger | None = None) -> Iterator[TokenHolder]:
    """What a server process has of a home folder, without what serves."""
    settings = load_settings(home.folder, shares_ahead=ahead)
    with open_ground(home, settings, log or silent_log()) as ground:
        yield holder_of(ground)


def holder_of(ground: Ground) -> TokenHolder:
    """Its holder."""
    holder = ground.custody.shares.holder
    assert isinstance(holder, TokenHolder)
    return holder


def take(holder: TokenHolder, purpose: Purpose = Purpose.SIGN) -> OpenedShare:
    """A half for some key."""
    return holder.take(f"key-{secrets.token_hex(13)}", purpose, BITS)


def capturing_log() -> tuple[structlog.stdlib.BoundLogger, list[Any]]:
    """A log, and its lines."""
    capture = LogCapture()
    return structlog.wrap_logger(structlog.ReturnLogger(), processors=[capture]), capture.entries


def rows(home: Home, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What somebody does who can write in the database."""
    with closing(sqlite3.connect(database_path(home), timeout=60)) as connection, connection:
        return connection.execute(sql, values).fetchall()


def ready(home: Home) -> dict[str, str]:
    """Purposes of the halves that are ready, by object id, oldest first."""
    sql = "SELECT object_id, purpose FROM token_objects WHERE state = 'ready' AND half_bits = ? ORDER BY change_time"
    return dict(rows(home, sql, BITS))


def made_ahead(home: Home, count: int) -> list[str]:
    """So many, in the token and in the database; nobody makes more."""
    with opened(home, count) as holder:
        take(holder)
        wait_until(lambda: len(ready(home)) == count)
    return list(ready(home))


def object_of(share: OpenedShare) -> str:
    """Its object."""
    name: str = share.key.object_id
    return name


async def test_a_half_made_ahead_outlives_its_server(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The next server gives it to a key, which signs; one is made in its place. Its label says nothing that changes."""
    waiting = made_ahead(home, 1)
    assert set(ready(home).values()) == {"sign"}
    settings = home.config.read_text().replace("shares_ahead = 0", "shares_ahead = 1")
    home.config.write_text(settings)
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        key = await alice.generate()
        await call(alice.signing.SignDigest, sign_request(key))
        assert rows(home, "SELECT key_id, state, sealed_modulus FROM token_objects WHERE object_id = ?", *waiting) == [
            (key.key_id, "kept", None)
        ]
        wait_until(lambda: len(ready(home)) == 1)
        assert not ready(home).keys() & set(waiting)
        assert set(ready(home).values()) == {"sign"}
        assert holder_of(server._ground).objects()[waiting[0]] == "half"
        capsys.readouterr()
        custody.shares(home, 50, "", as_json=True)
        listed = {each["object_id"]: each for each in json.loads(capsys.readouterr().out)["shares"]}
        assert {object_id for object_id, each in listed.items() if each["state"] == "ready"} == ready(home).keys()
        assert (listed[waiting[0]]["share"], listed[waiting[0]]["state"]) == (key.key_id, "kept")


def test_many_processes_share_what_is_ready(home: Home) -> None:
    """Two processes, many callers: each half is one caller's; how many are ready holds for both together."""
    waiting = made_ahead(home, MANY)
    for row in (("a", "sign", 512), ("b", "other", 3072)):  # somebody's who would have us make such halves
        columns = "object_id, purpose, half_bits, key_id, state, change_time, sealed_modulus"
        rows(home, f"INSERT INTO token_objects ({columns}) VALUES (?, ?, ?, '', 'ready', 0, x'00')", *row)  # noqa: S608
    with ExitStack() as stack:
        holders = [stack.enter_context(opened(home, MANY)) for _ in range(2)]
        with ThreadPoolExecutor(2 * MANY) as callers:
            taken = list(callers.map(take, holders * MANY))
        assert len({object_of(each) for each in taken}) == 2 * MANY
        assert {object_of(each) for each in taken} >= set(waiting)
        wait_until(lambda: len(ready(home)) >= MANY)
        one, other = holders
        assert other.works(taken[0])
        one.pool().destroy(object_of(taken[0]))
        assert not other.works(taken[0])
    assert len(ready(home)) == MANY
    assert rows(home, "SELECT count(*) FROM token_objects WHERE state = 'made'") == [(2 * MANY + 1,)]


def test_forged_rows(home: Home, in_token: SoftToken) -> None:
    """Whoever can write in the database gets no key of the token certified that was not made ahead, as what it is.

    The prey is a decryption key that this server does not know: raw RSA with it would open what was sent to others.
    """
    log, told = capturing_log()
    pool = WorkerPool(TokenAddress(str(in_token.module), LABEL, PIN), 1, 30.0, silent_log())
    prey = secrets.token_hex(16)
    with closing(pool):
        modulus = make_half(pool, prey, "of another", Purpose.DECRYPT, BITS).to_bytes()
        first, second, renamed, destroyed, good = made_ahead(home, 5)
        pool.destroy(destroyed)
    sealed = dict(rows(home, "SELECT object_id, sealed_modulus FROM token_objects"))
    for one, other in ((first, second), (second, first)):
        rows(home, "UPDATE token_objects SET sealed_modulus = ? WHERE object_id = ?", sealed[one], other)
    rows(home, "UPDATE token_objects SET object_id = ?, purpose = 'decrypt' WHERE object_id = ?", prey, renamed)
    for forged in (modulus, sealed[first]):
        rows(home, "UPDATE token_objects SET sealed_modulus = ? WHERE object_id = ?", forged, prey)
        with opened(home, 0, log) as holder:
            assert object_of(take(holder, Purpose.DECRYPT)) != prey
            rows(home, "UPDATE token_objects SET state = 'ready' WHERE state = 'made' AND sealed_modulus IS NOT NULL")
    with opened(home, 0, log) as holder:
        told.clear()
        assert object_of(take(holder)) == good
        refused = [each["object_id"] for each in told if each["event"] == "ready_half_refused"]
        assert set(refused) == {first, second, destroyed}
        assert ready(home) == {prey: "decrypt"}


def test_token_away(home: Home, in_token: SoftToken) -> None:
    """Nobody uses up what is ready while it cannot be used; the one that was waiting longest is given afterwards."""
    (waiting,) = made_ahead(home, 1)
    with opened(home, 0) as holder:
        holder.check()
        in_token.pull()
        for _ in range(2):
            with pytest.raises(ServiceError) as refused:
                take(holder)
            assert refused.value.reason == "CUSTODY_UNAVAILABLE"
        assert list(ready(home)) == [waiting]
        in_token.put_back()
        wait_until(lambda: bool(holder.pool().process_ids))
        assert object_of(take(holder)) == waiting


def test_what_was_not_kept_in_time_is_kept_no_more(home: Home, in_token: SoftToken) -> None:
    """A half that was claimed goes after an hour as one that was made; whoever comes too late makes no key of it."""
    (waiting,) = made_ahead(home, 1)
    settings = load_settings(home.folder)
    with open_ground(home, settings, silent_log()) as ground:
        custody, key_id = ground.custody.shares, "key-" + "x" * 26
        share = custody.take(key_id, Purpose.SIGN, BITS)
        assert object_of(share) == waiting
        rows(home, "UPDATE token_objects SET change_time = change_time - 3601000000")
        in_token.pull()
        custody.holder.sweep()
        with pytest.raises(ServiceError) as refused:
            ground.database.write_now(lambda connection: custody.keep(connection, key_id, share, system_clock()))
        assert refused.value.reason == "CUSTODY_UNAVAILABLE"
        assert rows(home, "SELECT count(*) FROM sealed_shares") == [(0,)]
        in_token.put_back()
        wait_until(lambda: bool(holder_of(ground).pool().process_ids))
        custody.holder.sweep()
        assert waiting not in custody.holder.objects()
        assert rows(home, "SELECT key_id FROM token_objects WHERE key_id NOT LIKE 'backend-%'") == [("authority",)]


def test_nobody_stands_behind_what_is_made_ahead(home: Home) -> None:
    """It has a worker of its own, of the lowest priority: one that stands still keeps nobody."""
    with opened(home, 1) as holder:
        pools = as_soon_as_one_makes_halves(holder, lambda process_id: os.kill(process_id, signal.SIGSTOP))
        for purpose in Purpose:
            assert holder.works(take(holder, purpose))
        wait_until(lambda: bool(pools) and not pools[0].process_ids)
        makers = [each for each in psutil.Process().children() if each.nice() == LOWEST]
        assert len(makers) == 1
        for purpose in Purpose:
            assert holder.works(take(holder, purpose))
    assert not makers[0].is_running()
    assert ready(home) == {}


def test_full_token(home: Home) -> None:
    """No more are made ahead; who takes one that is ready needs no room; who comes then is told."""
    (waiting,) = made_ahead(home, 1)
    log, told = capturing_log()
    with opened(home, 1, log) as holder:
        pools = as_soon_as_one_makes_halves(holder, fill)
        holder.check()
        for process_id in holder.pool().process_ids:
            fill(process_id)
        assert object_of(take(holder)) == waiting
        wait_until(lambda: bool(told))
        for _ in range(3):
            with pytest.raises(ServiceError) as refused:
                take(holder)
            assert refused.value.reason == "CUSTODY_FULL"
    assert len(pools) == 1
    assert [(each["event"], each["retry_seconds"]) for each in told] == [("no_halves_ahead", 60.0)]
    assert ready(home) == {}


def fill(process_id: int) -> None:
    """Have SoftHSM2 find no room for a file."""
    prlimit(process_id, RLIMIT_FSIZE, (0, RLIM_INFINITY))


def as_soon_as_one_makes_halves(holder: TokenHolder, happens: Callable[[int], None]) -> list[WorkerPool]:
    """What happens to the process that is started to make halves ahead, before it makes any; where it will be."""
    pools = list[WorkerPool]()
    open_pool = holder._ahead._open_pool

    def opened_pool() -> WorkerPool:
        pool = open_pool()
        for process_id in pool.process_ids:
            happens(process_id)
        pools.append(pool)
        return pool

    holder._ahead._open_pool = opened_pool
    return pools
