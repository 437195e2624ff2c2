"""What is no plain contract as PDF: refused before anything is read or marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pikepdf

from contract.watermark.pdf.objects import Objects, name_of
from contract.watermark.refusals import active, deceptive

_ACTIVE_KEYS: Final = {"/JS": "scripts", "/XFA": "a form that is made when it is opened", "/AA": "actions of its own"}
_ACTIONS: Final = frozenset(
    f"/{name}"
    for name in (
        *("JavaScript", "Launch", "ImportData", "SubmitForm", "ResetForm", "GoToE", "Rendition", "Movie", "Sound"),
        *("RichMediaExecute", "SetOCGState", "Hide", "GoTo3DView"),
    )
)
_OUTSIDE_KEYS: Final = ("/Ref", "/OPI")
_MAX_PARENTS: Final = 32


def require_plain_file(objects: Objects) -> bool:
    """Refuse scripts, what comes from elsewhere, layers, form fields, and notes on the text.

    Returns:
        Whether the file is signed.

    Raises:
        MalformedInput: DOCUMENT_ACTIVE, DOCUMENT_DECEPTIVE.
    """
    signed = False
    for each in _dictionaries(objects.pdf):
        keys = set(each.keys())
        for key in keys & _ACTIVE_KEYS.keys():
            raise active(_ACTIVE_KEYS[key])
        if name_of(each, "S") in _ACTIONS and name_of(each, "Type") != "/StructElem":
            raise active(f"an action {name_of(each, 'S')}")
        if isinstance(each, pikepdf.Stream) and ("/F" in keys or not keys.isdisjoint(_OUTSIDE_KEYS)):
            raise active("parts that lie outside it")
        signed = signed or "/ByteRange" in keys
    layers = objects.pdf.Root.get("/OCProperties")
    if isinstance(layers, pikepdf.Dictionary) and len(layers.get("/OCGs", ())):
        raise deceptive("it has layers that can be hidden")
    for page in objects.pdf.pages:
        notes = page.obj.get("/Annots")
        for note in notes if isinstance(notes, pikepdf.Array) else ():
            _require_plain_note(note)
    return signed


def _require_plain_note(note: pikepdf.Object) -> None:
    """Refuse what is laid over a page, but links without a picture, and signatures."""
    kind = name_of(note, "Subtype") if isinstance(note, pikepdf.Dictionary) else ""
    is_link = kind == "/Link" and "/AP" not in note
    if not is_link and not (kind == "/Widget" and _field_type(note) == "/Sig"):
        raise deceptive(f"it has an annotation on its pages: {kind.lstrip('/') or 'of no kind'}")


def _field_type(field: pikepdf.Object | None) -> str:
    for _ in range(_MAX_PARENTS):
        if not isinstance(field, pikepdf.Dictionary):
            break
        if "/FT" in field:
            return name_of(field, "FT")
        field = field.get("/Parent")
    return ""


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Every dictionary in a file, those of streams and those in others too."""
    objects = pdf.objects  # a list that is made anew each time
    for number in range(len(objects)):
        waiting = [objects[number]]
        while waiting:
            each = waiting.pop()
            if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
                yield each
                inside = [value for _, value in each.items()]
            elif isinstance(each, pikepdf.Array):
                inside = list(each)
            else:
                continue
            waiting += [
                value
                for value in inside
                if isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect
            ]
