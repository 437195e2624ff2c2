"""Segments as they travel (``wire.segments``): byte for byte what protobuf writes, and whatever protobuf reads."""

from __future__ import annotations

from typing import Any

import pytest
from fourseal.v1.relay_service_pb2 import EnvelopeFinish, EnvelopeStart, FetchEnvelopeResponse, PostEnvelopeRequest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from contract.stream import SEALED_SEGMENT_BYTES
from wire.segments import Segment, decoder_of, encode

KINDS = (PostEnvelopeRequest, FetchEnvelopeResponse)
BOTH = pytest.mark.parametrize("kind", KINDS)
_Kind = Any  # one of them
SEGMENT = PostEnvelopeRequest(segment=b"sealed").SerializeToString()
FINISH = PostEnvelopeRequest(finish=EnvelopeFinish(segments=3, sequence=1, trailer=b"t")).SerializeToString()
LENGTHS = (0, 1, 127, 128, 16_383, 16_384, SEALED_SEGMENT_BYTES - 1, SEALED_SEGMENT_BYTES, 2_097_152)


@BOTH
@pytest.mark.parametrize("length", LENGTHS)
def test_written_as_protobuf_writes(kind: _Kind, length: int) -> None:
    """Around every step in the size of the length; the same for uploads and downloads."""
    data = b"\x12\x80" * (length // 2) + b"\x12" * (length % 2)
    segment = Segment.of(data)
    assert encode(segment) == kind(segment=data).SerializeToString()
    assert bytes(segment.data) == data
    assert len(segment) == length


@BOTH
@given(data=st.binary(max_size=300))
def test_read_where_it_lies(kind: _Kind, data: bytes) -> None:
    """Nothing is copied: the segment is a part of the message."""
    message = kind(segment=data).SerializeToString()
    read = decoder_of(kind)(message)
    assert isinstance(read, Segment)
    assert read.message is message
    assert read.data == data
    assert read.data.obj is message


@BOTH
@given(encoded=st.one_of(st.binary(max_size=40), st.binary(max_size=40).map(lambda tail: SEGMENT + tail)))
@example(encoded=b"")
@example(encoded=b"\x12")
@example(encoded=b"\x12\x80")
@example(encoded=b"\x12\x03ab")
@example(encoded=b"\x12\x81\x00a")  # a length that is longer than it need be
@example(encoded=b"\x12\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00ab")
@example(encoded=b"\x12" + b"\xff" * 10 + b"\x01")
@example(encoded=SEGMENT + SEGMENT)  # the last one counts
@example(encoded=SEGMENT + FINISH)
@example(encoded=FINISH + SEGMENT)
@example(encoded=SEGMENT + b"\x7a\x01x")  # a field that is not known
@example(encoded=b"\x92\x00\x01a")  # a tag that is longer than it need be
@example(encoded=FINISH)
@example(encoded=PostEnvelopeRequest(start=EnvelopeStart(header_der=b"h", segment=7)).SerializeToString())
def test_whatever_comes_is_what_protobuf_reads(kind: _Kind, encoded: bytes) -> None:
    """Or refused where protobuf refuses it."""
    try:
        expected = kind.FromString(encoded)
    except DecodeError:
        with pytest.raises(DecodeError):
            decoder_of(kind)(encoded)
        return
    read = decoder_of(kind)(encoded)
    if expected.WhichOneof("part") == "segment":
        assert isinstance(read, Segment)
        assert read.data == expected.segment
        assert read.message == kind(segment=expected.segment).SerializeToString()
    else:
        assert read == expected


@BOTH
def test_other_parts_are_left_to_protobuf(kind: _Kind) -> None:
    """A finish travels as before."""
    finish = kind(finish=EnvelopeFinish(segments=3, sequence=1, trailer=b"t"))
    assert encode(finish) == finish.SerializeToString()
    assert decoder_of(kind)(finish.SerializeToString()) == finish
