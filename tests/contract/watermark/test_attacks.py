"""A watermark in a real DOCX, and what is done to it: what survives, what is found, what is never believed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import docx
import pytest

from contract.documents.text import canonical_text
from contract.watermark.channels import Channel, Document, Track
from contract.watermark.code import MESSAGE_BYTES
from contract.watermark.docx.document import DocxDocument
from contract.watermark.embedding import Embedded, embed
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import SignatureLayer
from mpc.errors import MalformedInput
from tests.contract.watermark.contracts import CHINESE, ENGLISH, make_docx, read_text
from tests.contract.watermark.editing import edited, with_text, without_characters, without_paragraphs

KEY = WatermarkKey(bytes(range(32)))
TIME = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
SIGNATURES = (bytes(range(64)), bytes(range(64, 128)))
FILES = {"chinese": make_docx(CHINESE), "english": make_docx(ENGLISH)}
ORIGINALS = {name: DocxDocument(data) for name, data in FILES.items()}


def marked(name: str, *channels: Channel) -> Embedded:
    """A contract with its watermark."""
    return embed(ORIGINALS[name], KEY, serial=118, time=TIME, signatures=SIGNATURES, channels=channels)


BOTH = (Channel.COLOUR, Channel.SPACING)
MARKED = {name: marked(name, *BOTH) for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_watermark_is_read_and_changes_no_text(name: str) -> None:
    """By itself, and with the original; the text is the same for us and for python-docx, and so are its paragraphs."""
    embedded, data = MARKED[name], MARKED[name].file
    document = DocxDocument(data)
    assert document.text == ORIGINALS[name].text
    assert read_text(data) == read_text(FILES[name])
    assert embedded.payload.layer is SignatureLayer.WHOLE
    blind, found = extract(document, KEY), extract(document, KEY, ORIGINALS[name])
    for each in (blind, found):
        assert (each.payload, each.intact, each.corrected) == (embedded.payload, True, 0)
    slices = sum(found.frames.values())
    assert found.erased == 3 * 255 - 17 * slices, "no slice is there twice where there is not room for all"
    assert slices == embedded.plan.capacity.total // (8 * 17)
    assert (found.payload.serial, found.payload.time, found.payload.entries) == (118, TIME, SIGNATURES)
    assert found.payload.digest == hashlib.sha256(canonical_text(document.text).encode()).digest()
    assert found.alignment is not None
    assert found.alignment.alterations() == []


@pytest.mark.parametrize("channel", BOTH)
def test_one_channel_is_enough(channel: Channel) -> None:
    """Used alone it carries the signatures' digests, with more than 1 net bit a character."""
    embedded = marked("chinese", channel)
    assert embedded.plan.payload > len("".join(CHINESE)) == 863
    assert extract(DocxDocument(embedded.file), KEY).payload == embedded.payload
    assert embedded.payload.entries == tuple(hashlib.sha256(each).digest() for each in SIGNATURES)


def test_spacing_is_left_alone_unless_it_is_asked_for() -> None:
    """It moves the ends of lines. What is embedded by itself has the same spacing as before."""
    embedded = marked("chinese")
    assert embedded.file == marked("chinese", Channel.COLOUR).file
    assert set(DocxDocument(embedded.file).tracks[Channel.SPACING].levels) == {0}


def test_signatures_go_in_whole_where_many_characters_may_be_lost() -> None:
    """There is room for them by colours alone, but not for the tenth of the characters that may be deleted."""
    embedded = marked("chinese", Channel.COLOUR)
    assert embedded.plan.capacity.total > 8 * 3 * MESSAGE_BYTES * 6 / 5
    assert embedded.plan.layer is SignatureLayer.DIGESTS
    cut = DocxDocument(without_characters(embedded.file, 0.1, random.Random(2)))  # noqa: S311
    assert extract(cut, KEY, ORIGINALS["chinese"]).payload == embedded.payload
    assert marked("english", Channel.COLOUR).plan.layer is SignatureLayer.WHOLE


