"""Plain text as a draft: every line is a paragraph as it stands. What looks like a title or a heading is set as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contract.documents.draft import Block, Kind, Paragraph, Run

_HEADING: Final = re.compile(
    r"(第[一二三四五六七八九十百零〇0-9]+[章编节条]|(?:Article|Section|Chapter|Part|Clause|Schedule|Annex)\s+[0-9IVXLC]+)"
    r"(?:[\s.:：、]|$)",
    re.IGNORECASE,
)
_LONGEST_HEADING: Final = 60
_ENDS_SENTENCE: Final = "。；，、！？.;,!?"


def read_plain(text: str) -> Iterator[Block]:
    """The paragraphs of a plain text. White space at the begin of a line is its indent; a form feed ends a page.

    The first line with text is the title, if it is short, ends no sentence, and an empty line follows.
    """
    lines = text.split("\n")
    begun, new_page = False, False
    for number, line in enumerate(lines):
        new_page = new_page or "\f" in line
        said = line.strip()
        if not said:
            continue
        followed = number + 1 < len(lines) and not lines[number + 1].strip()
        kind, level = _kind(said, first=not begun and followed)
        indent = _indent(line) if kind is Kind.BODY else 0.0
        yield Paragraph((Run(said),), kind, level, first=indent or None, new_page=new_page and begun)
        begun, new_page = True, False


def _kind(line: str, *, first: bool) -> tuple[Kind, int]:
    if len(line) > _LONGEST_HEADING or line[-1] in _ENDS_SENTENCE:
        return Kind.BODY, 0
    if first:
        return Kind.TITLE, 0
    return (Kind.HEADING, 1) if _HEADING.match(line) else (Kind.BODY, 0)


def _indent(line: str) -> float:
    """In em: an ideographic space is one, another a half."""
    begin = line[: len(line) - len(line.lstrip())]
    return sum(1.0 if each == "\u3000" else 2.0 if each == "\t" else 0.5 for each in begin if each != "\f")
