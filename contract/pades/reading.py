"""Opening a PDF from who knows where: every way in which one can be wrong is an error of ours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from mpc.errors import FoursealError, MalformedInput

MAX_PDF_BYTES: Final = 16 << 20
"""Longest PDF that is looked at."""

_SPOILT: Final = (
    *(PdfError, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(ArithmeticError, RecursionError, NotImplementedError),
)


@contextmanager
def readable(problem: str) -> Iterator[None]:
    """Turn whatever pyHanko raises of a file that is not as it must be into our error.

    It takes objects of a PDF for what they should be, so one of another type ends as any of these.

    Raises:
        MalformedInput: PDF_MALFORMED.
    """
    try:
        yield
    except FoursealError:
        raise
    except _SPOILT as error:
        raise malformed(problem) from error


def open_pdf(pdf: bytes) -> PdfFileReader:
    """A reader of the file.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED.
    """
    if len(pdf) > MAX_PDF_BYTES:
        raise malformed(f"longer than {MAX_PDF_BYTES} bytes")
    with readable("it cannot be read"):
        reader = PdfFileReader(io.BytesIO(pdf))
        if reader.xrefs.hybrid_xrefs_present:  # two tables of contents: readers differ in which they believe
            raise malformed("it has two tables of its objects")
        encrypted = reader.encrypted
        _ = reader.root
    if encrypted:
        raise MalformedInput("PDF_ENCRYPTED", "the PDF is encrypted")
    return reader


def open_for_update(pdf: bytes) -> IncrementalPdfFileWriter:
    """A writer of what shall follow the file. Raises as ``open_pdf``."""
    open_pdf(pdf)
    with readable("it cannot be read"):
        return IncrementalPdfFileWriter(io.BytesIO(pdf))


def updated(writer: IncrementalPdfFileWriter) -> bytes:
    """The file with what was written."""
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def entry(dictionary: Any, key: str, default: Any) -> Any:  # noqa: ANN401  # objects of a PDF
    """What a dictionary has under a key, wherever in the file that lies."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401  # its get() follows no reference


def malformed(problem: str) -> MalformedInput:
    """The error of this module. ``problem`` says what is wrong with the file."""
    return MalformedInput("PDF_MALFORMED", f"the PDF is refused: {problem}", problem=problem)
