"""Earlier revisions in a file: each is what stands before one of its ends (ISO 32000, 7.5.6)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import pikepdf

from contract.documents.text import canonical_text
from contract.watermark.pdf.interpreter import painted_pages
from contract.watermark.pdf.objects import Objects, refusing_damage
from contract.watermark.pdf.reading import Reader
from mpc.errors import MalformedInput

_END: Final = re.compile(rb"%%EOF[\r\n]*")
_MAX_REVISIONS: Final = 12
_SHOWN: Final = ("/Contents", "/Resources", "/MediaBox", "/CropBox")


def earlier_text_differs(data: bytes, objects: Objects, text: str) -> bool:
    """Whether an earlier revision in a file has another text; one that cannot be read has none.

    Args:
        data: the file.
        objects: of it.
        text: of its last revision.
    """
    ends = [each.end() for each in _END.finditer(data)][-_MAX_REVISIONS:-1]
    shown = _what_is_shown(objects) if ends else b""
    return any(_differs(data[:end], shown, canonical_text(text)) for end in ends)


def _differs(data: bytes, shown: bytes, text: str) -> bool:
    reader = Reader()
    try:
        with refusing_damage():
            objects = Objects(data)
            if _what_is_shown(objects) == shown:
                return False
            for shows in painted_pages(objects):
                for _ in reader.page(shows):
                    pass
    except MalformedInput:
        return False
    return canonical_text("".join(reader.text)) != text


def _what_is_shown(objects: Objects) -> bytes:
    """A digest of all objects that pages show: it is quick, and a signature changes none of them."""
    digest, seen = hashlib.sha256(), set()
    waiting = [page.obj.get(key) for page in objects.pdf.pages for key in _SHOWN]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, pikepdf.Dictionary | pikepdf.Array | pikepdf.Stream):
            continue
        if each.is_indirect:
            if each.objgen in seen:
                continue
            seen.add(each.objgen)
        inside: pikepdf.Object = each
        if isinstance(each, pikepdf.Stream):
            digest.update(each.read_raw_bytes())
            inside = each.stream_dict
        digest.update(inside.unparse(resolved=True))
        waiting += list(inside) if isinstance(inside, pikepdf.Array) else [value for _, value in inside.items()]
    return digest.digest()
