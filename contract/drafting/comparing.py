"""Whether two documents are the same: object by object or part by part, whoever wrote the file, and when."""

from __future__ import annotations

import io
import zipfile

import pikepdf

from contract.watermark.pdf.objects import Objects, refusing_damage


def same_pdf(one: bytes, other: bytes) -> bool:
    """Whether all objects of two PDFs are the same, and so what they show.

    Each is written anew: unpacked, its objects in the order in which they refer to each other, and without what differs
    each time that a file is written: its identifier, and the time of the change.

    Args:
        one: a PDF, without signatures.
        other: another one.

    Raises:
        MalformedInput: DOCUMENT_*: one of them is damaged, encrypted or too large.
    """
    return _plain(one) == _plain(other)


def same_docx(one: bytes, other: bytes) -> bool:
    """Whether all parts of two DOCX are the same.

    Args:
        one: a DOCX that was read before, within limits.
        other: another one.
    """
    return _parts(one) == _parts(other)


def _parts(file: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        return [(each.filename, parts.read(each)) for each in parts.infolist()]


def _plain(file: bytes) -> bytes:
    opened, out = Objects(file).pdf, io.BytesIO()
    with refusing_damage():
        if "/Info" in opened.trailer and "/ModDate" in opened.docinfo:
            del opened.docinfo["/ModDate"]
        opened.save(
            out,
            static_id=True,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()
