"""A watermark in a real PDF: what is read, what survives, what is found, and that nobody sees it."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pikepdf
import pytest

from contract.documents.text import canonical_text
from contract.watermark.capacity import Capacity
from contract.watermark.channels import Channel, Document
from contract.watermark.documents import open_document
from contract.watermark.embedding import Embedded, embed
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import SignatureLayer
from contract.watermark.pdf.document import PdfDocument
from contract.watermark.pdf.interpreter import painted_pages
from contract.watermark.pdf.objects import Objects
from mpc.errors import MalformedInput
from tests.contract.watermark.contracts import CHINESE, ENGLISH, make_docx
from tests.contract.watermark.pdfs import (
    REWRITERS,
    by_hand,
    converted,
    drawn,
    make_pdf,
    make_plain_pdf,
    pdf_text,
    rewritten,
    with_content,
    without_characters,
)

KEY = WatermarkKey(bytes(range(32)))
TIME = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
SIGNATURES = (bytes(range(64)), bytes(range(64, 128)))
MAKERS: dict[str, Callable[[], bytes]] = {
    "chinese": lambda: make_pdf(CHINESE),
    "english": lambda: make_pdf(ENGLISH),
    "plain": lambda: make_plain_pdf(ENGLISH),
}
TEXTS = {"chinese": CHINESE, "english": ENGLISH, "plain": ENGLISH}
IN_DOCX = (Channel.COLOUR, Channel.SPACING)


@cache
def original(name: str) -> tuple[bytes, PdfDocument]:
    """A contract before it is marked."""
    data = MAKERS[name]()
    return data, PdfDocument(data)


@cache
def marked(name: str, *channels: Channel) -> Embedded:
    """A contract with its watermark."""
    return _embed(original(name)[1], *channels)


def _embed(document: Document, *channels: Channel) -> Embedded:
    return embed(document, KEY, serial=118, time=TIME, signatures=SIGNATURES, channels=channels)


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(MalformedInput) as refused:
        call()
    return refused.value.reason


@pytest.mark.parametrize("name", MAKERS)
def test_watermark_is_read_and_changes_no_text(name: str, tmp_path: Path) -> None:
    """By itself, and with the original of either format; the text is the contract's, for us and for poppler."""
    data, before = original(name)
    embedded = marked(name)
    assert canonical_text(before.text) == canonical_text("\n".join(TEXTS[name]))
    document = open_document(embedded.file)
    assert document.text == before.text
    assert pdf_text(embedded.file, tmp_path) == pdf_text(data, tmp_path)
    assert embedded.plan.layer is SignatureLayer.WHOLE
    assert embedded.plan.payload > len("".join(CHINESE)), "more than one net bit a character"
    for other in (None, before, open_document(make_docx(TEXTS[name]))):
        found = extract(document, KEY, other)
        assert (found.payload, found.intact, found.corrected) == (embedded.payload, True, 0)
        assert other is None or (found.alignment is not None and found.alignment.alterations() == [])
        assert found.original_is_marked in (None, True)
    slices = embedded.plan.capacity.total // (8 * 17)
    assert sum(extract(document, KEY).frames.values()) == slices
    assert embedded.payload.digest == hashlib.sha256(canonical_text(document.text).encode()).digest()
    assert embedded.file == _embed(PdfDocument(data)).file, "the same bytes each time"


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_moves_that_anybody_sees(name: str) -> None:
    """No character stands further than 12 thousandths of its size from where it stood, at the ends of lines neither."""
    places = [
        [show.place(at) for shows in painted_pages(Objects(each)) for show in shows for at in range(len(show.glyphs))]
        for each in (original(name)[0], marked(name).file)
    ]
    assert len(places[0]) == len(places[1])
    moved = [math.dist(before, after) for before, after in zip(*places, strict=True)]
    assert 0.02 < max(moved) < 0.0121 * 11
    assert 0.5 * len(moved) < sum(each > 0.01 for each in moved)


@pytest.mark.parametrize(("channel", "layer"), [(Channel.COLOUR, 1), (Channel.KERNING, 2)])
def test_one_channel_is_enough(channel: Channel, layer: int) -> None:
    """The signatures fit by colours, their digests by kerning."""
    embedded = _embed(original("english")[1], channel)
    assert embedded.plan.layer == layer
    found = extract(PdfDocument(embedded.file), KEY)
    assert found.intact
    assert found.payload == embedded.payload
    assert [each for each, count in found.frames.items() if count] == [channel]


