"""What is left of a watermark after an attack: counted for each file, read alone and with the original beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from random import Random

from bench.watermark.attacks import Attack
from bench.watermark.marking import KEY
from bench.watermark.specimens import Kind, Specimen
from bench.watermark.workshop import Workshop
from contract.watermark.alignment import align
from contract.watermark.channels import Channel, Document
from contract.watermark.code import SLICE_BYTES
from contract.watermark.documents import open_document
from contract.watermark.extraction import extract
from contract.watermark.frames import scan
from mpc.errors import MalformedInput


@dataclass(frozen=True, slots=True)
class Reading:
    """One attempt to read a watermark.

    Args:
        right: whether it was read, and says what was put in.
        refusal: the reason, if it was not read.
        corrected: bytes of the code.
        erased: bytes of the code.
        intact: whether the text was said to be the one that was marked.
    """

    right: bool
    refusal: str = ""
    corrected: int = 0
    erased: int = 0
    intact: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One attacked file.

    Args:
        wrong: bits of levels that are wrong, of characters that are still there, by channel.
        compared: bits that there are to be compared, by channel.
        unknown: bits of characters that are still there, but could not be measured, by channel.
        frames: that are whole.
        alone: read from the file alone.
        informed: read with the original.
    """

    wrong: Mapping[str, int]
    compared: Mapping[str, int]
    unknown: Mapping[str, int]
    frames: int
    alone: Reading
    informed: Reading


@dataclass(frozen=True, slots=True)
class Row:
    """All trials of an attack on one contract.

    Args:
        attack: that was made.
        kind: of the files.
        text: name of it.
        frames: that were put in.
        trials: none if a program is missing.
        missing: programs.
    """

    attack: Attack
    kind: Kind
    text: str
    frames: int
    trials: tuple[Trial, ...]
    missing: tuple[str, ...] = ()


def attempt(workshop: Workshop, attack: Attack, specimens: Sequence[Specimen], executor: Executor) -> Row:
    """Attack marked contracts, and see what is left of each."""
    first = specimens[0]
    frames = first.embedded.plan.capacity.total // (8 * SLICE_BYTES)
    missing = tuple(workshop.lacks(attack.needs))
    if missing:
        return Row(attack, first.kind, first.text, frames, (), missing)
    chance = Random(f"{attack.name} {first.kind.name} {first.text}")  # noqa: S311  # a run repeats the last one
    files = attack.carry_out(workshop, [each.embedded.file for each in specimens], chance)
    return Row(attack, first.kind, first.text, frames, tuple(executor.map(examine, specimens, files)))


def examine(specimen: Specimen, file: bytes) -> Trial:
    """Read an attacked file."""
    try:
        document = open_document(file)
    except MalformedInput as error:
        lost = Reading(right=False, refusal=error.reason)
        return Trial({}, {}, {}, 0, lost, lost)
    original = open_document(specimen.plain)
    counts = {each.value: _compare(document, specimen, original, each) for each in specimen.kind.channels}
    return Trial(
        {name: wrong for name, (wrong, _, _) in counts.items()},
        {name: compared for name, (_, compared, _) in counts.items()},
        {name: unknown for name, (_, _, unknown) in counts.items()},
        sum(1 for each, track in document.tracks.items() for _ in scan(track.levels, each.bits, KEY)),
        _read(document, None, specimen),
        _read(document, original, specimen),
    )


def _read(document: Document, original: Document | None, specimen: Specimen) -> Reading:
    try:
        found = extract(document, KEY, original)
    except MalformedInput as error:
        return Reading(right=False, refusal=error.reason)
    right = found.payload == specimen.embedded.payload
    return Reading(right, "", found.corrected, found.erased, found.intact)


def _compare(document: Document, specimen: Specimen, original: Document, channel: Channel) -> tuple[int, int, int]:
    """Bits of levels that are wrong, all that can be compared, and all that cannot; of the characters in both files."""
    marked, found = open_document(specimen.embedded.file).tracks[channel], document.tracks.get(channel)
    wanted = dict(zip(marked.places, marked.levels, strict=True))
    origins = align(original.text, document.text).origins()
    known = {} if found is None else dict(zip(found.places, found.levels, strict=True))
    wrong = compared = unknown = 0
    for place, origin in enumerate(origins):
        right = None if origin is None else wanted.get(origin)
        level = known.get(place)
        if right is None:
            continue
        if level is None:
            unknown += channel.bits
        else:
            compared += channel.bits
            wrong += (level ^ right).bit_count()
    return wrong, compared, unknown
