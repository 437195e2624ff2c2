"""Reads drafts of every format."""

from __future__ import annotations

import unicodedata
from typing import Final

from contract.documents.docx.reading import read_docx
from contract.documents.draft import Block, Draft, DraftFormat, Kind, Paragraph, paragraphs, text_of
from contract.documents.markdown import read_markdown
from contract.documents.plain import read_plain
from contract.documents.refusals import malformed
from contract.watermark.refusals import MAX_CHARACTERS, require_plain_text, too_large

_LONGEST_TITLE: Final = 80
_LONGEST_SOURCE: Final = 2 * MAX_CHARACTERS
"""Characters of a file as text: what marks its form is at most as much as the text."""
_MOST_PARAGRAPHS: Final = 20_000
"""Of a draft: four times what its pages would have. A hundred thousand cells of one letter take minutes to set."""
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
        if len(source) > _LONGEST_SOURCE:  # it takes a while to find that in its text
            raise too_large(f"it has more than {_LONGEST_SOURCE} characters")
        blocks = read_markdown(source) if form is DraftFormat.MARKDOWN else tuple(read_plain(source))
        text = text_of(blocks)
        require_plain_text(text)
    if sum(1 for _ in paragraphs(blocks)) > _MOST_PARAGRAPHS:
        raise too_large(f"it has more than {_MOST_PARAGRAPHS} paragraphs, those of tables included")
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
