"""Documents of a contract that cannot be made are refused before anybody has signed."""

from __future__ import annotations

import io
import secrets
import zipfile

from contract.documents.draft import DraftFormat
from contract.drafting.made import MAX_DOCUMENT_BYTES, field_name
from contract.drafting.making import require_room
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed
from contract.watermark.key import WatermarkKey
from tests.contract.drafting.statements import EVIDENCE, MARKS
from tests.contract.watermark.contracts import CHINESE, ENGLISH, make_docx
from tests.mpc.refusals import malformed
from wire.fonts import find_fonts

KEY = WatermarkKey(bytes(range(32)))
FONTS = find_fonts()


def test_what_has_no_room() -> None:
    """Too short for the marks of so many, marked already, or too large once it is marked."""
    chinese = make_docx(CHINESE)
    require_room(chinese, DraftFormat.DOCX, 2, FONTS, KEY)
    short = "\n".join(ENGLISH)[:400].encode()
    with malformed("DOCUMENT_TOO_SHORT"):
        require_room(short, DraftFormat.PLAIN, 2, FONTS, KEY)
    document = open_document(chinese)
    marked = embed(document, KEY, serial=EVIDENCE.serial, time=EVIDENCE.time, signatures=MARKS).file
    with malformed("WATERMARK_PRESENT"):
        require_room(marked, DraftFormat.DOCX, 2, FONTS, KEY)
    file = io.BytesIO(chinese)
    with zipfile.ZipFile(file, "a") as package:
        package.writestr("docProps/ballast.bin", secrets.token_bytes(MAX_DOCUMENT_BYTES - (500 << 10)))
    with malformed("DOCUMENT_TOO_LARGE"):
        require_room(file.getvalue(), DraftFormat.DOCX, 2, FONTS, KEY)


def test_every_signer_has_a_field() -> None:
    """Named by the account, and no two accounts have one."""
    names = ["a.b", "a-b", "a_b", "ab", "a..b"]
    fields = {field_name(name) for name in names}
    assert len(fields) == len(names)
    assert not any("." in field for field in fields)
