"""Shares that are made ahead: each is given to one, and those that are left are forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpc.four_prime_rsa import KeyShare, Purpose, Role, generate_key_share
from server.custody import DatabaseHolder, ReadyShares, ready_shares
from tests.server.harness import (
    HALF_BITS,
    call,
    database_bytes,
    enrolled,
    make_home,
    running_server,
    sign_request,
)

BITS = 2048
_PATIENCE = 60


@contextmanager
def ready(ahead: int) -> Iterator[ReadyShares]:
    """Until the block ends."""
    shares = ReadyShares(ahead)
    try:
        yield shares
    finally:
        shares.close()


def wait_for(shares: ReadyShares, count: int) -> None:
    """Until so many for signing are ready. The lock is what they are put in under."""
    tick = threading.Event()
    for _ in range(_PATIENCE * 100):
        if shares.count(Purpose.SIGN, BITS) == count:
            return
        tick.wait(0.01)
    raise AssertionError(f"not {count} shares are ready")


def test_nobody_gets_anothers_share() -> None:
    """Many at a time, from what is ready and beyond it: all of the kind asked for, all different."""
    with ready(2) as shares, ThreadPoolExecutor(8) as threads:
        shares.take(Purpose.SIGN, BITS)
        wait_for(shares, 2)
        kinds = [Purpose.SIGN, Purpose.DECRYPT] * 4
        taken = list(threads.map(lambda purpose: shares.take(purpose, BITS), kinds))
        wait_for(shares, 2)
    assert [(each.public.role, each.purpose) for each in taken] == [(Role.SERVER, purpose) for purpose in kinds]
    assert len({each.public.modulus for each in taken}) == len(kinds)


def test_what_is_ready_is_taken_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the calling thread nothing is made while some are ready; other kinds than were asked for are not made."""
    makers = list[str]()

    def watched(role: Role, purpose: Purpose, half_bits: int) -> KeyShare:
        makers.append(threading.current_thread().name)
        return generate_key_share(role, purpose, half_bits)

    monkeypatch.setattr(ready_shares, "generate_key_share", watched)
    with ready(1) as shares:
        first = shares.take(Purpose.SIGN, BITS)
        wait_for(shares, 1)
        second = shares.take(Purpose.SIGN, BITS)
        wait_for(shares, 1)
        assert shares.count(Purpose.DECRYPT, BITS) == 0
    assert makers == [threading.current_thread().name, "shares-ahead", "shares-ahead"]
    assert first.public.modulus != second.public.modulus
    assert shares.count(Purpose.SIGN, BITS) == 0  # closed


def test_none_ahead() -> None:
    """Nothing is made that nobody asked for."""
    with ready(0) as shares:
        shares.take(Purpose.SIGN, BITS)
        assert shares.count(Purpose.SIGN, BITS) == 0
        assert shares._thread is None


async def test_keys_of_shares_made_ahead(tmp_path: Path) -> None:
    """They sign as others do; one that nobody has yet is on no disk, and is gone with the server."""
    home = make_home(tmp_path / "server", shares_ahead=1)
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        await alice.generate()
        holder = server._ground.custody.shares.holder
        assert isinstance(holder, DatabaseHolder)
        shares = holder.ready
        await asyncio.to_thread(wait_for, shares, 1)
        (waiting,) = shares._ready[Purpose.SIGN, HALF_BITS]
        modulus = waiting.public.to_bytes()
        assert modulus not in database_bytes(home)
        key = await alice.generate()
        assert key.joint_key.server.to_bytes() == modulus
        await call(alice.signing.SignDigest, sign_request(key))
        assert modulus in database_bytes(home)  # else the search above finds nothing
    assert shares.count(Purpose.SIGN, HALF_BITS) == 0