def test_channels_that_a_document_does_not_have_carry_nothing() -> None:
    """Spacing is what word processors say; in a PDF it is only read."""
    for document, foreign in (
        (original("chinese")[1], Channel.SPACING),
        (open_document(make_docx(CHINESE)), Channel.KERNING),
    ):
        assert Capacity.of(document, (foreign,)).available == {}
        assert _refused(lambda: _embed(document, foreign)) == "DOCUMENT_TOO_SHORT"  # noqa: B023  # called at once


@pytest.mark.parametrize("by", REWRITERS)
@pytest.mark.parametrize("name", ["chinese", "plain"])
def test_watermark_survives_other_programs(name: str, by: str, tmp_path: Path) -> None:
    """Every frame of both channels, and the text."""
    data = rewritten(marked(name).file, by, tmp_path)
    found = extract(PdfDocument(data), KEY)
    assert found.payload == marked(name).payload
    assert found.intact
    assert sum(found.frames.values()) >= marked(name).plan.capacity.total // (8 * 17) - 1


@pytest.fixture(scope="module")
def converted_contract(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A DOCX that is marked in both channels, as LibreOffice sets it."""
    return converted(_embed(open_document(make_docx(CHINESE)), *IN_DOCX).file, tmp_path_factory.mktemp("converted"))


def test_watermark_of_a_docx_survives_its_conversion(converted_contract: bytes) -> None:
    """Colours come through as they are, spacing is measured; the digest of the text is the same."""
    docx = make_docx(CHINESE)
    embedded = _embed(open_document(docx), *IN_DOCX)
    document = PdfDocument(converted_contract)
    blind = extract(document, KEY)
    assert (blind.payload, blind.intact) == (embedded.payload, True)
    found = extract(document, KEY, open_document(docx))
    assert found.intact
    assert found.alignment is not None
    assert found.alignment.alterations() == []
    wanted, measured = (each.tracks[Channel.SPACING] for each in (open_document(embedded.file), document))
    pairs = [pair for pair in zip(wanted.levels, measured.levels, strict=True) if pair[1] is not None]
    assert len(pairs) > 0.9 * len(wanted.levels)
    assert sum(one == other for one, other in pairs) > 0.95 * len(pairs)


def test_watermark_survives_the_loss_of_a_channel() -> None:
    """All text is made black, by whoever sets each colour anew: the kerning alone still has it, in a long text."""
    document = PdfDocument(make_pdf(CHINESE * 5))
    embedded = _embed(document)
    data = with_content(embedded.file, lambda content: re.sub(rb"[\d.]+ [\d.]+ [\d.]+ rg", b"0 0 0 rg", content))
    found = extract(PdfDocument(data), KEY)
    assert (found.payload, found.intact, found.frames[Channel.COLOUR]) == (embedded.payload, True, 0)


def test_watermark_survives_deletions() -> None:
    """One character of ten is gone, everywhere: the original says where; as DOCX, which knows no kerning, one of 25."""
    originals = ((original("chinese")[1], 0.1), (open_document(make_docx(CHINESE)), 0.04))
    for before, share in originals:
        cut = PdfDocument(without_characters(marked("chinese").file, share, random.Random(7)))  # noqa: S311  # no secret
        found = extract(cut, KEY, before)
        assert found.payload == marked("chinese").payload
        assert not found.intact
        assert not found.of_another_document
        assert found.alignment is not None
        deleted = sum(len(each.before) - len(each.after) for each in found.alignment.alterations())
        assert deleted > 500 * share


def test_watermark_survives_the_removal_of_lines() -> None:
    """Blind too; with the original, what is gone is named."""

    def cut(content: bytes) -> bytes:
        lines = list(re.finditer(rb"BT.*?ET", content, re.DOTALL))
        return content[: lines[20].start()] + content[lines[22].end() :]

    document = PdfDocument(with_content(marked("chinese").file, cut))
    assert extract(document, KEY).payload == marked("chinese").payload
    found = extract(document, KEY, original("chinese")[1])
    assert found.alignment is not None
    altered = found.alignment.alterations()
    assert [each.after.strip() for each in altered] == [""]
    assert len(altered[0].before) > 60


def test_one_changed_character_is_found() -> None:
    """Its place and colour are kept, so the watermark is whole: the digest says so, and the original names it."""
    amount = rb"<%02x>" % ord("3")

    def forge(content: bytes) -> bytes:
        assert amount in content
        return content.replace(amount, b"<%02x>" % ord("9"), 1)

    forged = with_content(marked("plain").file, forge)
    document = PdfDocument(forged)
    assert not extract(document, KEY).intact
    found = extract(document, KEY, original("plain")[1])
    assert found.alignment is not None
    assert [(each.before, each.after) for each in found.alignment.alterations()] == [("3", "9")]


def test_watermark_of_another_document_is_found() -> None:
    """Moved character by character: it is read, and says that it is not this text's."""
    source = PdfDocument(marked("chinese").file)
    levels = {channel: source.tracks[channel].levels for channel in source.channels}
    moved = PdfDocument(PdfDocument(make_pdf(ENGLISH * 2)).marked(levels))
    found = extract(moved, KEY)
    assert found.payload == marked("chinese").payload
    assert not found.intact
    assert extract(moved, KEY, original("chinese")[1]).of_another_document


def test_document_with_a_watermark_gets_no_second_one(converted_contract: bytes) -> None:
    """Nor does one of somebody else, nor a DOCX that was converted."""
    for data in (marked("chinese").file, marked("plain", Channel.COLOUR).file, converted_contract):
        for key in (KEY, WatermarkKey(bytes(32))):
            assert _refused(lambda: embed(PdfDocument(data), key, serial=1, time=TIME)) == "WATERMARK_PRESENT"  # noqa: B023
    kerning = _embed(PdfDocument(make_pdf(CHINESE * 3)), Channel.KERNING)
    foreign = WatermarkKey(bytes(32))
    assert _refused(lambda: embed(PdfDocument(kerning.file), foreign, serial=1, time=TIME)) == "WATERMARK_PRESENT"


def test_lines_spread_letter_by_letter_are_no_watermark() -> None:
    """Their gaps are anything, differ from line to line, and say nothing."""
    chance = random.Random(3)  # noqa: S311  # no secret

    def spread(canvas: object) -> None:
        text = canvas.beginText(72, 750)  # type: ignore[attr-defined]
        text.setFont("Helvetica", 10)
        for _ in range(50):
            for letter in "The seller delivers the machine on the first day of the month":
                text.setCharSpace(chance.uniform(0, 0.4))
                text.textOut(letter)
            text.textLine("")
        canvas.drawText(text)  # type: ignore[attr-defined]

    document = PdfDocument(drawn(spread))
    known = [each for each in document.tracks[Channel.KERNING].levels if each is not None]
    assert known
    embedded = _embed(document)
    assert extract(PdfDocument(embedded.file), KEY).intact


def test_form_that_is_shown_twice_is_marked_twice() -> None:
    """Each time with other levels: it becomes two forms, and the text stays."""

    def make(pdf: pikepdf.Pdf) -> None:
        lines = b"".join(b"(%s)' " % line.encode() for line in LINES)
        form = pdf.make_stream(b"BT /F 10 Tf 14 TL 0 0 Td " + lines + b"ET")
        form["/Subtype"], form["/BBox"] = pikepdf.Name.Form, [0, -400, 600, 20]
        form["/Resources"] = pdf.pages[0].obj["/Resources"]
        pdf.pages[0].obj["/Resources"]["/XObject"] = pikepdf.Dictionary(X=form)

    data = by_hand(b"q 1 0 0 1 50 750 cm /X Do Q q 1 0 0 1 50 370 cm /X Do Q", make)
    document = PdfDocument(data)
    embedded = embed(document, KEY, serial=7, time=TIME)
    found = PdfDocument(embedded.file)
    assert found.text == document.text == " ".join(LINES + LINES)
    read = extract(found, KEY)
    assert read.intact
    assert read.erased == 255 - 17 * min(15, sum(read.frames.values()))


LINES = tuple(f"{number}. The seller delivers part {number} on day {number} of month {number}." for number in range(24))


def test_earlier_revision_with_another_text_is_reported() -> None:
    """What a signature of the earlier one covered is not what is shown now; what changes no text is not reported."""
    content = b"BT /F 12 Tf 72 700 Td (The price is 10) Tj ET"
    first = by_hand(content)
    assert PdfDocument(_appended(first, content)).remarks == ()
    later = PdfDocument(_appended(first, content.replace(b"10", b"90")))
    assert later.text == "The price is 90"
    assert later.remarks == ("an earlier revision in the file has another text",)


def _appended(data: bytes, content: bytes) -> bytes:
    """An incremental update: its page's content is replaced by one that is appended."""
    number = int(re.findall(rb"/Contents (\d+) 0 R", data)[0])
    at = len(data) + 1
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    size, root = (re.findall(rb"/%s (\d+)" % key, data)[-1] for key in (b"Size", b"Root"))
    stream = b"\n%d 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n" % (number, len(content), content)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
    trailer = b"trailer\n<</Size %s/Root %s 0 R/Prev %d>>\n" % (size, root, start)
    return data + stream + table + trailer + b"startxref\n%d\n%%%%EOF\n" % (len(data) + len(stream))
