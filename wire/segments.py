"""Segments of content as they travel, without the copies that protobuf makes of them.

A message that holds a segment is a tag, a length and the segment's bytes. protobuf copies these bytes twice to write
such a message and twice to read it, and hands out another copy each time that the field is asked for. Here a message
is looked into where it lies, and is made with one copy; whatever else may stand in a stream is left to protobuf. What
travels is plain protobuf: a peer notices nothing.

The segment is the same field of an upload's message and of a download's. So the media server passes on the very bytes
that it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from fourseal.v1.relay_service_pb2 import FetchEnvelopeResponse, PostEnvelopeRequest

_TAG: Final = 0x12  # field 2, length-delimited
_MORE: Final = 0x80  # in each byte of a length but the last

_Message = TypeVar("_Message", PostEnvelopeRequest, FetchEnvelopeResponse)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of content ciphertext.

    Args:
        message: the protobuf message that holds it and nothing else, as it travels.
        data: the segment itself, inside of that.
    """

    message: bytes
    data: memoryview

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def of(cls, data: bytes | memoryview) -> Segment:
        """Make the message around a segment."""
        head = bytes([_TAG]) + _encode_length(len(data))
        message = b"".join((head, data))
        return cls(message, memoryview(message)[len(head) :])

    @classmethod
    def in_message(cls, message: bytes) -> Segment | None:
        """The segment that a message is; None if it is anything else, or is written in another way."""
        if message[:1] != bytes([_TAG]):
            return None
        begin = 1
        while begin < len(message) and message[begin] & _MORE:
            begin += 1
        data = memoryview(message)[begin + 1 :]
        return cls(message, data) if message[1 : begin + 1] == _encode_length(len(data)) else None


def encode(part: _Message | Segment) -> bytes:
    """Write a message of a stream."""
    return part.message if isinstance(part, Segment) else part.SerializeToString()


def decoder_of(kind: type[_Message]) -> Callable[[bytes], _Message | Segment]:
    """Make what reads the messages of a stream.

    Args:
        kind: of the messages.

    Returns:
        Reads one: a ``Segment``, however it is written; any other part as its message. Raises DecodeError.
    """

    def decode(encoded: bytes) -> _Message | Segment:
        segment = Segment.in_message(encoded)
        if segment is not None:
            return segment
        message = kind.FromString(encoded)
        return Segment.of(message.segment) if message.WhichOneof("part") == "segment" else message

    return decode


def _encode_length(length: int) -> bytes:
    """As a varint: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while length >= _MORE:
        encoded.append(length & (_MORE - 1) | _MORE)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)
