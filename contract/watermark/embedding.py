"""Put a watermark into a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Final

from contract.documents.text import text_digest
from contract.watermark.capacity import Capacity, Plan, make_plan
from contract.watermark.channels import Channel, Document, Track
from contract.watermark.code import encode
from contract.watermark.frames import MAX_FRAMES, scan, seal_frame, to_levels
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import MAX_SIGNATURES, Payload
from mpc.errors import MalformedInput

_RESTLESS: Final = 4
"""One of so many characters has another level than the one before it, at least, in a text that was marked: of levels
by chance half of them do, or more. In others levels change where a colour does."""
_MEASURED: Final = 0.85
"""Of its characters so many have a level, in a text that was marked: lines that are spread to fill a page do not."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What came of it.

    Args:
        file: the document with its watermark.
        payload: what that says.
        plan: by which it was made.
    """

    file: bytes
    payload: Payload
    plan: Plan


def embed(
    document: Document,
    key: WatermarkKey,
    *,
    serial: int,
    time: datetime,
    signatures: Sequence[bytes] = (),
    channels: Sequence[Channel] = (),
) -> Embedded:
    """Put a watermark into a document.

    Args:
        document: without one.
        key: of the installation.
        serial: the contract's serial number, 1 to 2^40 - 1.
        time: with a time zone.
        signatures: of the signers, in their order.
        channels: that may be used; the document's usual ones if none is named.

    Raises:
        MalformedInput: WATERMARK_PRESENT; DOCUMENT_TOO_SHORT; WATERMARK_PAYLOAD_MALFORMED.
    """
    require_unmarked(document, key)
    if len(signatures) > MAX_SIGNATURES:
        problem = f"more than {MAX_SIGNATURES} signatures"
        raise MalformedInput("WATERMARK_PAYLOAD_MALFORMED", f"the payload is refused: {problem}", problem=problem)
    plan = make_plan(Capacity.of(document, channels), [len(each) for each in signatures])
    payload = Payload.with_signatures(serial, time, text_digest(document.text), plan.layer, tuple(signatures))
    slices = encode(payload.to_bytes(key), key)
    levels = {
        each: _levels(each, document.tracks[each], slices, plan.codewords, key) for each in plan.capacity.available
    }
    return Embedded(document.marked(levels), payload, plan)


def slice_number(channel: Channel, number: int, codewords_slices: int) -> int:
    """Which slice a frame has. Colour takes them from the first one on, others from the last one back."""
    turn = number % codewords_slices
    return turn if channel is Channel.COLOUR else codewords_slices - 1 - turn


def require_unmarked(document: Document, key: WatermarkKey) -> None:
    """Refuse a document with a watermark, anybody's, or a part of one of ours.

    Raises:
        MalformedInput: WATERMARK_PRESENT.
    """
    for channel, track in document.tracks.items():
        known = [each for each in track.levels if each is not None]
        changes = sum(before != after for before, after in pairwise(known))
        restless = changes * _RESTLESS > max(len(known), channel.frame_places)
        ours = islice(scan(track.levels, channel.bits, key), 2)
        if (restless and len(known) > _MEASURED * len(track.levels)) or len(list(ours)) > 1:
            raise MalformedInput("WATERMARK_PRESENT", "the document has a watermark already")


def _levels(channel: Channel, track: Track, slices: list[bytes], codewords: int, key: WatermarkKey) -> list[int]:
    levels: list[int] = []
    for number in range(min(len(track.places) // channel.frame_places, MAX_FRAMES)):
        piece = slices[slice_number(channel, number, len(slices))]
        levels += to_levels(seal_frame(codewords, number, piece, key), channel.bits)
    return levels
