"""The daemon's gRPC face, as a back end in any language meets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import grpc
import pytest
from fourseal.v1 import agent_service_pb2 as pb
from fourseal.v1 import algorithms_pb2, key_pb2
from fourseal.v1.agent_service_pb2_grpc import AgentServiceStub

from signer_agent.home import Home
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.stores import PASSPHRASE
from wire.ids import new_request_id
from wire.status import error_from_rpc

PSS: Final = algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA256
SHA256: Final = algorithms_pb2.HASH_ALGORITHM_SHA256
SECONDS: Final = 60.0


@pytest.fixture(scope="module")
def home(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An enrolled agent with a running daemon."""
    place = Home.find(tmp_path_factory.mktemp("daemon") / "home")
    server.enrolled(place)
    with running_daemon(place):
        yield place


@pytest.fixture
async def stub(home: Home) -> AsyncIterator[Any]:
    """A plain gRPC client; the daemon is unlocked."""
    async with grpc.aio.insecure_channel(f"unix:{home.socket}") as channel:
        made = AgentServiceStub(channel)
        await made.UnlockAgent(pb.UnlockAgentRequest(passphrase=PASSPHRASE), timeout=SECONDS)
        yield made


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:  # noqa: ANN401  # a call of gRPC, unary or stream
    """Code and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (last_of(call) if hasattr(call, "__aiter__") else call)
    error = error_from_rpc(caught.value)
    return error.code, error.reason


async def last_of(stream: AsyncIterator[object]) -> object:
    """The last message of a stream."""
    return [message async for message in stream][-1]


def calls_that_need_secrets(stub: Any) -> dict[str, Any]:  # noqa: ANN401
    """Every RPC but those four that a locked daemon answers, with a request that says little."""
    return {
        "GenerateKey": lambda: stub.GenerateKey(
            pb.GenerateKeyRequest(purpose=key_pb2.KEY_PURPOSE_SIGN, half_bits=2048), timeout=SECONDS
        ),
        "RekeyAgentKey": lambda: stub.RekeyAgentKey(pb.RekeyAgentKeyRequest(key="x"), timeout=SECONDS),
        "GetAgentKey": lambda: stub.GetAgentKey(pb.GetAgentKeyRequest(key="x"), timeout=SECONDS),
        "ListAgentKeys": lambda: stub.ListAgentKeys(pb.ListAgentKeysRequest(), timeout=SECONDS),
        "ChangeKeyState": lambda: stub.ChangeKeyState(
            pb.ChangeKeyStateRequest(key="x", change=pb.KEY_STATE_CHANGE_ENABLE), timeout=SECONDS
        ),
        "SignAgentDigest": lambda: stub.SignAgentDigest(
            pb.SignAgentDigestRequest(key="x", algorithm=PSS, digest=bytes(32)), timeout=SECONDS
        ),
        "BatchSignAgentDigests": lambda: stub.BatchSignAgentDigests(
            pb.BatchSignAgentDigestsRequest(items=[pb.SignAgentDigestRequest(key="x")]), timeout=SECONDS
        ),
        "DecryptCiphertext": lambda: stub.DecryptCiphertext(
            pb.DecryptCiphertextRequest(key="x", ciphertext=bytes(512), hash=SHA256), timeout=SECONDS
        ),
    }


async def generate(stub: Any, **fields: Any) -> pb.AgentKey:  # noqa: ANN401
    """A key by the daemon; its steps come first, the key last."""
    request = pb.GenerateKeyRequest(half_bits=2048, **fields)
    events = [event async for event in stub.GenerateKey(request, timeout=SECONDS)]
    assert [event.WhichOneof("event") for event in events[-2:]] == ["step", "agent_key"]
    key: pb.AgentKey = events[-1].agent_key
    return key


async def test_a_locked_daemon_answers_four_calls(stub: Any) -> None:  # noqa: ANN401
    """All others say what to do."""
    await stub.LockAgent(pb.LockAgentRequest(), timeout=SECONDS)
    state = await stub.GetAgentState(pb.GetAgentStateRequest(), timeout=SECONDS)
    assert (state.locked, state.agent_id, state.server_address) == (True, "", "")
    calls = calls_that_need_secrets(stub)
    rpcs = {method.name for method in pb.DESCRIPTOR.services_by_name["AgentService"].methods}
    assert rpcs == calls.keys() | {"GetAgentState", "UnlockAgent", "LockAgent", "StopAgent"}
    for call in calls.values():
        assert await refusal(call()) == (grpc.StatusCode.FAILED_PRECONDITION, "AGENT_LOCKED")
    await stub.LockAgent(pb.LockAgentRequest(), timeout=SECONDS)
    await stub.UnlockAgent(pb.UnlockAgentRequest(passphrase=PASSPHRASE), timeout=SECONDS)
    assert not (await stub.GetAgentState(pb.GetAgentStateRequest(), timeout=SECONDS)).locked


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [("wrong passphrase", "PASSPHRASE_WRONG"), ("", "PASSPHRASE_UNSUITABLE"), ("x" * 1025, "PASSPHRASE_UNSUITABLE")],
    ids=["wrong", "empty", "long"],
)
@pytest.mark.parametrize("locked", [False, True])
async def test_a_wrong_passphrase_changes_nothing(stub: Any, passphrase: str, reason: str, *, locked: bool) -> None:  # noqa: ANN401
    """A locked daemon stays locked, an open one open."""
    if locked:
        await stub.LockAgent(pb.LockAgentRequest(), timeout=SECONDS)
    assert (await refusal(stub.UnlockAgent(pb.UnlockAgentRequest(passphrase=passphrase), timeout=SECONDS)))[1] == reason
    assert (await stub.GetAgentState(pb.GetAgentStateRequest(), timeout=SECONDS)).locked == locked


async def test_a_back_end_signs_and_decrypts(stub: Any) -> None:  # noqa: ANN401
    """With names of keys that are echoed, a request id that is kept, and a default for the MGF hash."""
    signing = await generate(stub, purpose=key_pb2.KEY_PURPOSE_SIGN, label="by a back end")
    request = pb.SignAgentDigestRequest(
        key="by a back end", algorithm=PSS, digest=bytes(32), request_id=new_request_id()
    )
    signed = await stub.SignAgentDigest(request, timeout=SECONDS)
    assert signed.key_id == signing.key.key_id
    assert len(signed.signature) == 512
    assert await stub.SignAgentDigest(request, timeout=SECONDS) == signed
    decrypting = await generate(stub, purpose=key_pb2.KEY_PURPOSE_DECRYPT)
    zero = pb.DecryptCiphertextRequest(key=decrypting.key.key_id, ciphertext=b"\x01" * 512, hash=SHA256)
    failed = (grpc.StatusCode.INVALID_ARGUMENT, "DECRYPTION_FAILED")
    assert await refusal(stub.DecryptCiphertext(zero, timeout=SECONDS)) == failed


async def test_a_batch_answers_item_by_item(stub: Any) -> None:  # noqa: ANN401
    """Also for items that cannot be read."""
    key = await generate(stub, purpose=key_pb2.KEY_PURPOSE_SIGN)
    name = key.key.key_id
    items = [
        pb.SignAgentDigestRequest(key=name, algorithm=PSS, digest=bytes(32)),
        pb.SignAgentDigestRequest(key=name, digest=bytes(32)),
        pb.SignAgentDigestRequest(key=name, algorithm=99, digest=bytes(32)),  # type: ignore[arg-type]
        pb.SignAgentDigestRequest(key=name, algorithm=PSS),
        pb.SignAgentDigestRequest(key=name, algorithm=PSS, digest=bytes(32), request_id="short"),
        pb.SignAgentDigestRequest(algorithm=PSS, digest=bytes(32)),
        pb.SignAgentDigestRequest(key=name, algorithm=PSS, digest=bytes(32)),
    ]
    answer = await stub.BatchSignAgentDigests(pb.BatchSignAgentDigestsRequest(items=items), timeout=SECONDS)
    reasons = [result.error.reason for result in answer.results]
    wrong = ["ALGORITHM_UNKNOWN", "ALGORITHM_UNKNOWN", "DIGEST_LENGTH_WRONG", "REQUEST_ID_MALFORMED", "KEY_NOT_FOUND"]
    assert reasons == ["", *wrong, ""]
    assert {result.signed.key_id for result in (answer.results[0], answer.results[-1])} == {name}
    only_wrong = pb.BatchSignAgentDigestsRequest(items=items[1:2])
    answer = await stub.BatchSignAgentDigests(only_wrong, timeout=SECONDS)
    assert [result.error.reason for result in answer.results] == ["ALGORITHM_UNKNOWN"]


BAD_REQUESTS: Final[dict[str, tuple[str, Any, str]]] = {
    "no purpose": ("GenerateKey", pb.GenerateKeyRequest(half_bits=2048), "PURPOSE_UNKNOWN"),
    "unknown purpose": ("GenerateKey", pb.GenerateKeyRequest(purpose=7), "PURPOSE_UNKNOWN"),  # type: ignore[arg-type]
    "odd size": ("GenerateKey", pb.GenerateKeyRequest(purpose=1, half_bits=2047), "HALF_BITS_WRONG"),  # type: ignore[arg-type]
    "negative size": ("GenerateKey", pb.GenerateKeyRequest(purpose=1, half_bits=-2048), "HALF_BITS_WRONG"),  # type: ignore[arg-type]
    "long label": ("GenerateKey", pb.GenerateKeyRequest(purpose=1, label="x" * 65), "FIELD_INVALID"),  # type: ignore[arg-type]
    "bad request id": ("GenerateKey", pb.GenerateKeyRequest(purpose=1, request_id="x"), "REQUEST_ID_MALFORMED"),  # type: ignore[arg-type]
    "unknown algorithm": (
        "GenerateKey",
        pb.GenerateKeyRequest(purpose=1, policy=key_pb2.KeyPolicy(algorithms=[42])),  # type: ignore[arg-type, list-item]
        "ALGORITHM_UNKNOWN",
    ),
    "negative limit": (
        "GenerateKey",
        pb.GenerateKeyRequest(purpose=1, policy=key_pb2.KeyPolicy(daily_limit=-1)),  # type: ignore[arg-type]
        "FIELD_INVALID",
    ),
    "no key to get": ("GetAgentKey", pb.GetAgentKeyRequest(), "KEY_NOT_FOUND"),
    "key that leads away": ("GetAgentKey", pb.GetAgentKeyRequest(key="../identity"), "KEY_NOT_FOUND"),
    "key of a megabyte": ("GetAgentKey", pb.GetAgentKeyRequest(key="x" * 1_000_000), "KEY_NOT_FOUND"),
    "page too long": ("ListAgentKeys", pb.ListAgentKeysRequest(page_size=1001), "FIELD_INVALID"),
    "page negative": ("ListAgentKeys", pb.ListAgentKeysRequest(page_size=-1), "FIELD_INVALID"),
    "page of nowhere": ("ListAgentKeys", pb.ListAgentKeysRequest(page_token="x"), "PAGE_TOKEN_INVALID"),  # noqa: S106
    "no change": ("ChangeKeyState", pb.ChangeKeyStateRequest(key="x"), "FIELD_INVALID"),
    "unknown change": ("ChangeKeyState", pb.ChangeKeyStateRequest(key="x", change=77), "FIELD_INVALID"),  # type: ignore[arg-type]
    "nothing to sign": ("SignAgentDigest", pb.SignAgentDigestRequest(), "ALGORITHM_UNKNOWN"),
    "empty batch": ("BatchSignAgentDigests", pb.BatchSignAgentDigestsRequest(), "BATCH_SIZE_WRONG"),
    "long batch": (
        "BatchSignAgentDigests",
        pb.BatchSignAgentDigestsRequest(items=[pb.SignAgentDigestRequest()] * 257),
        "BATCH_SIZE_WRONG",
    ),
    "nothing to decrypt": ("DecryptCiphertext", pb.DecryptCiphertextRequest(), "ALGORITHM_UNKNOWN"),
    "unknown MGF hash": (
        "DecryptCiphertext",
        pb.DecryptCiphertextRequest(hash=SHA256, mgf_hash=9),  # type: ignore[arg-type]
        "ALGORITHM_UNKNOWN",
    ),
    "long label of OAEP": (
        "DecryptCiphertext",
        pb.DecryptCiphertextRequest(hash=SHA256, label=bytes(1025)),
        "LABEL_TOO_LONG",
    ),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
async def test_a_bad_request_is_refused_with_its_reason(stub: Any, name: str) -> None:  # noqa: ANN401
    """By a status of the catalogue; none is INTERNAL or UNKNOWN."""
    rpc, request, reason = BAD_REQUESTS[name]
    code, found = await refusal(getattr(stub, rpc)(request, timeout=SECONDS))
    assert found == reason
    assert code not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


@pytest.mark.parametrize("rpc", [method.name for method in pb.DESCRIPTOR.services_by_name["AgentService"].methods])
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\xff", b"\x08", b"\x0b", b"\x0a\x05abc"], ids=range(5))
async def test_bytes_that_are_no_message_are_refused(home: Home, rpc: str, data: bytes) -> None:
    """For each RPC; gRPC alone would say INTERNAL."""
    async with grpc.aio.insecure_channel(f"unix:{home.socket}") as channel:
        method = f"/fourseal.v1.AgentService/{rpc}"
        call: Any = channel.unary_stream(method) if rpc == "GenerateKey" else channel.unary_unary(method)
        found = await refusal(call(data, timeout=SECONDS))
    assert found == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


async def test_a_message_that_is_too_long_is_refused(stub: Any) -> None:  # noqa: ANN401
    """5 MiB are too much; the daemon lives on."""
    request = pb.DecryptCiphertextRequest(key="x", hash=SHA256, ciphertext=bytes(5 << 20))
    code, _ = await refusal(stub.DecryptCiphertext(request, timeout=SECONDS))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await stub.GetAgentState(pb.GetAgentStateRequest(), timeout=SECONDS)


async def test_a_caller_that_goes_away_leaves_a_key_that_can_be_finished(stub: Any) -> None:  # noqa: ANN401
    """After the first step; the same request then brings the one key."""
    request = pb.GenerateKeyRequest(
        purpose=key_pb2.KEY_PURPOSE_SIGN, half_bits=2048, request_id=new_request_id(), label="gone"
    )
    call = stub.GenerateKey(request, timeout=SECONDS)
    async for event in call:
        assert event.step
        break
    call.cancel()
    again = [event async for event in stub.GenerateKey(request, timeout=SECONDS)][-1].agent_key
    listed = await stub.ListAgentKeys(pb.ListAgentKeysRequest(page_size=1000), timeout=SECONDS)
    assert [key for key in listed.agent_keys if key.label == "gone"] == [again]


async def test_locking_finishes_what_is_in_flight(stub: Any) -> None:  # noqa: ANN401
    """Every call is either done or refused as locked; the daemon is locked in the end."""
    key = await generate(stub, purpose=key_pb2.KEY_PURPOSE_SIGN)
    request = pb.SignAgentDigestRequest(key=key.key.key_id, algorithm=PSS, digest=bytes(32))
    calls = [asyncio.ensure_future(signed_or_reason(stub, request)) for _ in range(20)]
    await calls[0]
    await stub.LockAgent(pb.LockAgentRequest(), timeout=SECONDS)
    assert (await stub.GetAgentState(pb.GetAgentStateRequest(), timeout=SECONDS)).locked
    assert set(await asyncio.gather(*calls)) <= {"signed", "AGENT_LOCKED"}


async def signed_or_reason(stub: Any, request: pb.SignAgentDigestRequest) -> str:  # noqa: ANN401
    """What became of a call."""
    try:
        await stub.SignAgentDigest(request, timeout=SECONDS)
    except grpc.aio.AioRpcError as error:
        return error_from_rpc(error).reason
    return "signed"
