"""A PDF with other content streams: those in which something changed, and the forms that they show."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from typing import Final

import pikepdf

from contract.watermark.pdf.objects import Objects
from contract.watermark.pdf.shows import Show, Source

_ABOUT_CONTENT: Final = ("/Length", "/Filter", "/DecodeParms")

Edit = tuple[int, int, bytes]


class Writer:
    """Writes the file again, with other operators in its pages.

    Args:
        objects: of the file; they are changed.
    """

    def __init__(self, objects: Objects) -> None:
        self._pdf = objects.pdf
        self._names = count()

    def replace(self, changes: Iterable[tuple[Show, bytes]]) -> None:
        """Replace operators of one page. A form that it shows is written again for each place where it is shown."""
        edits: dict[Source, list[Edit]] = defaultdict(list)
        for show, operators in changes:
            edits[show.source].append((show.start, show.end, operators))
        depths: dict[Source, int] = {}
        for source in list(edits):
            chain = [source]
            while (parent := chain[-1].parent) is not None:
                chain.append(parent)
            depths.update({each: len(chain) - number for number, each in enumerate(chain)})
        for source in sorted(depths, key=depths.__getitem__, reverse=True):
            content = _applied(source.data, edits[source])
            if source.form is None or source.parent is None:
                self._pdf.pages[source.page].obj["/Contents"] = self._pdf.make_stream(content)
            else:
                name = self._add(source.parent, source.form, content)
                edits[source.parent].append((source.start, source.end, f"{name} Do".encode()))

    def file(self) -> bytes:
        """The file: the same bytes for the same content."""
        written = io.BytesIO()
        self._pdf.save(written, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return written.getvalue()

    def _add(self, parent: Source, form: pikepdf.Object, content: bytes) -> str:
        """Add a form to the resources of a stream: like another, with this content."""
        resources = parent.resources
        if not isinstance(resources.get("/XObject"), pikepdf.Dictionary):
            resources["/XObject"] = pikepdf.Dictionary()
        names = resources["/XObject"]
        name = next(made for number in self._names if (made := f"/Marked{number}") not in names)
        stream = self._pdf.make_stream(content)
        for key, value in form.items():
            if key not in _ABOUT_CONTENT:
                stream[key] = value
        names[name] = stream
        return name


def _applied(data: bytes, edits: list[Edit]) -> bytes:
    parts, at = [], 0
    for start, end, operators in sorted(edits):
        parts += [data[at:start], b" ", operators, b" "]  # a string needs nothing before and behind it, others do
        at = end
    return b"".join((*parts, data[at:]))
