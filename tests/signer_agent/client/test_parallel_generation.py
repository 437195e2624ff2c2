"""Keys made at the same time, and signatures meanwhile."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpc.errors import FaultDetected, PeerMisbehaved
from mpc.four_prime_rsa import DecryptionShare, Purpose, Role, SigningShare, try_key_share
from signer_agent import fresh_shares
from signer_agent.fresh_shares import make_shares
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.lies import Answer
from tests.signer_agent.refusals import refused


def test_shares_are_what_was_asked_for() -> None:
    """One of each purpose, of the client's, each with a modulus of its own; a fault is told."""
    shares = make_shares([*Purpose], 2048)
    sign, decrypt = shares[Purpose.SIGN], shares[Purpose.DECRYPT]
    assert isinstance(sign, SigningShare)
    assert isinstance(decrypt, DecryptionShare)
    assert sign.public.modulus != decrypt.public.modulus
    assert {share.public.role for share in shares.values()} == {Role.CLIENT}
    assert make_shares([Purpose.DECRYPT], 2048).keys() == {Purpose.DECRYPT}
    with refused("HALF_BITS_WRONG"):
        make_shares([Purpose.SIGN], 1024)


def test_several_threads_try_at_a_time_and_all_of_them_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each purpose is tried for while the other is; a fault of one thread ends it all."""
    both = threading.Barrier(2, timeout=60)

    def together(role: Role, purpose: Purpose, half_bits: int) -> object:
        seen.append(purpose)
        if len(seen) <= 2:
            both.wait()
        return try_key_share(role, purpose, half_bits)

    seen: list[Purpose] = []
    monkeypatch.setattr(fresh_shares, "try_key_share", together)
    make_shares([*Purpose], 2048)
    assert set(seen[:2]) == set(Purpose)

    def faulty(*_: object) -> object:
        raise FaultDetected("key share")

    monkeypatch.setattr(fresh_shares, "try_key_share", faulty)
    with refused("FAULT_DETECTED"):
        make_shares([*Purpose], 2048)
    for thread in threading.enumerate():
        if thread.name == "fourseal-generation":
            thread.join(60)
            assert not thread.is_alive()


async def test_signing_goes_on_while_keys_are_made(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few threads sign; two keys are made at a time, and each once."""
    go_on, searching = threading.Event(), threading.Semaphore(0)

    def held(role: Role, purpose: Purpose, half_bits: int) -> object:
        searching.release()
        go_on.wait()
        return try_key_share(role, purpose, half_bits)

    monkeypatch.setattr(scene.agent, "_threads", ThreadPoolExecutor(1))
    monkeypatch.setattr(fresh_shares, "_THREADS", 1)
    monkeypatch.setattr(fresh_shares, "try_key_share", held)
    before = len(scene.server.side.keys)
    requests = ["the-first-request-of-two", "the-second-request-of-two"]
    makings = [
        asyncio.create_task(scene.agent.generate_key("sign", half_bits=2048, request_id=request_id))
        for request_id in (*requests, requests[0])
    ]
    for _ in requests:
        await asyncio.to_thread(searching.acquire)
    await scene.agent.sign_digest(scene.signing.key_id, bytes(32))
    await scene.agent.list_keys()
    go_on.set()
    first, second, again = await asyncio.gather(*makings)
    assert first.key_id == again.key_id != second.key_id
    assert len(scene.server.side.keys) == before + 2
    assert scene.stored()[1] == []


async def test_two_keys_that_are_made_at_a_time_do_not_get_one_id(scene: Scene) -> None:
    """The server gives the second the id of the first, before that is stored: its share would be overwritten."""
    begun: list[str] = []
    second_has_come = threading.Event()

    def lie(_: object, answer: Answer) -> None:
        begun.append(answer.key.key_id)
        if len(begun) > 1:
            answer.key.key_id = begun[0]
            second_has_come.set()
        second_has_come.wait()

    scene.lie("BeginKeyGeneration", lie)
    makings = (scene.agent.generate_key("sign", half_bits=2048) for _ in range(2))
    outcomes = await asyncio.gather(*makings, return_exceptions=True)
    misbehaved = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, PeerMisbehaved) for outcome in misbehaved)
    reasons = sorted(outcome.reason for outcome in misbehaved if isinstance(outcome, PeerMisbehaved))
    # Whoever comes second to the id is refused; if that is its owner, the other one's proof is of another id.
    assert reasons in (["ANSWER_MALFORMED"], ["ANSWER_MALFORMED", "CERTIFICATION_INVALID"])
