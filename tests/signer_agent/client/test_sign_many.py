"""Signatures of any number: few calls, an outcome for each item, and only so much taken ahead."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from mpc.errors import FoursealError
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.client.pipeline import AHEAD, CALLS, ITEMS
from signer_agent.model import DigestToSign, SignedDigest, SigningResult
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.lies import Answer
from wire.catalogue import ServiceError
from wire.ids import new_key_id
from wire.status import item_error

PSS = SignatureAlgorithm.PSS_SHA256


def item(scene: Scene, number: int, key: str = "") -> DigestToSign:
    """One item of many, each with a digest of its own."""
    return DigestToSign(key or scene.signing.key_id, PSS, hashlib.sha256(str(number).encode()).digest())


def reasons(results: list[SigningResult]) -> dict[int, str]:
    """Which items have no signature, and why."""
    return {each.index: each.outcome.reason for each in results if isinstance(each.outcome, FoursealError)}


async def test_many_signatures_take_few_calls(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, each verified; what fails here, at the server or by its lie is that item's alone."""
    under_way, most, sign_digests = 0, 0, scene.agent.sign_digests

    async def counted(batch: Sequence[DigestToSign]) -> list[SignedDigest | FoursealError]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        outcomes = await sign_digests(batch)
        under_way -= 1
        return outcomes

    def lie(request: Answer, answer: Answer) -> None:
        for asked, result in zip(request.items, answer.results, strict=True):
            if asked.request_id == items[7].request_id:
                result.signed.signature = bytes(512)

    monkeypatch.setattr(scene.agent, "sign_digests", counted)
    scene.lie("BatchSignDigests", lie)
    items = [item(scene, number) for number in range(5 * ITEMS)]
    items[3] = item(scene, 3, new_key_id())
    items[5] = item(scene, 5, scene.decrypting.key_id)
    results = [result async for result in scene.agent.sign_many(iter(items))]
    assert [(each.index, each.item) for each in results] == list(enumerate(items))
    assert reasons(results) == {3: "SHARE_MISSING", 5: "WRONG_PURPOSE", 7: "JOINT_SIGNATURE_INVALID"}
    chosen = PSS.to_cryptography_padding(), Prehashed(hashes.SHA256())
    for each in results:
        if isinstance(each.outcome, SignedDigest):
            scene.signing.public_key().verify(each.outcome.signature, each.item.digest, *chosen)
    calls = scene.server.behaviour.calls("BatchSignDigests")
    assert len(calls) <= len(items) / 10
    assert sum(len(call.items) for call in calls) == len(items) - 2
    assert most == CALLS


async def test_what_is_refused_for_now_is_asked_for_again(scene: Scene) -> None:
    """Those items alone, byte for byte the same, and not before the time that the server names; a whole call too."""
    refused_once = set[str]()

    def lie(request: Answer, answer: Answer) -> None:
        for asked, result in list(zip(request.items, answer.results, strict=True))[::2]:
            if asked.request_id not in refused_once:
                refused_once.add(asked.request_id)
                result.error.CopyFrom(item_error(ServiceError("OVERLOADED")))

    scene.lie("BatchSignDigests", lie)
    scene.server.behaviour.refused_once["BatchSignDigests"] = ServiceError("OVERLOADED")
    items = [item(scene, number) for number in range(6)]
    begin = asyncio.get_running_loop().time()
    assert reasons(await collect(scene, items)) == {}
    assert asyncio.get_running_loop().time() - begin >= 2  # RetryInfo says a second, of the call and of its items
    first, whole, rest = scene.server.behaviour.calls("BatchSignDigests")
    assert first == whole
    assert list(rest.items) == list(whole.items)[::2]


async def test_a_refusal_that_lasts_is_handed_out(scene: Scene) -> None:
    """A server that would have us wait for a year has us wait for nothing; one that refuses for good is asked once."""
    late = ServiceError("TOO_MANY_FAILURES", retry_seconds=366 * 24 * 3600)
    for refusal in (late, ServiceError("KEY_DISABLED", key_id="x")):
        scene.server.behaviour.seen.clear()
        scene.server.behaviour.refusals["BatchSignDigests"] = refusal
        results = await collect(scene, [item(scene, number) for number in range(3)])
        assert reasons(results) == dict.fromkeys(range(3), refusal.reason)
        assert len(scene.server.behaviour.calls("BatchSignDigests")) == 1


async def test_an_endless_source_is_read_as_far_as_needed(scene: Scene) -> None:
    """Who stops reading the results stops it all: its thread ends, nothing more is asked for."""
    taken = 0

    def endless() -> Iterator[DigestToSign]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield item(scene, number)

    async with aclosing(scene.agent.sign_many(endless())) as results:
        async for result in results:
            if result.index == ITEMS:
                break
    assert taken <= AHEAD + 2 * ITEMS + 2
    for thread in threading.enumerate():
        if thread.name == "fourseal-reader":
            await asyncio.to_thread(thread.join)
    asked = len(scene.server.behaviour.seen)
    await scene.agent.sign_digest(scene.signing.key_id, bytes(32))
    assert len(scene.server.behaviour.seen) == asked + 1


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_source_may_wait_for_what_came_before(scene: Scene, *, asynchronous: bool) -> None:
    """An item that comes alone is signed at once; what the source raises comes after the results before it."""
    signed = [threading.Event() for _ in range(3)]

    def waiting() -> Iterator[DigestToSign]:
        for number, event in enumerate(signed):
            yield item(scene, number)
            event.wait()
        raise LookupError("the end of the source")

    async def waiting_asynchronously() -> AsyncIterator[DigestToSign]:
        for number, event in enumerate(signed):
            yield item(scene, number)
            await asyncio.to_thread(event.wait)
        raise LookupError("the end of the source")

    results = list[SigningResult]()

    async def read() -> None:
        async for result in scene.agent.sign_many(waiting_asynchronously() if asynchronous else waiting()):
            results.append(result)
            signed[result.index].set()

    with pytest.raises(LookupError, match="the end of the source"):
        await read()
    assert (len(results), reasons(results)) == (3, {})


async def collect(scene: Scene, items: list[DigestToSign]) -> list[SigningResult]:
    """All results of items that come together."""

    async def together() -> AsyncIterator[DigestToSign]:
        for each in items:
            yield each

    return [result async for result in scene.agent.sign_many(together())]
