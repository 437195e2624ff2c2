"""Lost requests and lost answers: repeated as the same request; refusals are not."""

from __future__ import annotations

import threading

import pytest

from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.model import DigestToSign, SignedDigest
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.lies import Answer
from tests.signer_agent.refusals import refused
from wire.catalogue import ServiceError

DIGEST = bytes(32)
PSS = SignatureAlgorithm.PSS_SHA256


@pytest.mark.parametrize("what", ["lost_requests", "lost_answers"])
async def test_a_lost_signature_is_asked_for_again_by_the_same_request(scene: Scene, what: str) -> None:
    """Byte for byte: the server can tell that it is the same one."""
    getattr(scene.server.behaviour, what)["SignDigest"] = 2
    await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    first, second, third = scene.server.behaviour.calls("SignDigest")
    assert first == second == third


@pytest.mark.parametrize("what", ["lost_requests", "lost_answers"])
async def test_a_lost_generation_makes_one_key(scene: Scene, what: str) -> None:
    """Whichever of the two calls is lost, before or after the server did its part."""
    before = len(scene.server.side.keys)
    getattr(scene.server.behaviour, what).update(BeginKeyGeneration=1, FinishKeyGeneration=1)
    key = await scene.agent.generate_key("sign", half_bits=2048)
    assert len(scene.server.side.keys) == before + 1
    await scene.agent.sign_digest(key.key_id, DIGEST)


async def test_the_same_request_id_has_the_same_salt(scene: Scene) -> None:
    """In another process too, after a crash: the salt follows from the request. Another request id has another."""
    for request_id in ("request-number-one", "request-number-one", "request-number-two"):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST, request_id=request_id)
    first, again, other = scene.server.behaviour.calls("SignDigest")
    assert first.salt == again.salt != other.salt
    assert first == again


async def test_requests_without_an_id_are_different_ones(scene: Scene) -> None:
    """A fresh id, and so a fresh salt, for each."""
    for _ in range(3):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    requests = scene.server.behaviour.calls("SignDigest")
    assert len({request.request_id for request in requests}) == len({request.salt for request in requests}) == 3


@pytest.mark.parametrize(
    "reason", ["KEY_DISABLED", "OVERLOADED", "REQUEST_ID_REUSED", "FAULT_DETECTED", "CALLER_UNKNOWN"]
)
async def test_a_refusal_is_final(scene: Scene, reason: str) -> None:
    """Asked once, and told as it was said."""
    scene.server.behaviour.refusals["SignDigest"] = ServiceError(reason, key_id="x", what="y")
    with refused(reason):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    assert len(scene.server.behaviour.calls("SignDigest")) == 1


@pytest.mark.parametrize("reason", ["STORAGE_UNAVAILABLE", "SHUTTING_DOWN"])
async def test_a_server_that_says_it_is_unavailable_is_asked_until_the_deadline(scene: Scene, reason: str) -> None:
    """And then its own reason is told."""
    scene.server.behaviour.refusals["GetKey"] = ServiceError(reason)
    line = await scene.line()
    request = scene.get_key_request()
    with refused(reason):
        await line.call(line.keys.GetKey, request, seconds=2)
    assert len(scene.server.behaviour.calls("GetKey")) > 1


async def test_a_server_that_hangs_is_given_up_at_the_deadline(scene: Scene) -> None:
    """Once asked, not answered: the deadline ends it."""
    go_on = threading.Event()

    def hang(_: object, __: Answer) -> None:
        go_on.wait()

    scene.lie("GetKey", hang)
    line = await scene.line()
    with refused("DEADLINE_PASSED"):
        await line.call(line.keys.GetKey, scene.get_key_request(), seconds=0.3)
    go_on.set()
    assert len(scene.server.behaviour.calls("GetKey")) == 1


async def test_a_batch_is_one_request(scene: Scene) -> None:
    """256 items in one call, each with a request id of its own; a lost answer repeats all of them."""
    scene.server.behaviour.lost_answers["BatchSignDigests"] = 1
    items = [DigestToSign(scene.signing.key_id, PSS, bytes([number]) * 32) for number in range(64)]
    outcomes = await scene.agent.sign_digests(items)
    assert all(isinstance(outcome, SignedDigest) for outcome in outcomes)
    first, again = scene.server.behaviour.calls("BatchSignDigests")
    assert first == again
    assert [item.request_id for item in first.items] == [item.request_id for item in items]


@pytest.mark.parametrize("rpc", ["BeginKeyGeneration", "FinishKeyGeneration"])
@pytest.mark.parametrize("resume", ["generate", "list", "another"])
async def test_a_generation_that_was_cut_off_can_be_finished(scene: Scene, rpc: str, resume: str) -> None:
    """By the same request, by a list of the keys, or before the next generation: one key, never two."""
    before, keys = len(scene.server.side.keys), {key.key_id for key in await scene.agent.list_keys()}
    request_id = f"cut-off-at-{rpc}-{resume}"
    scene.server.behaviour.refusals[rpc] = ServiceError("OVERLOADED")
    with refused("OVERLOADED"):
        await scene.agent.generate_key("sign", half_bits=2048, request_id=request_id)
    assert scene.stored()[1] == [request_id]
    scene.server.behaviour.refusals.clear()
    if resume == "generate":
        await scene.agent.generate_key("sign", half_bits=2048, request_id=request_id)
    elif resume == "another":
        await scene.agent.generate_key("decrypt", half_bits=2048)
    found = {key.key_id: key for key in await scene.agent.list_keys() if key.key_id not in keys}
    made = 2 if resume == "another" else 1
    assert (len(found), len(scene.server.side.keys) - before) == (made, made)
    assert scene.stored()[1] == []
    signing = next(key_id for key_id, key in found.items() if key.purpose == "sign")
    await scene.agent.sign_digest(signing, DIGEST)


async def test_a_repeated_generation_returns_its_key(scene: Scene) -> None:
    """Also long after it was finished; asked for something else under the same id, it is refused."""
    again = await scene.agent.generate_key("sign", half_bits=2048, request_id="the-key-of-alice-to-sign")
    assert again.key_id == scene.signing.key_id
    with refused("REQUEST_ID_REUSED"):
        await scene.agent.generate_key("decrypt", half_bits=2048, request_id="the-key-of-alice-to-sign")
    with refused("REQUEST_ID_REUSED"):
        await scene.agent.generate_key("sign", half_bits=2048, label="x", request_id="the-key-of-alice-to-sign")