@pytest.mark.parametrize("channel", BOTH)
def test_one_channel_alone_survives_deletions(channel: Channel) -> None:
    """What stands in the other one, unmarked, is not taken for a part of the watermark."""
    embedded = marked("chinese", channel)
    cut = DocxDocument(without_characters(embedded.file, 0.05, random.Random(1)))  # noqa: S311
    found = extract(cut, KEY, ORIGINALS["chinese"])
    assert found.payload == embedded.payload
    assert found.corrected < 5, "a level that an alignment gave to the character beside it, now and then"


def test_watermark_survives_the_loss_of_a_channel() -> None:
    """All text is made black: the spacing alone, with the original for what is altered, still has the watermark."""

    def blacken(document: docx.document.Document) -> None:
        for paragraph in document.paragraphs:
            for run in paragraph.runs:
                run.font.color.rgb = docx.shared.RGBColor(0, 0, 0)

    long = DocxDocument(make_docx(CHINESE * 2))
    data = embed(long, KEY, serial=118, time=TIME, signatures=SIGNATURES, channels=BOTH).file
    found = extract(DocxDocument(edited(data, blacken)), KEY)
    assert found.intact
    assert found.frames[Channel.COLOUR] == 0


@pytest.mark.parametrize("name", FILES)
def test_watermark_survives_deletions(name: str) -> None:
    """One character of ten is gone, everywhere: the original says where, and the digest that something is."""
    cut = DocxDocument(without_characters(MARKED[name].file, 0.1, random.Random(name)))  # noqa: S311  # what is lost is no secret
    found = extract(cut, KEY, ORIGINALS[name])
    assert found.payload == MARKED[name].payload
    assert not found.intact
    assert not found.of_another_document
    assert found.alignment is not None
    deleted = sum(len(each.before) - len(each.after) for each in found.alignment.alterations())
    assert deleted == len(ORIGINALS[name].text) - len(cut.text) > 60


def test_watermark_survives_the_removal_of_a_clause() -> None:
    """Without the original too; with it, the clause is named."""
    cut = DocxDocument(without_paragraphs(MARKED["chinese"].file, 9))
    assert not extract(cut, KEY).intact
    found = extract(cut, KEY, ORIGINALS["chinese"])
    assert found.payload == MARKED["chinese"].payload
    assert found.alignment is not None
    altered = found.alignment.alterations()
    assert ["".join(each.before.split()) for each in altered] == ["".join(CHINESE[9].split())]
    assert altered[0].after == ""


def test_watermark_survives_cropping() -> None:
    """The first three and the last paragraphs are gone, and there is no original."""
    cropped = DocxDocument(without_paragraphs(MARKED["chinese"].file, 0, 1, 2, len(CHINESE) - 1))
    assert extract(cropped, KEY).payload == MARKED["chinese"].payload


def test_watermark_survives_wrong_levels() -> None:
    """One in each frame but the first and the last: no other one is whole, and what must be there is guessed."""
    document = DocxDocument(MARKED["chinese"].file)
    noisy = {channel: list(track.levels) for channel, track in document.tracks.items()}
    wrong = 0
    for channel, levels in noisy.items():
        for at in range(2 * channel.frame_places - 1, len(levels) - 2 * channel.frame_places, channel.frame_places):
            levels[at] = (levels[at] or 0) ^ 1
            wrong += 1
    found = extract(DocxDocument(document.marked(noisy)), KEY)
    assert found.intact
    assert sum(found.frames.values()) < 8
    assert found.corrected == wrong


@pytest.mark.parametrize(("before", "after"), [("壹", "玖"), ("肆", "柒"), ("起", "止")])
def test_one_changed_character_is_found(before: str, after: str) -> None:
    """Its format is kept, so the watermark is whole; its digest is not the text's, and the original names the place."""
    forged = DocxDocument(with_text(MARKED["chinese"].file, before, after))
    assert not extract(forged, KEY).intact
    found = extract(forged, KEY, ORIGINALS["chinese"])
    assert not found.intact
    assert not found.of_another_document
    assert found.alignment is not None
    assert [(each.before, each.after) for each in found.alignment.alterations()] == [(before, after)]
    text = ORIGINALS["chinese"].text
    altered = found.alignment.alterations()[0]
    assert text[altered.place] == before
    assert altered.paragraph == text.count("\n", 0, altered.place) + 1


