"""The zip file of a DOCX: its parts by name, read within limits, and written again with one of them replaced."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final

from contract.watermark.refusals import MAX_FILE_BYTES, malformed, too_large
from mpc.errors import MalformedInput

MAX_UNPACKED_BYTES: Final = 128 << 20
MAX_PART_BYTES: Final = 48 << 20
"""Of a part that is read."""
_MAX_PARTS: Final = 2000
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a compound file begins: a Word document of before 2007, or an encrypted one (MS-OFFCRYPTO)."""
_ENCRYPTED: Final = 1


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a DOCX.

    Args:
        file: the zip file, in memory, opened once: its directory may be long.
        names: of the parts, in its order.
    """

    file: zipfile.ZipFile
    names: tuple[str, ...]

    @classmethod
    def read(cls, data: bytes) -> Package:
        """Look at a file, and unpack nothing yet.

        Raises:
            MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_ENCRYPTED, DOCUMENT_TOO_LARGE.
        """
        if len(data) > MAX_FILE_BYTES:
            raise too_large("its file")
        if data.startswith(_OLE):
            raise MalformedInput("DOCUMENT_ENCRYPTED", "the document is encrypted, or older than DOCX")
        try:
            file = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
            raise malformed("it is no zip file, or a part of one") from None
        parts = file.infolist()
        if any(each.flag_bits & _ENCRYPTED for each in parts):
            raise MalformedInput("DOCUMENT_ENCRYPTED", "a part of the document is encrypted")
        if len(parts) > _MAX_PARTS or sum(each.file_size for each in parts) > MAX_UNPACKED_BYTES:
            raise too_large("what it unpacks to")
        names = tuple(each.filename for each in parts)
        if len({name.lower() for name in names}) != len(names):
            raise malformed("a part that is there twice")
        return cls(file, names)

    def part(self, name: str, maximum: int = MAX_PART_BYTES) -> bytes:
        """Unpack a part.

        Raises:
            MalformedInput: DOCUMENT_MALFORMED: missing or damaged; DOCUMENT_TOO_LARGE.
        """
        if name not in self.names:
            raise malformed(f"it has no part {name}")
        try:
            with self.file.open(name) as part:
                content = part.read(maximum + 1)  # never more than its entry says
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError):
            raise malformed(f"its part {name} is damaged") from None
        if len(content) > maximum:
            raise too_large(f"its part {name}")
        return content

    def with_part(self, name: str, content: bytes) -> bytes:
        """The file with a part replaced; all others as they are, in their order.

        Raises:
            MalformedInput: DOCUMENT_MALFORMED: another part is damaged.
        """
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as target:
            for each in self.file.infolist():
                replaced = content if each.filename == name else self.part(each.filename, MAX_UNPACKED_BYTES)
                entry = zipfile.ZipInfo(each.filename, each.date_time)
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, replaced)
        return written.getvalue()
