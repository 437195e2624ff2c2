"""Fields in which signatures show: put in before the first signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyhanko.sign.fields import SigFieldSpec, append_signature_field, ensure_sig_flags, enumerate_sig_fields
from pyhanko.sign.general import SigningError

from contract.pades.reading import malformed, open_for_update, readable, updated


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a page.

    Args:
        page: its number, from 0.
        left: of its left edge, in points from the page's lower left corner; so are the others.
        bottom: of its lower edge.
        right: of its right edge.
        top: of its upper edge.
    """

    page: int
    left: float
    bottom: float
    right: float
    top: float


def with_signature_fields(pdf: bytes, boxes: Mapping[str, Box]) -> bytes:
    """The PDF with empty fields for signatures, as an incremental update.

    Args:
        pdf: not signed yet: this would be found as a change.
        boxes: where each shows, by the field's name: printable ASCII without a full stop.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED; PDF_MALFORMED too if there is such a field, or no such page.
    """
    writer = open_for_update(pdf)
    with readable("fields for signatures cannot be put in"):
        taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
        pages = int(writer.root["/Pages"]["/Count"])
        for name, box in boxes.items():
            if name in taken or not 0 <= box.page < pages:
                raise malformed(f"no place for a field {name}")
            corners = (box.left, box.bottom, box.right, box.top)
            try:
                append_signature_field(writer, SigFieldSpec(name, on_page=box.page, box=corners))  # type: ignore[arg-type]
            except SigningError as error:
                raise malformed(f"no place for a field {name}") from error
        ensure_sig_flags(writer)
        return updated(writer)