def test_watermark_of_another_document_is_found() -> None:
    """Moved character by character: it is read, and says that it is not this text's."""
    source = DocxDocument(MARKED["chinese"].file)
    levels = {channel: track.levels for channel, track in source.tracks.items()}
    moved = DocxDocument(DocxDocument(make_docx(ENGLISH * 2)).marked(levels))
    found = extract(moved, KEY)
    assert found.payload == MARKED["chinese"].payload
    assert not found.intact
    named = extract(moved, KEY, ORIGINALS["chinese"])
    assert named.of_another_document
    other = extract(moved, KEY, ORIGINALS["english"])
    assert other.original_is_marked is False


def test_original_of_another_document_is_not_believed() -> None:
    """A watermark that is whole is read all the same, and the original is said to be wrong."""
    found = extract(DocxDocument(MARKED["english"].file), KEY, ORIGINALS["chinese"])
    assert (found.intact, found.original_is_marked, found.of_another_document) == (True, False, False)


def test_document_with_a_watermark_gets_no_second_one() -> None:
    """Nor does one with a part of ours, or with anybody else's."""
    part = make_docx(["Cover", *ENGLISH])
    whole, other = DocxDocument(MARKED["english"].file), DocxDocument(part)
    colour = Channel.COLOUR
    few = {colour: whole.tracks[colour].levels[: 3 * colour.frame_places]}
    for document, key in (
        (whole, KEY),
        (whole, WatermarkKey(bytes(32))),
        (DocxDocument(other.marked(few)), KEY),
    ):
        with pytest.raises(MalformedInput) as refused:
            embed(document, key, serial=1, time=TIME)
        assert refused.value.reason == "WATERMARK_PRESENT"


def test_document_too_short_is_refused_with_both_numbers() -> None:
    """What is needed is that of the least that goes in: with signatures, their digests."""
    for signatures, needed in (((), "615"), (SIGNATURES, "1229"), ((bytes(512),), "1229")):
        with pytest.raises(MalformedInput) as refused:
            embed(ORIGINALS["english"], KEY, serial=1, time=TIME, signatures=signatures, channels=(Channel.SPACING,))
        assert refused.value.reason == "DOCUMENT_TOO_SHORT"
        assert refused.value.metadata == {"needed": needed, "available": "408"}


class Foreign:
    """A document of somebody else, formatted letter by letter."""

    def __init__(self, chance: random.Random) -> None:
        self.text = "x" * 200
        self.channels = self.usual_channels = tuple(Channel)
        self.remarks = ()
        self.tracks: Mapping[Channel, Track] = {
            each: Track(range(200), [chance.getrandbits(each.bits) for _ in range(200)]) for each in Channel
        }

    def marked(self, _: Mapping[Channel, Sequence[int | None]]) -> bytes:
        """Not asked for."""
        raise NotImplementedError


def test_no_foreign_document_is_accepted() -> None:
    """None of 2,000 by chance, none without marks, none of another installation; with an original neither."""
    chance = random.Random(5)  # noqa: S311
    documents: list[Document] = [Foreign(chance) for _ in range(2000)]
    documents += [*ORIGINALS.values(), *(DocxDocument(each.file) for each in MARKED.values())]
    for document in documents:
        with pytest.raises(MalformedInput) as refused:
            extract(document, WatermarkKey(b"another installation's key here!"))
        assert refused.value.reason == "WATERMARK_MISSING"
    with pytest.raises(MalformedInput) as refused:
        extract(ORIGINALS["chinese"], KEY, ORIGINALS["chinese"])
    assert refused.value.reason == "WATERMARK_MISSING"


def test_what_is_left_of_a_watermark_is_called_damaged() -> None:
    """A few frames are there, and too few to read it."""
    rest = DocxDocument(without_paragraphs(MARKED["chinese"].file, *range(11)))
    with pytest.raises(MalformedInput) as refused:
        extract(rest, KEY)
    assert refused.value.reason == "WATERMARK_DAMAGED"
