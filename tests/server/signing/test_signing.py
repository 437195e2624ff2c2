"""Joint signatures over real gRPC and TLS: what is signed, what is refused, and who is blamed."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from fourseal.v1 import algorithms_pb2, key_pb2, key_service_pb2, signing_service_pb2

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from server.root.home import Home
from tests.server import lasting
from tests.server.harness import (
    PSS,
    Client,
    ClientKey,
    MovableClock,
    call,
    database_path,
    enrolled,
    make_home,
    running_server,
    sign_request,
    verify,
)
from wire.ids import new_request_id
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")
home, server, alice, mallory, key = lasting.home, lasting.server, lasting.alice, lasting.mallory, lasting.key


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
async def test_signature_holds_for_openssl(alice: Client, key: ClientKey, algorithm: SignatureAlgorithm) -> None:
    """A joint signature of every algorithm is an ordinary RSA signature."""
    signature = await alice.sign(sign_request(key, b"contract", algorithm=algorithm))
    verify(key, b"contract", signature, algorithm)


async def test_repeat_gets_the_first_answer(alice: Client) -> None:
    """The same request again gets the same signature, also when the key was disabled meanwhile."""
    key = await alice.generate()
    request = sign_request(key)
    first = await alice.sign(request)
    await call(alice.keys.DisableKey, key_service_pb2.DisableKeyRequest(key_id=key.key_id, request_id=new_request_id()))
    assert await alice.sign(request) == first


async def test_concurrent_repeats_share_one_answer(alice: Client, key: ClientKey) -> None:
    """A hundred parallel repeats of one request are one operation."""
    request = sign_request(key)
    answers = await asyncio.gather(*(alice.sign(request) for _ in range(100)))
    assert len(set(answers)) == 1


async def test_request_id_with_another_body(alice: Client, key: ClientKey) -> None:
    """A request_id that was used is refused for another digest, before and after the first was answered."""
    first, second = (sign_request(key, document, request_id="a" * 16) for document in (b"one", b"two"))
    results = await asyncio.gather(alice.sign(first), alice.sign(second), return_exceptions=True)
    refused = [result for result in results if isinstance(result, RemoteError)]
    assert [(error.code, error.reason) for error in refused] == [(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")]
    with pytest.raises(RemoteError, match="request_id was used before"):
        await alice.sign(second if isinstance(results[1], RemoteError) else first)


async def test_request_ids_of_two_callers_do_not_meet(alice: Client, mallory: Client, key: ClientKey) -> None:
    """A request_id belongs to its caller."""
    await alice.sign(sign_request(key, request_id="b" * 16))
    hers = await mallory.generate()
    verify(hers, b"other", await mallory.sign(sign_request(hers, b"other", request_id="b" * 16)))


async def test_one_request_id_for_signing_and_a_state_change(alice: Client, key: ClientKey) -> None:
    """There is one register of request_ids for all methods."""
    await alice.sign(sign_request(key, request_id="c" * 16))
    with pytest.raises(RemoteError) as refused:
        await call(alice.keys.DisableKey, key_service_pb2.DisableKeyRequest(key_id=key.key_id, request_id="c" * 16))
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_key_of_another_is_not_there(alice: Client, mallory: Client) -> None:
    """Another's key, with a valid partial even, is answered like one that does not exist."""
    key = await alice.generate()  # which nothing was signed with
    absent = sign_request(key)
    absent.key_id = "key-" + "a" * 26
    for request in (sign_request(key), absent):
        with pytest.raises(RemoteError) as refused:
            await mallory.sign(request)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND")
    await alice.sign(sign_request(key))
    with pytest.raises(RemoteError, match="You have no key"):  # also when the key is known to the server's memory
        await mallory.sign(sign_request(key))


@pytest.mark.parametrize("spoil", ["zero", "one", "last", "modulus", "flipped", "other digest", "other key"])
async def test_forged_partial_is_refused_and_the_client_blamed(alice: Client, key: ClientKey, spoil: str) -> None:
    """No partial but the right one is combined; the server's share is not used for any other."""
    modulus = key.share.public.modulus
    size = key.share.public.byte_length
    request = sign_request(key)
    good = int.from_bytes(request.client_partial, "big")
    values = {"zero": 0, "one": 1, "last": modulus - 1, "modulus": modulus, "flipped": good ^ (1 << 1000)}
    if spoil in values:
        request.client_partial = values[spoil].to_bytes(size, "big")
    elif spoil == "other digest":
        request.client_partial = sign_request(key, b"other").client_partial
    else:
        request.client_partial = sign_request(await alice.generate()).client_partial
    with pytest.raises(RemoteError) as refused:
        await alice.sign(request)
    assert refused.value.reason == "PARTIAL_SIGNATURE_INVALID"
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.metadata["culprit"] == "client"


async def test_partial_above_the_modulus_is_no_second_encoding(alice: Client, key: ClientKey) -> None:
    """S + N_client would satisfy the equation: it is refused."""
    modulus, size = key.share.public.modulus, key.share.public.byte_length
    requests = (sign_request(key, b"%d" % number) for number in itertools.count())
    request = next(  # until s + N_client has no more bytes than N_client: some tries
        request for request in requests if int.from_bytes(request.client_partial, "big") + modulus < 1 << 8 * size
    )
    value = int.from_bytes(request.client_partial, "big") + modulus
    request.client_partial = value.to_bytes(size, "big")
    with pytest.raises(RemoteError) as refused:
        await alice.sign(request)
    assert refused.value.reason == "PARTIAL_SIGNATURE_INVALID"


