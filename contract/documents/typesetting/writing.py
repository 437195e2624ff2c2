"""The PDF around the pages: fonts, outline, structure (ISO 32000-1, 14.7), title and language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

from pikepdf import Array, Dictionary, Name, Object, ObjectStreamMode, OutlineItem, Pdf, String
from pikepdf import Page as PdfPage

from contract.documents.typesetting.faces import Faces
from contract.documents.typesetting.pages import HEIGHT, WIDTH, Page, Part

_VERSION: Final = "1.7"
_PRODUCER: Final = "Fourseal"


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the document's outline.

    Args:
        title: to be shown.
        level: how deep it lies, from 0.
        page: its number, from 0.
        y: where on the page, in points from the upper edge.
    """

    title: str
    level: int
    page: int
    y: float


@dataclass(frozen=True, slots=True)
class About:
    """What a PDF says of itself.

    Args:
        title: of the document.
        language: of its text (RFC 5646).
        time: when it was made; None if it says nothing of that.
    """

    title: str
    language: str
    time: datetime | None


def write(pages: Sequence[Page], document: Part, bookmarks: Sequence[Bookmark], faces: Faces, about: About) -> bytes:
    """Write a document. The same arguments give the same bytes.

    Args:
        pages: complete.
        document: the root of its structure.
        bookmarks: in the order of the text.
        faces: that the pages are set in.
        about: what it says of itself.
    """
    pdf = Pdf.new()
    resources = pdf.make_indirect(faces.embed(pdf))
    for page in pages:
        made = Dictionary(
            Type=Name.Page,
            MediaBox=Array([0, 0, WIDTH, HEIGHT]),
            Resources=resources,
            Contents=pdf.make_stream(page.written()),
            StructParents=page.number,
            Tabs=Name.S,
        )
        pdf.pages.append(PdfPage(pdf.make_indirect(made)))
    _write_outline(pdf, bookmarks)
    _write_structure(pdf, document, len(pages))
    pdf.Root.Lang = String(about.language)
    pdf.Root.MarkInfo = Dictionary(Marked=True)
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    pdf.docinfo[Name.Title] = String(about.title)
    pdf.docinfo[Name.Producer] = String(_PRODUCER)
    if about.time is not None:
        pdf.docinfo[Name.CreationDate] = String(f"D:{about.time:%Y%m%d%H%M%S}Z")
    written = BytesIO()
    pdf.save(written, min_version=_VERSION, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)
    return written.getvalue()


def _write_outline(pdf: Pdf, bookmarks: Sequence[Bookmark]) -> None:
    if not bookmarks:
        return
    with pdf.open_outline() as outline:
        above: list[tuple[int, OutlineItem]] = []
        for each in bookmarks:
            item = OutlineItem(each.title, each.page, "XYZ", left=0, top=round(HEIGHT - each.y), zoom=0)
            while above and above[-1][0] >= each.level:
                above.pop()
            (above[-1][1].children if above else outline.root).append(item)
            above.append((each.level, item))


def _write_structure(pdf: Pdf, document: Part, pages: int) -> None:
    parents: list[dict[int, Object]] = [{} for _ in range(pages)]
    root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    root.K = Array([_element(pdf, document, root, parents)])
    numbers = Array()
    for page, marked in enumerate(parents):
        numbers.append(page)
        numbers.append(pdf.make_indirect(Array([marked[each] for each in range(len(marked))])))
    root.ParentTree = pdf.make_indirect(Dictionary(Nums=numbers))
    root.ParentTreeNextKey = pages
    pdf.Root.StructTreeRoot = root


def _element(pdf: Pdf, part: Part, above: Object, parents: list[dict[int, Object]]) -> Object:
    element = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name(f"/{part.tag}"), P=above))
    spans = {"/ColSpan": part.columns, "/RowSpan": part.rows}
    if any(each > 1 for each in spans.values()):
        element.A = Dictionary({"/O": Name.Table, **spans})
    kids = Array()
    for page, marked in part.content:
        kids.append(Dictionary(Type=Name.MCR, Pg=pdf.pages[page].obj, MCID=marked))
        parents[page][marked] = element
    kids.extend(_element(pdf, each, element, parents) for each in part.parts)
    element.K = kids
    return element
