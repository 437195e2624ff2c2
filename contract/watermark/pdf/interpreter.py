"""Pages as they are painted: every string that is shown, in the order of the content (ISO 32000, 7.7.3 and 7.8)."""

from __future__ import annotations

from collections.abc import Iterator

import pikepdf

from contract.watermark.pdf.canvas import Canvas, page_box
from contract.watermark.pdf.objects import Objects, numbers_of
from contract.watermark.pdf.painter import Painter
from contract.watermark.pdf.resources import Shared
from contract.watermark.pdf.shows import Show, Source


def painted_pages(objects: Objects) -> Iterator[list[Show]]:
    """What is shown on each page of a file.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE, DOCUMENT_UNREADABLE, DOCUMENT_DECEPTIVE.
    """
    shared = Shared(objects)
    for number, page in enumerate(objects.pdf.pages):
        canvas = Canvas(page_box(numbers_of(page.obj.get("/MediaBox")), numbers_of(page.obj.get("/CropBox"))))
        painter = Painter(shared, canvas)
        resources = page.obj.get("/Resources", pikepdf.Dictionary())
        painter.paint(Source(_content(objects, page.obj), number, resources))
        canvas.finish()
        yield painter.shows


def _content(objects: Objects, page: pikepdf.Object) -> bytes:
    content = page.get("/Contents")
    if content is None:
        return b""
    return b"\n".join(objects.read(each) for each in (content if isinstance(content, pikepdf.Array) else [content]))
