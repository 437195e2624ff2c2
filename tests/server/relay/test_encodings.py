"""Streams of clients that write protobuf in another way than ours, and of those that write none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from fourseal.v1 import relay_service_pb2 as pb

from tests.server.relay.media import FULL, Letter, Member
from wire.status import RemoteError, error_from_rpc

_METHOD = "/fourseal.v1.RelayService/PostEnvelope"


async def post_raw(author: Member, *messages: bytes) -> pb.PostEnvelopeResponse:
    """A stream of bytes as they stand."""
    call: Any = author.channel.stream_unary(_METHOD, None, pb.PostEnvelopeResponse.FromString)
    try:
        response: pb.PostEnvelopeResponse = await call(iter(messages), timeout=30, metadata=author.metadata)
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from None
    return response


def parts_of(letter: Letter, segments: Sequence[bytes]) -> list[bytes]:
    """Start, these messages, finish."""
    start, *_, finish = letter.parts()
    return [start.SerializeToString(), *segments, finish.SerializeToString()]


async def test_segments_written_in_other_ways(people: list[Member]) -> None:
    """With a longer length, with a field that is not known, and twice: what protobuf reads of them is relayed."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    first, second, third = (pb.PostEnvelopeRequest(segment=each).SerializeToString() for each in letter.segments)
    ways = [second + b"\x7a\x01x", b"\x12\x94\x80\x00" + letter.segments[2]]
    await post_raw(alice, *parts_of(letter, [b"\x12\x01a" + first, *ways]))
    assert third[2:] == letter.segments[2]
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


@pytest.mark.parametrize(
    "message", [b"\x12", b"\x12\x05abcd", b"\x12\x80", b"\x12\xff\xff\xff\xff\x7fa", b"\xff\xff\xff"]
)
async def test_message_that_is_none(people: list[Member], message: bytes) -> None:
    """It is the caller's mistake, and says so."""
    alice, _, _ = people
    letter = alice.letter([FULL, 20], "bob")
    with pytest.raises(RemoteError) as refused:
        await post_raw(alice, *parts_of(letter, [message])[:2])
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


@pytest.mark.parametrize("message", [b"", b"\x7a\x01x"])
async def test_message_without_a_part(people: list[Member], message: bytes) -> None:
    """It is protobuf, and no part of an upload."""
    alice, _, _ = people
    letter = alice.letter([FULL, 20], "bob")
    with pytest.raises(RemoteError) as refused:
        await post_raw(alice, *parts_of(letter, [message])[:2])
    assert refused.value.reason == "FIELD_INVALID"


async def test_segment_before_the_start(people: list[Member]) -> None:
    """It is known as what it is, and refused."""
    alice, _, _ = people
    letter = alice.letter([20], "bob")
    with pytest.raises(RemoteError) as refused:
        await post_raw(alice, *parts_of(letter, [pb.PostEnvelopeRequest(segment=b"x").SerializeToString()])[1:2])
    assert refused.value.reason == "FIELD_INVALID"
