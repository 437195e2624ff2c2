"""Whether a document has room for a watermark, and how much of the signatures goes in: decided before anything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.watermark.channels import Channel, Document
from contract.watermark.code import MESSAGE_BYTES, SLICE_BYTES
from contract.watermark.frames import MAX_FRAMES
from contract.watermark.payload import SIGNATURE_BYTES, SignatureLayer, codewords_for, payload_bytes
from mpc.errors import MalformedInput

_RESERVE_FIFTHS: Final = 6
"""Of what a decoder needs, in fifths: a sixth of what goes in may be lost at least."""
_RESERVE_FIFTHS_WHOLE: Final = 8
"""The same for signatures that go in whole: with less, every tenth character deleted would be too much."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a document has room for.

    Args:
        characters: of its text.
        available: bits of the code that each channel carries, by channel.
    """

    characters: int
    available: dict[Channel, int]

    @classmethod
    def of(cls, document: Document, channels: Sequence[Channel] = ()) -> Capacity:
        """Count what the document has room for in these channels of its own; in the usual ones if none is named."""
        frames = {
            each: min(len(document.tracks[each].places) // each.frame_places, MAX_FRAMES)
            for each in document.channels
            if each in (channels or document.usual_channels)
        }
        return cls(len(document.text), {each: 8 * SLICE_BYTES * count for each, count in frames.items()})

    @property
    def total(self) -> int:
        """Bits of the code that all channels carry together."""
        return sum(self.available.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into a document.

    Args:
        capacity: of the document.
        layer: what of the signatures.
        codewords: of the code.
        payload: bits of the payload.
        needed: bits of the code, at least.
    """

    capacity: Capacity
    layer: SignatureLayer
    codewords: int
    payload: int
    needed: int


def make_plan(capacity: Capacity, signature_lengths: Sequence[int]) -> Plan:
    """Decide what goes in: the signatures if there is room and all are Ed25519's, else their digests.

    Args:
        capacity: of the document.
        signature_lengths: bytes of each signature.

    Raises:
        MalformedInput: DOCUMENT_TOO_SHORT, with the bits needed and those available.
    """
    plans = [_plan(capacity, layer, len(signature_lengths)) for layer in _layers(signature_lengths)]
    for plan in plans:
        if plan.needed <= capacity.total:
            return plan
    needed, available = plans[-1].needed, capacity.total
    raise MalformedInput(
        "DOCUMENT_TOO_SHORT",
        f"the watermark needs {needed} bits, and the document carries {available}",
        needed=needed,
        available=available,
    )


def _layers(signature_lengths: Sequence[int]) -> list[SignatureLayer]:
    if not signature_lengths:
        return [SignatureLayer.NONE]
    whole = all(length == SIGNATURE_BYTES for length in signature_lengths)
    return [SignatureLayer.WHOLE, SignatureLayer.DIGESTS] if whole else [SignatureLayer.DIGESTS]


def _plan(capacity: Capacity, layer: SignatureLayer, count: int) -> Plan:
    codewords = codewords_for(layer, count)
    fifths = _RESERVE_FIFTHS_WHOLE if layer is SignatureLayer.WHOLE else _RESERVE_FIFTHS
    needed = -(-8 * MESSAGE_BYTES * codewords * fifths // 5)
    return Plan(capacity, layer, codewords, 8 * payload_bytes(layer, count), needed)
