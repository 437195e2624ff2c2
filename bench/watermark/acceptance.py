"""What is taken for a watermark, or for the marked text, that is none: counted over many documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from bench.watermark.changes import CHANGES, changes_of
from bench.watermark.marking import KEY, mark
from bench.watermark.specimens import Specimen, read_text
from contract.watermark.channels import Channel, Track
from contract.watermark.documents import open_document
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from mpc.errors import MalformedInput

_CHARACTERS: Final = 400
_WITH_ORIGINAL: Final = 10
"""One of so many is read with an original beside it, too."""


class Sheet:
    """The tracks of a document that nobody has to write to a file: ten thousand take their time."""

    channels: Sequence[Channel] = tuple(Channel)
    usual_channels: Sequence[Channel] = tuple(Channel)
    remarks: Sequence[str] = ()

    def __init__(self, chance: Random, level: Callable[[Channel], int]) -> None:
        self.text = "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(_CHARACTERS))
        self.tracks: Mapping[Channel, Track] = {
            each: Track(range(_CHARACTERS - 1), [level(each) for _ in range(_CHARACTERS - 1)]) for each in Channel
        }

    def marked(self, levels: Mapping[Channel, Sequence[int | None]]) -> bytes:
        """Keep these levels; there is no file."""
        self.tracks = {
            channel: Track(track.places, [*levels.get(channel, ()), *track.levels[len(levels.get(channel, ())) :]])
            for channel, track in self.tracks.items()
        }
        return b""


def _by_chance(chance: Random) -> Sheet:
    return Sheet(chance, lambda channel: chance.getrandbits(channel.bits))


def _unmarked(chance: Random) -> Sheet:
    """Words in colours, as people write."""
    colours = [chance.getrandbits(3) for _ in range(3)]

    def level(channel: Channel) -> int:
        return chance.choice(colours) if channel is Channel.COLOUR and not chance.randrange(9) else 0

    return Sheet(chance, level)


def _of_others(chance: Random) -> Sheet:
    """Marked by another authority."""
    sheet = Sheet(chance, lambda _: 0)
    mark(sheet, (), chance.randrange(1, 1000), WatermarkKey(chance.randbytes(32)))
    return sheet


FOREIGN: Final = {"levels by chance": _by_chance, "of another authority": _of_others, "unmarked": _unmarked}


def accepted(kind: str, first: int, count: int) -> int:
    """How many of these documents are taken for ours.

    Args:
        kind: one of ``FOREIGN``.
        first: seed of the first; the others follow.
        count: of them.
    """
    taken = 0
    for seed in range(first, first + count):
        sheet = FOREIGN[kind](Random(f"{kind} {seed}"))  # noqa: S311
        taken += _is_taken(sheet, None)
        if seed % _WITH_ORIGINAL == 0:
            taken += _is_taken(sheet, sheet)
    return taken


def _is_taken(sheet: Sheet, original: Sheet | None) -> bool:
    try:
        extract(sheet, KEY, original)
    except MalformedInput:
        return False
    return True


def unnoticed(specimen: Specimen, first: int, step: int) -> tuple[int, int]:
    """Change one character after the other, each time in the file as it was marked: kinds of changes take turns.

    Args:
        specimen: whose characters are changed, their format kept.
        first: of them, from 0.
        step: from one to the next.

    Returns:
        How often the text is said to be the one that was marked, and how often tried. Spaces in a PDF are not counted.
    """
    changes = changes_of(specimen.kind.extension, specimen.embedded.file)
    seen = _seen(specimen.embedded.file)
    intact = tried = 0
    for place in range(first, changes.places, step):
        file = changes.make(place, CHANGES[place % len(CHANGES)])
        taken = _is_intact(file)
        if not taken or _seen(file) != seen:
            intact, tried = intact + taken, tried + 1
    return intact, tried


def _seen(file: bytes) -> str:
    """The text without white space, as others read it: python-docx, and pdftotext of poppler."""
    return "".join(read_text(file).split())


def _is_intact(file: bytes) -> bool:
    try:
        return extract(open_document(file), KEY).intact
    except MalformedInput:
        return False
