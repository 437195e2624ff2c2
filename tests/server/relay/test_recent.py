"""Recent segments of an upload, and how long a sender waits for those who follow (``server.relay.recent``)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from server.relay.recent import KEPT_SEGMENTS as KEPT
from server.relay.recent import RecentSegments
from wire.segments import Segment


def full() -> RecentSegments:
    """The first segments, as many as are kept."""
    recent = RecentSegments()
    for number in range(KEPT):
        recent.add(number, Segment.of(bytes([number])))
    return recent


def at_once(waiting: Coroutine[Any, Any, None]) -> bool:
    """Whether something ends without waiting."""
    try:
        waiting.send(None)
    except StopIteration:
        return True
    waiting.close()
    return False


def test_oldest_goes() -> None:
    """Those before it were read, or are read from the disk."""
    recent = full()
    recent.add(KEPT, Segment.of(b"new"))
    assert recent.find(0) is None
    assert [found.data for number in range(1, KEPT + 1) if (found := recent.find(number))] == [
        *(bytes([number]) for number in range(1, KEPT)),
        b"new",
    ]
    assert recent.find(KEPT + 1) is None


def test_what_was_not_written_goes() -> None:
    """Another takes its place."""
    recent = full()
    recent.forget(KEPT - 2)
    recent.add(KEPT - 2, Segment.of(b"new"))
    assert [found.data if (found := recent.find(number)) else None for number in range(KEPT - 3, KEPT)] == [
        bytes([KEPT - 3]),
        b"new",
        None,
    ]


async def test_nobody_is_waited_for_where_nobody_follows() -> None:
    """Nor where the foremost has read enough, whoever else is behind."""
    recent = full()
    assert at_once(recent.keep_pace(KEPT))
    with recent.following() as ahead, recent.following() as behind:
        recent.want(ahead, 1)
        recent.want(behind, 0)
        assert at_once(recent.keep_pace(KEPT))
        recent.want(ahead, 0)
        assert not at_once(recent.keep_pace(KEPT))


async def test_sender_goes_on_when_the_foremost_does() -> None:
    """Or when it has gone."""
    recent = full()
    with recent.following() as follower:
        recent.want(follower, 0)
        pace = asyncio.create_task(recent.keep_pace(KEPT))
        await asyncio.sleep(0)
        assert not pace.done()
        recent.want(follower, 1)
        await pace
        recent.want(follower, 0)
        pace = asyncio.create_task(recent.keep_pace(KEPT))
        await asyncio.sleep(0)
        assert not pace.done()
    await pace


async def test_nobody_holds_a_sender_up() -> None:
    """Who follows and does not read is left behind."""
    recent = full()
    with recent.following() as follower:
        recent.want(follower, 0)
        for number in range(KEPT, 3 * KEPT):
            await recent.keep_pace(number)
            recent.add(number, Segment.of(b""))
    assert recent.find(0) is None
