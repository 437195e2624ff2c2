"""Whatever a caller sends to any RPC, the answer is a status of the catalogue, and never a fault of the server's.

All is refused: one server and one key do for all tests.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

import grpc
import pytest
from fourseal.v1 import (
    algorithms_pb2,
    decryption_service_pb2,
    enrolment_service_pb2,
    key_pb2,
    key_service_pb2,
    signing_service_pb2,
)
from google.protobuf.message import Message

from server.root.application import Server
from tests.server import lasting
from tests.server.harness import CALL_SECONDS, Client, ClientKey, call, sign_request
from wire import tls
from wire.catalogue import CATALOGUE
from wire.limits import MAX_MESSAGE_BYTES, channel_options
from wire.status import RemoteError, error_from_rpc

pytestmark = pytest.mark.asyncio(loop_scope="module")
home, server, alice, key = lasting.home, lasting.server, lasting.alice, lasting.key

OURS: Final = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
SERVICES: Final = (
    key_service_pb2.DESCRIPTOR.services_by_name["KeyService"],
    signing_service_pb2.DESCRIPTOR.services_by_name["SigningService"],
    decryption_service_pb2.DESCRIPTOR.services_by_name["DecryptionService"],
)
METHODS: Final = [f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods]
ENROL: Final = "/fourseal.v1.EnrolmentService/EnrolAgent"
KEY_ID: Final = "key-" + "a" * 26
ID: Final = "r" * 22


async def send(channel: grpc.aio.Channel, method: str, data: bytes) -> RemoteError:
    """Send raw bytes to a method; they must be refused."""
    raw: Any = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await raw(data, timeout=CALL_SECONDS)
    return error_from_rpc(refused.value)


def is_of_catalogue(error: RemoteError) -> bool:
    """Whether a refusal carries a reason that people can look up, and its code."""
    return error.code not in OURS and CATALOGUE[error.reason].code is error.code


MALFORMED: Final = {
    "no protobuf": b"\xff" * 40,
    "truncated": b"\x0a\x7fabc",
    "not UTF-8": b"\x0a\x02\xff\xfe",
    "group without end": b"\x0b",
    "wrong wire type": b"\x08\x01\x10\x01",
    "unknown fields only": b"\xfa\x3f\x03abc",
    "empty": b"",
    "deeply nested": b"\x22\x02" * 200,
}


@pytest.mark.parametrize("method", METHODS)
async def test_malformed_bytes(alice: Client, method: str) -> None:
    """Bytes that are no message of the method, or one without a field, are the caller's mistake."""
    for name, data in MALFORMED.items():
        if method.endswith("ListKeys") and name not in ("no protobuf", "truncated", "group without end"):
            continue  # it has no required field: these are requests, with fields that it does not know
        error = await send(alice.channel, method, data)
        assert is_of_catalogue(error), (name, error.reason)
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT, (name, error.reason)


async def test_malformed_bytes_to_enrolment(alice: Client, server: Server) -> None:
    """The one service without a client certificate answers as well."""
    credentials = tls.channel_credentials(alice.identity.authority_pem)
    async with grpc.aio.secure_channel(server.serving.enrolment_server, credentials, channel_options()) as channel:
        for name, data in MALFORMED.items():
            assert is_of_catalogue(await send(channel, ENROL, data)), name
        long = enrolment_service_pb2.EnrolAgentRequest(token="x" * 100_000, certificate_request_der=b"x" * 100_000)
        assert (await send(channel, ENROL, long.SerializeToString())).reason == "ENROLMENT_TOKEN_INVALID"
        for method in METHODS:  # the other services are not there
            assert (await send(channel, method, b"")).code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("method", METHODS)
