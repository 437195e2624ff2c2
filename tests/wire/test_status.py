"""Errors become statuses and errors again, and nothing that the other end answers breaks that."""

from __future__ import annotations

from string import Formatter
from typing import Any

import grpc
import pytest
from fourseal.v1 import errors_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import FaultDetected, FoursealError, PeerMisbehaved
from tests.wire.line import line
from wire.catalogue import CATALOGUE, ServiceError
from wire.status import (
    DETAILS_KEY,
    DOMAIN,
    RemoteError,
    error_from_item,
    error_from_rpc,
    has_status,
    item_error,
    status_of,
)


def error_of(reason: str) -> ServiceError:
    """An error of the catalogue with all its metadata."""
    names = {name for _, name, _, _ in Formatter().parse(CATALOGUE[reason].message) if name}
    return ServiceError(reason, **{name: f"the {name}" for name in names})


def details_of(error: FoursealError) -> status_pb2.Status:
    """What travels beside code and message."""
    ((key, data),) = status_of(error).trailing_metadata
    assert key == DETAILS_KEY
    return status_pb2.Status.FromString(data)


def rpc_error(code: grpc.StatusCode, *details: bytes | str, text: str = "text") -> grpc.aio.AioRpcError:
    """An error as gRPC raises it at the caller's side."""
    pairs: list[Any] = [(DETAILS_KEY, each) for each in details]
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*pairs), details=text)


def packed(info: error_details_pb2.ErrorInfo) -> bytes:
    """One detail, as it travels."""
    status = status_pb2.Status()
    status.details.add().Pack(info)
    data: bytes = status.SerializeToString()
    return data


async def test_every_reason_of_the_catalogue_arrives() -> None:
    """Over real gRPC: reason, code, message and metadata."""

    async def refuse(request: StringValue, _: object) -> StringValue:
        raise error_of(request.value)

    async with line(refuse) as opened:
        for reason, entry in CATALOGUE.items():
            with pytest.raises(RemoteError) as caught:
                await opened.call(reason)
            sent, arrived = error_of(reason), caught.value
            assert (arrived.reason, arrived.code) == (reason, entry.code)
            assert (str(arrived), arrived.metadata) == (str(sent), sent.metadata)


@pytest.mark.parametrize("reason", CATALOGUE)
def test_every_reason_passes_through_a_batch(reason: str) -> None:
    """An item carries the same as a call of its own."""
    item = errors_pb2.ItemError.FromString(item_error(error_of(reason)).SerializeToString())
    arrived = error_from_item(item)
    assert (arrived.reason, arrived.code) == (reason, CATALOGUE[reason].code)
    assert (str(arrived), arrived.metadata) == (str(error_of(reason)), error_of(reason).metadata)


def test_details_are_those_of_the_guidelines() -> None:
    """google.rpc.Status with the same code and message, and an ErrorInfo of our domain (AIP-193)."""
    error = ServiceError("KEY_NOT_FOUND", key_id="k")
    details = details_of(error)
    assert (details.code, details.message) == (grpc.StatusCode.NOT_FOUND.value[0], status_of(error).message)
    info = error_details_pb2.ErrorInfo()
    assert details.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == ("KEY_NOT_FOUND", "fourseal", {"key_id": "k"})
    assert len(details.details) == 1


def test_overloaded_says_when_to_come_again() -> None:
    """RetryInfo beside the ErrorInfo."""
    _, retry = details_of(ServiceError("OVERLOADED")).details
    info = error_details_pb2.RetryInfo()
    assert retry.Unpack(info)
    assert info.retry_delay.seconds == 1


@pytest.mark.parametrize(("seconds", "understood"), [(1, 1), (0, 0), (-5, 0), (2**63 - 1, 366 * 24 * 3600)])
def test_the_time_to_come_again_arrives(seconds: int, understood: int) -> None:
    """Of a call and of an item, and of both once they were passed on; whatever the other end says."""
    item = item_error(ServiceError("OVERLOADED"))
    item.retry_delay.seconds = seconds
    details = details_of(ServiceError("OVERLOADED"))
    details.details[1].Pack(error_details_pb2.RetryInfo(retry_delay=item.retry_delay))
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    for error in (error_from_item(item), error_from_rpc(rpc_error(code, details.SerializeToString()))):
        assert error.retry_seconds == understood
        assert error_from_item(item_error(error)).retry_seconds == understood
    assert error_from_item(item_error(ServiceError("KEY_NOT_FOUND", key_id="k"))).retry_seconds is None


def test_message_is_the_catalogues_and_not_the_errors_own() -> None:
    """What the core says stays inside; the public text has the action with it."""
    status = status_of(FaultDetected("partial signature"))
    assert status.code is grpc.StatusCode.INTERNAL
    assert "partial signature" not in status.message
    assert "operator" in status.message