async def test_decryption_key_does_not_sign(alice: Client, key: ClientKey) -> None:
    """A key has one purpose for its whole life."""
    other = await alice.generate(purpose=Purpose.DECRYPT)
    request = sign_request(key)
    request.key_id = other.key_id
    with pytest.raises(RemoteError) as refused:
        await alice.sign(request)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "WRONG_PURPOSE")


async def test_policy_of_algorithms(alice: Client) -> None:
    """Only algorithms of the key's policy are signed."""
    policy = key_pb2.KeyPolicy(algorithms=[algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA512])
    key = await alice.generate(policy=policy)
    await alice.sign(sign_request(key, algorithm=SignatureAlgorithm.PKCS1_SHA512))
    with pytest.raises(RemoteError) as refused:
        await alice.sign(sign_request(key, algorithm=PSS))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ALGORITHM_NOT_ALLOWED")


async def test_daily_limit_counts_operations_not_repeats(alice: Client) -> None:
    """Of parallel requests exactly the limit is served; a repeat is not counted."""
    key = await alice.generate(policy=key_pb2.KeyPolicy(daily_limit=3))
    requests = [sign_request(key) for _ in range(8)]
    results = await asyncio.gather(*(alice.sign(request) for request in requests), return_exceptions=True)
    served = [index for index, result in enumerate(results) if isinstance(result, bytes)]
    refused = [result for result in results if isinstance(result, RemoteError)]
    assert len(served) == 3
    assert {error.reason for error in refused} == {"DAILY_LIMIT_REACHED"}
    assert {error.code for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert await alice.sign(requests[served[0]]) == results[served[0]]


async def test_daily_limit_ends_at_midnight(tmp_path: Path) -> None:
    """The next day (UTC) counts from nothing, whatever was used the day before."""
    home, clock = make_home(tmp_path / "server"), MovableClock()
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as alice:
        key = await alice.generate(policy=key_pb2.KeyPolicy(daily_limit=1))
        for _ in range(2):
            await alice.sign(sign_request(key))
            with pytest.raises(RemoteError, match="1 operations a day"):
                await alice.sign(sign_request(key))
            clock.move(timedelta(days=1))


async def test_batch_has_a_result_an_item_in_order(alice: Client, mallory: Client, key: ClientKey) -> None:
    """Items that fail do not touch the others; each error is what a call of its own would have had."""
    good = [sign_request(key, b"document %d" % number) for number in range(5)]
    forged = sign_request(key)
    forged.client_partial = good[0].client_partial
    foreign = sign_request(await mallory.generate())
    empty = signing_service_pb2.SignDigestRequest()
    batch = signing_service_pb2.BatchSignDigestsRequest(items=[good[0], forged, good[1], foreign, empty, *good[2:]])
    results = (await call(alice.signing.BatchSignDigests, batch)).results
    reasons = [result.error.reason for result in results]
    assert reasons == ["", "PARTIAL_SIGNATURE_INVALID", "", "KEY_NOT_FOUND", "REQUEST_ID_MALFORMED", "", "", ""]
    assert results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert results[1].error.metadata["culprit"] == "client"
    signed = [result.signed.signature for result in results if not result.error.reason]
    for number, signature in enumerate(signed):
        verify(key, b"document %d" % number, signature)


async def test_share_that_fails_in_a_batch_fails_alone(home: Home, alice: Client, key: ClientKey) -> None:
    """The engine is given a group at once; an item whose share cannot be used there takes nobody with it."""
    other = await alice.generate()
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        damage = "UPDATE sealed_shares SET sealed = zeroblob(length(sealed)) WHERE key_id = ?"
        assert connection.execute(damage, (other.key_id,)).rowcount == 1
    items = [sign_request(key, b"first"), sign_request(other), sign_request(key, b"last")]
    batch = signing_service_pb2.BatchSignDigestsRequest(items=items)
    first, damaged, last = (await call(alice.signing.BatchSignDigests, batch)).results
    assert damaged.error.reason == "SHARE_DAMAGED"
    verify(key, b"first", first.signed.signature)
    verify(key, b"last", last.signed.signature)


async def test_batch_item_and_single_call_are_the_same_request(alice: Client, key: ClientKey) -> None:
    """What was signed in a batch is repeated by a call of its own."""
    request = sign_request(key)
    batch = signing_service_pb2.BatchSignDigestsRequest(items=[request])
    (result,) = (await call(alice.signing.BatchSignDigests, batch)).results
    assert await alice.sign(request) == result.signed.signature


async def test_batch_with_one_request_id_twice(alice: Client, key: ClientKey) -> None:
    """The same item twice has one answer; two items under one request_id are one answer and one refusal."""
    request = sign_request(key, request_id="d" * 16)
    other = sign_request(key, b"other", request_id="d" * 16)
    batch = signing_service_pb2.BatchSignDigestsRequest(items=[request, request, other])
    first, second, third = (await call(alice.signing.BatchSignDigests, batch)).results
    assert first.signed.signature == second.signed.signature != b""
    assert third.error.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("count", [0, 257])
async def test_batch_of_a_wrong_size(alice: Client, key: ClientKey, count: int) -> None:
    """A batch has 1 to 256 items."""
    item = sign_request(key)
    with pytest.raises(RemoteError) as refused:
        await call(alice.signing.BatchSignDigests, signing_service_pb2.BatchSignDigestsRequest(items=[item] * count))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_SIZE_WRONG")


async def test_hundreds_of_signatures_at_once(alice: Client, key: ClientKey) -> None:
    """What is asked for at once is grouped, and each gets its own signature."""
    documents = [secrets.token_bytes(16) for _ in range(200)]
    signatures = await asyncio.gather(*(alice.sign(sign_request(key, document)) for document in documents))
    for document, signature in zip(documents, signatures, strict=True):
        verify(key, document, signature)
