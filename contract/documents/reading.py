"""Reads drafts of every format."""

from __future__ import annotations

import unicodedata
from typing import Final

from contract.documents.docx.reading import read_docx
from contract.documents.draft import Block, Draft, DraftFormat, Kind, Paragraph, paragraphs, text_of
from contract.documents.markdown import read_markdown
from contract.documents.plain import read_plain
from contract.documents.refusals import malformed
from contract.watermark.refusals import require_plain_text

_LONGEST_TITLE: Final = 80
_MARK: Final = "\ufeff"
"""The byte order mark, with which some programs begin a text in UTF-8."""


def read_draft(data: bytes, form: DraftFormat) -> Draft:
    """Read a draft.

    Args:
        data: the file.
        form: what it is.

    Raises:
        MalformedInput: DRAFT_MALFORMED: no UTF-8, or with control characters; DRAFT_UNSUPPORTED: something of it would
            be lost when it is set; DOCUMENT_*: no DOCX, or none that is plainly what it says; DOCUMENT_EMPTY,
            DOCUMENT_DECEPTIVE and DOCUMENT_TOO_LARGE of every format.
    """
    if form is DraftFormat.DOCX:
        text, blocks = read_docx(data)
    else:
        source = _decoded(data)
        blocks = read_markdown(source) if form is DraftFormat.MARKDOWN else tuple(read_plain(source))
        text = text_of(blocks)
        require_plain_text(text)
    return Draft(form, text, blocks, _title(blocks))


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8").removeprefix(_MARK)
    except UnicodeDecodeError:
        raise malformed("it is not in UTF-8") from None
    for character in set(text):
        if unicodedata.category(character) == "Cc" and not character.isspace():
            raise malformed(f"it has the control character U+{ord(character):04X}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _title(blocks: tuple[Block, ...]) -> str:
    """What the title says, or the first heading, or the first line."""
    found = [each for each in paragraphs(blocks) if each.text.strip()]
    for kind in (Kind.TITLE, Kind.HEADING):
        for each in found:
            if each.kind is kind:
                return _short(each)
    return _short(found[0])


def _short(paragraph: Paragraph) -> str:
    text = " ".join(paragraph.text.split())
    return text if len(text) <= _LONGEST_TITLE else f"{text[:_LONGEST_TITLE]}…"