@pytest.mark.parametrize(
    ("culprit", "code"), [("client", grpc.StatusCode.INVALID_ARGUMENT), ("server", grpc.StatusCode.ABORTED)]
)
def test_caller_is_not_told_that_its_request_was_wrong_where_the_server_cheated(
    culprit: str, code: grpc.StatusCode
) -> None:
    """The agent's own caller did nothing wrong."""
    error = PeerMisbehaved("CERTIFICATION_INVALID", "text", culprit=culprit)
    assert status_of(error).code is code
    assert item_error(error).code == code.value[0]


def test_error_of_the_other_end_is_passed_on_as_it_came() -> None:
    """The agent's daemon hands the server's refusals to its own callers, those of a newer server too."""
    error = RemoteError("NEWER_THAN_US", "A text.", grpc.StatusCode.OUT_OF_RANGE, place="moon")
    status = status_of(error)
    arrived = error_from_rpc(
        rpc_error(status.code, *[data for _, data in status.trailing_metadata], text=status.message)
    )
    for each in (arrived, error_from_item(item_error(error))):
        assert (each.reason, str(each), each.code) == (error.reason, str(error), error.code)
        assert each.metadata == {"place": "moon"}


def test_which_errors_have_a_status() -> None:
    """Those of the catalogue, and those that came with one."""
    assert has_status(ServiceError("UNEXPECTED"))
    assert has_status(RemoteError("NEWER_THAN_US", "A text.", grpc.StatusCode.ABORTED))
    assert not has_status(FoursealError("NEWER_THAN_US", "A text."))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "SERVER_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_PASSED"),
        (grpc.StatusCode.UNIMPLEMENTED, "UNEXPECTED"),
        (grpc.StatusCode.INTERNAL, "UNEXPECTED"),
    ],
)
@pytest.mark.parametrize(
    "details",
    [
        [],
        [b""],
        [b"\xff\xff"],
        ["text, no bytes"],
        [packed(error_details_pb2.ErrorInfo(reason="QUOTA", domain="example.com"))],
        [status_pb2.Status(details=[AnyMessage(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")])
         .SerializeToString()],
    ],
    ids=["none", "empty", "garbage", "text", "of others", "garbage within"],
)  # fmt: skip
def test_status_that_is_none_of_ours(code: grpc.StatusCode, reason: str, details: list[Any]) -> None:
    """What only gRPC, a proxy or another service said is told as what it is."""
    error = error_from_rpc(rpc_error(code, *details))
    assert (error.code, error.reason, error.metadata) == (code, reason, {})
    assert str(error) != ""


async def test_nobody_listens() -> None:
    """Real gRPC, no server."""
    async with line() as opened:
        await opened.server.stop(None)
        with pytest.raises(RemoteError) as caught:
            await opened.call()
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_UNAVAILABLE")


@pytest.mark.parametrize("name", ["reason", "text", "code", "self", "metadata", "culprit", "args"])
def test_other_end_may_name_its_metadata_as_it_likes(name: str) -> None:
    """No name of a parameter of ours breaks the client."""
    info = error_details_pb2.ErrorInfo(reason="R", domain=DOMAIN, metadata={name: "x"})
    error = error_from_rpc(rpc_error(grpc.StatusCode.ABORTED, packed(info)))
    assert (error.reason, str(error), error.code) == ("R", "text", grpc.StatusCode.ABORTED)
    assert error.metadata == {name: "x"}
    item = error_from_item(errors_pb2.ItemError(code=10, reason="R", message="text", metadata={name: "x"}))
    assert (item.reason, item.code, item.metadata) == ("R", grpc.StatusCode.ABORTED, {name: "x"})


@pytest.mark.parametrize("code", [0, 99, -1])
def test_item_with_a_code_that_is_no_error_is_still_an_error(code: int) -> None:
    """OK among them: whoever passes it on must not abort with OK."""
    error = error_from_item(errors_pb2.ItemError(code=code, reason="R", message="text"))
    assert error.code is grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("text", ["x" * 100_000, "x" + "é" * 100_000, "\udc80.pdf", "\0\n\x1b[31m", "%41%"])
async def test_any_text_in_an_error_can_be_sent(text: str) -> None:
    """Long, of several bytes, the name of a file that is no UTF-8: the caller still sees the reason."""

    async def refuse(*_: object) -> StringValue:
        raise ServiceError("STORE_DAMAGED", file=text, problem=text)

    async with line(refuse) as opened:
        with pytest.raises(RemoteError) as caught:
            await opened.call()
    error = caught.value
    assert (error.reason, error.code) == ("STORE_DAMAGED", grpc.StatusCode.DATA_LOSS)
    shown = error.metadata["file"]
    assert shown == text or shown in text or shown == "\\udc80.pdf"
    assert 0 < len(shown.encode()) <= 1024


@given(st.binary(max_size=200))
def test_any_bytes_for_details_are_read_or_left_aside(data: bytes) -> None:
    """No other error comes out."""
    error = error_from_rpc(rpc_error(grpc.StatusCode.ABORTED, data))
    assert error.code is grpc.StatusCode.ABORTED