async def test_random_bytes(alice: Client, method: str) -> None:
    """Nor does noise ever meet anything but a refusal."""
    raw: Any = alice.channel.unary_unary(method, request_serializer=None, response_deserializer=None)
    calls = [raw(secrets.token_bytes(size), timeout=CALL_SECONDS) for size in range(1, 60)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    errors = [error_from_rpc(answer) for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert all(is_of_catalogue(error) for error in errors)
    assert len(errors) > len(answers) // 2


async def test_oversize_message(alice: Client) -> None:
    """GRPC itself refuses what is larger than 4 MiB, before anything is parsed."""
    options = [("grpc.max_send_message_length", -1)]
    identity = alice.identity
    credentials = tls.channel_credentials(identity.authority_pem, identity.key_pem, identity.certificate_pem)
    target = alice.serving.server
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        error = await send(channel, METHODS[0], b"\x0a" + bytes(MAX_MESSAGE_BYTES + 1))
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_oversize_metadata(alice: Client) -> None:
    """Metadata has a limit too."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await alice.keys.ListKeys(
            key_service_pb2.ListKeysRequest(), metadata=(("x", "y" * 20_000),), timeout=CALL_SECONDS
        )
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


BEGIN: Final[dict[str, Any]] = {
    "request_id": ID,
    "purpose": key_pb2.KEY_PURPOSE_SIGN,
    "half_bits": 2048,
    "client_commitment": bytes(32),
}
PSS: Final = algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA256
FIELDS: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("request_id", {"request_id": ""}, "REQUEST_ID_MALFORMED"),
    ("request_id", {"request_id": "short"}, "REQUEST_ID_MALFORMED"),
    ("request_id", {"request_id": "x" * 65}, "REQUEST_ID_MALFORMED"),
    ("request_id", {"request_id": "finish.key-" + "a" * 20}, "REQUEST_ID_MALFORMED"),
    ("request_id", {"request_id": "ä" * 20}, "REQUEST_ID_MALFORMED"),
    ("request_id", {"request_id": "r" * 21 + "\n"}, "REQUEST_ID_MALFORMED"),
    ("purpose", {"purpose": 0}, "PURPOSE_UNKNOWN"),
    ("purpose", {"purpose": 99}, "PURPOSE_UNKNOWN"),
    ("half_bits", {"half_bits": 0}, "HALF_BITS_WRONG"),
    ("half_bits", {"half_bits": 1024}, "HALF_BITS_WRONG"),
    ("half_bits", {"half_bits": -2048}, "HALF_BITS_WRONG"),
    ("half_bits", {"half_bits": 2**31 - 1}, "HALF_BITS_WRONG"),
    ("commitment", {"client_commitment": b""}, "COMMITMENT_MALFORMED"),
    ("commitment", {"client_commitment": bytes(33)}, "COMMITMENT_MALFORMED"),
    ("policy", {"policy": key_pb2.KeyPolicy(daily_limit=-1)}, "FIELD_INVALID"),
    ("policy", {"policy": key_pb2.KeyPolicy(daily_limit=2**62)}, "FIELD_INVALID"),
    ("policy", {"policy": key_pb2.KeyPolicy.FromString(b"\x0a\x01\x00")}, "ALGORITHM_UNKNOWN"),
    ("policy", {"policy": key_pb2.KeyPolicy.FromString(b"\x0a\x01\x4d")}, "ALGORITHM_UNKNOWN"),
    ("policy", {"policy": key_pb2.KeyPolicy(algorithms=[PSS, PSS])}, "FIELD_INVALID"),
    (
        "policy",
        {"policy": key_pb2.KeyPolicy(algorithms=[PSS]), "purpose": key_pb2.KEY_PURPOSE_DECRYPT},
        "FIELD_INVALID",
    ),
]


async def refusal(method: Any, request: Message) -> str:  # noqa: ANN401  # any of the generated stubs
    """Why a request is refused; its status must be of the catalogue."""
    with pytest.raises(RemoteError) as refused:
        await call(method, request)
    assert is_of_catalogue(refused.value)
    return refused.value.reason


@pytest.mark.parametrize(("_field", "change", "reason"), FIELDS)
async def test_begin_with_a_bad_field(alice: Client, _field: str, change: dict[str, Any], reason: str) -> None:
    """Each field of a new key is checked before anything is made."""
    request, listing = key_service_pb2.BeginKeyGenerationRequest(**(BEGIN | change)), key_service_pb2.ListKeysRequest()
    before = await call(alice.keys.ListKeys, listing)
    assert await refusal(alice.keys.BeginKeyGeneration, request) == reason
    assert await call(alice.keys.ListKeys, listing) == before


BAD_KEY_IDS: Final = ("", "key", "key-" + "A" * 26, "key-" + "a" * 27, "key-" + "1" * 26, "x" * 100_000, "key-\n")


@pytest.mark.parametrize("key_id", BAD_KEY_IDS, ids=range(len(BAD_KEY_IDS)))
async def test_malformed_key_id(alice: Client, key_id: str) -> None:
    """Everywhere a key id is taken, a malformed one is refused as such."""
    pb = key_service_pb2
    requests = [
        (alice.keys.FinishKeyGeneration, pb.FinishKeyGenerationRequest(key_id=key_id)),
        (alice.keys.AbortKeyGeneration, pb.AbortKeyGenerationRequest(key_id=key_id, reason="X")),
        (alice.keys.GetKey, pb.GetKeyRequest(key_id=key_id)),
        (alice.keys.EnableKey, pb.EnableKeyRequest(key_id=key_id, request_id=ID)),
        (alice.keys.DisableKey, pb.DisableKeyRequest(key_id=key_id, request_id=ID)),
        (alice.keys.ScheduleKeyDestruction, pb.ScheduleKeyDestructionRequest(key_id=key_id, request_id=ID)),
        (alice.keys.CancelKeyDestruction, pb.CancelKeyDestructionRequest(key_id=key_id, request_id=ID)),
        (alice.keys.DestroyKey, pb.DestroyKeyRequest(key_id=key_id, request_id=ID)),
        (alice.signing.SignDigest, signing_service_pb2.SignDigestRequest(key_id=key_id, request_id=ID)),
        (
            alice.decryption.CreatePartialDecryption,
            decryption_service_pb2.CreatePartialDecryptionRequest(key_id=key_id, request_id=ID),
        ),
    ]
    assert {await refusal(method, request) for method, request in requests} == {"KEY_ID_MALFORMED"}


@pytest.mark.parametrize("reason", ["", "lower", "X" * 65, "WITH SPACE", "1FIRST", "ÄÖ", "A\n"])
async def test_abort_with_a_bad_reason(alice: Client, reason: str) -> None:
    """What goes into the record has a form."""
    request = key_service_pb2.AbortKeyGenerationRequest(key_id=KEY_ID, reason=reason)
    assert await refusal(alice.keys.AbortKeyGeneration, request) == "FIELD_INVALID"


@pytest.mark.parametrize("size", [-1, 1001, 2**31 - 1, -(2**31)])
async def test_page_of_a_wrong_size(alice: Client, size: int) -> None:
    """A page has up to 1000 keys."""
    request = key_service_pb2.ListKeysRequest(page_size=size)
    assert await refusal(alice.keys.ListKeys, request) == "FIELD_INVALID"


@pytest.mark.parametrize("token", ["x", "AAAA", "=" * 8, "ä" * 10, "A" * 257, "A" * 16, "/" * 16, "f" * 40])
async def test_page_token_that_is_none(alice: Client, token: str) -> None:
    """Tokens that the server never made are refused."""
    request = key_service_pb2.ListKeysRequest(page_token=token)
    assert await refusal(alice.keys.ListKeys, request) == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"algorithm": 0}, "ALGORITHM_UNKNOWN"),
        ({"algorithm": 99}, "ALGORITHM_UNKNOWN"),
        ({"digest": b""}, "DIGEST_LENGTH_WRONG"),
        ({"digest": bytes(20)}, "DIGEST_LENGTH_WRONG"),
        ({"digest": bytes(64)}, "DIGEST_LENGTH_WRONG"),
        ({"salt": b""}, "SALT_LENGTH_WRONG"),
        ({"salt": bytes(33)}, "SALT_LENGTH_WRONG"),
        ({"algorithm": algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA256}, "SALT_LENGTH_WRONG"),
        ({"algorithm": algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PSS_SHA512}, "DIGEST_LENGTH_WRONG"),
        ({"client_partial": b""}, "PARTIAL_MALFORMED"),
        ({"client_partial": bytes(255)}, "PARTIAL_MALFORMED"),
        ({"client_partial": bytes(257)}, "PARTIAL_MALFORMED"),
        ({"client_partial": bytes(1_000_000)}, "PARTIAL_MALFORMED"),
    ],
)
async def test_sign_with_a_bad_field(alice: Client, key: ClientKey, change: dict[str, Any], reason: str) -> None:
    """Each field of a signature is checked before anything is recorded."""
    request = sign_request(key)
    request.MergeFrom(signing_service_pb2.SignDigestRequest(**change))
    for name, value in change.items():
        setattr(request, name, value)
    assert await refusal(alice.signing.SignDigest, request) == reason


@pytest.mark.parametrize("seconds", [0.001, 0.05])
async def test_deadline_too_short(alice: Client, seconds: float) -> None:
    """A call that could not finish in its time is not begun."""
    with pytest.raises(RemoteError) as refused:
        await call(alice.keys.ListKeys, key_service_pb2.ListKeysRequest(), seconds)
    assert refused.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_method_that_is_not_there(alice: Client) -> None:
    """An unknown method is UNIMPLEMENTED; the server describes nothing unless told to."""
    for method in (
        "/fourseal.v1.KeyService/ExportKey",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ):
        assert (await send(alice.channel, method, b"")).code is grpc.StatusCode.UNIMPLEMENTED
