"""Read a watermark: from the document alone, or with the original beside it, which tells what is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from contract.documents.text import text_digest
from contract.watermark.alignment import Alignment, align
from contract.watermark.channels import Channel, Document, Track
from contract.watermark.code import SLICES_OF_CODEWORD, damaged, decode
from contract.watermark.embedding import slice_number
from contract.watermark.frames import MAX_FRAMES, FoundFrame, Frame, read_at, scan
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import MAX_SIGNATURES, Payload, SignatureLayer, codewords_for
from mpc.errors import MalformedInput

_FEWEST_FRAMES: Final = 2
"""One header fits by chance, in one of some hundred documents."""
_MOST_WATERMARKS: Final = 3
"""Of how many lengths are looked for in one document: one is usual, two where parts of contracts were put together."""
_MOST_CODEWORDS: Final = codewords_for(SignatureLayer.WHOLE, MAX_SIGNATURES)
_LIKE: Final = 0.5
"""What two versions of one document have in common, at least."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A watermark that was read.

    Args:
        payload: what it says.
        intact: whether the document's text is the one that was marked.
        frames: whole ones that were found, by channel.
        corrected: bytes of the code that were wrong.
        erased: bytes of the code that were missing.
        alignment: with the original; None if there was none.
        original_is_marked: whether the original has the text that was marked; None if there was none.
    """

    payload: Payload
    intact: bool
    frames: dict[Channel, int]
    corrected: int
    erased: int
    alignment: Alignment | None = None
    original_is_marked: bool | None = None

    @property
    def of_another_document(self) -> bool:
        """Whether the watermark is in a text that is no version of the original which it was made for."""
        return self.original_is_marked is True and self.alignment is not None and self.alignment.similarity < _LIKE


def extract(document: Document, key: WatermarkKey, original: Document | None = None) -> Extraction:
    """Read a document's watermark.

    Args:
        document: with a watermark.
        key: of the installation.
        original: the document before it was marked; None to do without.

    Raises:
        MalformedInput: WATERMARK_MISSING: none of this installation, or hardly anything of it; WATERMARK_DAMAGED: too
            little of it.
    """
    found = {channel: list(scan(track.levels, channel.bits, key)) for channel, track in document.tracks.items()}
    frames = [(channel, each.frame) for channel, all_found in found.items() for each in all_found]
    alignment = None if original is None else align(original.text, document.text)
    if original is not None and alignment is not None:
        frames += _aligned(document, original, alignment, key)
    frames += [
        (channel, each)
        for channel, all_found in found.items()
        if original is None or channel not in original.tracks
        for each in _guessed(channel, document.tracks[channel], all_found, key)
    ]
    whole = {(channel, each.number): each.codewords for channel, each in frames if each.codewords}
    likely = [codewords for codewords, _ in Counter(whole.values()).most_common(_MOST_WATERMARKS)]
    if original is not None:
        likely = list(dict.fromkeys([*likely, *range(_MOST_CODEWORDS, 0, -1)]))
    elif len(whole) < _FEWEST_FRAMES:
        raise _missing()
    read = next(_read(frames, likely, key), None)
    if read is None:
        raise damaged() if len(whole) >= _FEWEST_FRAMES else _missing()
    payload, corrected, erased = read
    counts = Counter(channel for channel, _ in whole)
    return Extraction(
        payload,
        text_digest(document.text) == payload.digest,
        {channel: counts[channel] for channel in document.tracks},
        corrected,
        erased,
        alignment,
        None if original is None else text_digest(original.text) == payload.digest,
    )


def _guessed(channel: Channel, track: Track, found: Sequence[FoundFrame], key: WatermarkKey) -> Iterator[Frame]:
    """What stands where other frames must have been: between two whole ones, and at the ends."""
    if not found:
        return
    places, levels = channel.frame_places, track.levels
    first, last = found[0], found[-1]
    gaps = [(first.at - places * back, first.frame.number - back) for back in range(1, first.frame.number + 1)]
    for left, right in pairwise(found):
        gaps += _between(left, right, places)
    ends = range(1, MAX_FRAMES - last.frame.number)
    gaps += [(last.at + places * on, last.frame.number + on) for on in ends]
    for at, number in gaps:
        if 0 <= at <= len(levels) - places:
            yield read_at(levels, channel.bits, at, number, key)


def _between(left: FoundFrame, right: FoundFrame, places: int) -> list[tuple[int, int]]:
    """Places and numbers of the frames between two; none if characters were put in or taken out."""
    missing = right.frame.number - left.frame.number - 1
    if missing < 1 or right.at - left.at != places * (missing + 1):
        return []
    return [(left.at + places * on, left.frame.number + on) for on in range(1, missing + 1)]


def _aligned(
    document: Document, original: Document, alignment: Alignment, key: WatermarkKey
) -> Iterator[tuple[Channel, Frame]]:
    """Every frame of the original's tracks, with the levels of those characters that are still there."""
    origins = alignment.origins()
    for channel, track in original.tracks.items():
        found = document.tracks.get(channel)
        if found is None:
            continue
        turns = {place: turn for turn, place in enumerate(track.places)}
        levels: list[int | None] = [None] * len(turns)
        for place, level in zip(found.places, found.levels, strict=True):
            origin = origins[place]
            if origin is not None and channel.is_between and origins[place + 1] != origin + 1:
                continue
            turn = None if origin is None else turns.get(origin)
            if turn is not None:
                levels[turn] = level
        for number in range(min(len(levels) // channel.frame_places, MAX_FRAMES)):
            yield channel, read_at(levels, channel.bits, number * channel.frame_places, number, key)


def _read(
    frames: Sequence[tuple[Channel, Frame]], likely: Sequence[int], key: WatermarkKey
) -> Iterator[tuple[Payload, int, int]]:
    """Decode with whole frames alone, with all, and with those of each channel; yields what has a right check code.

    A format may be measured in channels that it was never marked in, and what is read there is wrong. With the payload
    come the counts of bytes that were wrong and that were not there.
    """
    channels = {channel for channel, _ in frames}
    for codewords in likely:
        for partial in ((), channels, *({each} for each in channels)):
            try:
                decoded = decode(_slices(frames, codewords, partial), codewords, key)
                yield Payload.from_bytes(decoded.message, key), decoded.corrected, decoded.erased
            except MalformedInput:
                continue


def _slices(
    frames: Sequence[tuple[Channel, Frame]], codewords: int, partial_of: Collection[Channel]
) -> Mapping[int, Sequence[int | None]]:
    """Every slice by its number, as most of its frames have it; whole ones outvote all others of some channels."""
    whole: dict[int, Counter[tuple[int | None, ...]]] = defaultdict(Counter)
    partial: dict[int, list[tuple[int | None, ...]]] = defaultdict(list)
    for channel, frame in frames:
        number = slice_number(channel, frame.number, codewords * SLICES_OF_CODEWORD)
        if frame.codewords == codewords:
            whole[number][frame.piece] += 1
        elif not frame.codewords and channel in partial_of:
            partial[number].append(frame.piece)
    voted: dict[int, Sequence[int | None]] = {number: _vote(pieces) for number, pieces in partial.items()}
    return voted | {number: pieces.most_common(1)[0][0] for number, pieces in whole.items()}


def _vote(pieces: Sequence[Sequence[int | None]]) -> list[int | None]:
    voted: list[int | None] = []
    for column in zip(*pieces, strict=True):
        votes = Counter(byte for byte in column if byte is not None)
        voted.append(votes.most_common(1)[0][0] if votes else None)
    return voted


def _missing() -> MalformedInput:
    return MalformedInput("WATERMARK_MISSING", "the document has no watermark of this installation")
