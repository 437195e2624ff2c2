"""Markdown as a draft: CommonMark with tables and strikethrough, by markdown-it-py.

Nothing is hidden: HTML is no markup here, and stands as it was typed; behind a link's text its address is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from contract.documents.draft import Align, Block, Cell, Kind, Paragraph, Row, Rule, Run, Table
from contract.documents.refusals import not_settable_part
from contract.documents.typesetting.breaking import is_wide

_MAX_DEPTH: Final = 20
_BULLET: Final = "•"
_ALIGNS: Final = {"text-align:center": Align.CENTER, "text-align:right": Align.RIGHT}
_MARKS: Final = {"strong": "bold", "em": "italic", "s": "strike"}


class _State(StateInline):
    """Knows that emphasis may begin and end beside ideographs, where no spaces are.

    CommonMark (6.2) asks for a space between a mark and a letter, as Latin script has it: ``**Name:** Alice``.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: FBT001, N802, N803
        """What a row of asterisks may do."""
        found = super().scanDelims(start, canSplitWord)
        before = self.src[start - 1] if start else " "
        after = self.src[start + found.length] if start + found.length < self.posMax else " "
        if not (is_wide(before) or is_wide(after)):
            return found
        return Scanned(not after.isspace(), not before.isspace(), found.length)


class _Inline(ParserInline):
    """The parser of a line, with that state."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """Parse a line."""
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


@dataclass(slots=True)
class _List:
    """An open list: the number of its next item; None if it has bullets."""

    number: int | None


def read_markdown(text: str) -> tuple[Block, ...]:
    """The blocks of a text in Markdown. A heading of level 1 that stands first is the title.

    Raises:
        MalformedInput: DRAFT_UNSUPPORTED: it has a picture.
    """
    parser = MarkdownIt()
    parser.inline = _Inline()
    parser.configure("commonmark", {"html": False, "maxNesting": _MAX_DEPTH}).enable(["table", "strikethrough"])
    return _titled(list(_Reader(parser.parse(text)).blocks()))


def _titled(blocks: list[Block]) -> tuple[Block, ...]:
    tops = [each for each in blocks if isinstance(each, Paragraph) and each.kind is Kind.HEADING and each.level == 1]
    first = blocks[0] if blocks else None
    if not isinstance(first, Paragraph) or tops != [first]:
        return tuple(blocks)
    rest = (
        replace(each, level=each.level - 1) if isinstance(each, Paragraph) and each.kind is Kind.HEADING else each
        for each in blocks[1:]
    )
    return (replace(first, kind=Kind.TITLE, level=0, align=Align.CENTER), *rest)


class _Reader:
    """Goes through the tokens of a text once."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = iter(tokens)
        self._lists: list[_List] = []
        self._label: str | None = None
        self._quotes = 0
        self._heading = 0

    def blocks(self) -> Iterator[Block]:
        """The blocks, in order."""
        for token in self._tokens:
            match token.type:
                case "inline":
                    yield self._paragraph(runs_of(token))
                case "code_block" | "fence":
                    yield self._paragraph((Run(token.content.rstrip("\n")),))
                case "hr":
                    yield Rule()
                case "table_open":
                    yield self._table()
                case _:
                    self._follow(token)

    def _follow(self, token: Token) -> None:
        """Note what begins and ends around blocks."""
        match token.type:
            case "heading_open" | "heading_close":
                self._heading = int(token.tag[1:]) if token.nesting > 0 else 0
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "bullet_list_open":
                self._lists.append(_List(None))
            case "ordered_list_open":
                start = token.attrGet("start")
                self._lists.append(_List(1 if start is None else int(start)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._label = self._next_label(token)

    def _next_label(self, item: Token) -> str:
        current = self._lists[-1]
        if current.number is None:
            return _BULLET
        current.number += 1
        return f"{current.number - 1}{item.markup}"

    def _paragraph(self, runs: tuple[Run, ...]) -> Paragraph:
        label, self._label = self._label, None
        if self._heading:
            return Paragraph(runs, Kind.HEADING, self._heading, label=label)
        if not self._lists:
            return Paragraph(runs, Kind.QUOTE if self._quotes else Kind.BODY)
        return Paragraph(runs, level=len(self._lists) - 1, label=label if label is not None else "", first=0.0)

    def _table(self) -> Table:
        rows: list[Row] = []
        cells: list[Cell] = []
        head, align = False, Align.LEFT
        for token in self._tokens:
            match token.type:
                case "table_close":
                    break
                case "thead_open" | "tbody_open":
                    head = token.type == "thead_open"
                case "th_open" | "td_open":
                    align = _ALIGNS.get(str(token.attrGet("style") or ""), Align.LEFT)
                case "inline":
                    paragraph = Paragraph(runs_of(token), align=align, first=0.0)
                    cells.append(Cell((paragraph,), len(cells), middle=True))
                case "tr_close":
                    rows.append(Row(tuple(cells), head))
                    cells = []
                case _:
                    pass
        return Table(tuple(rows), len(rows[0].cells))


def runs_of(inline: Token) -> tuple[Run, ...]:
    """The runs of a line of markup.

    Raises:
        MalformedInput: DRAFT_UNSUPPORTED: it has a picture.
    """
    runs: list[Run] = []
    open_marks = dict.fromkeys(_MARKS.values(), 0)
    address, shown = "", 0
    for token in inline.children or ():
        name, _, side = token.type.rpartition("_")
        if name in _MARKS:
            open_marks[_MARKS[name]] += 1 if side == "open" else -1
        elif token.type == "image":
            raise not_settable_part("a picture")
        elif token.type == "link_open":
            address, shown = str(token.attrGet("href") or ""), len(runs)
        elif token.type == "link_close":
            text = "".join(run.text for run in runs[shown:])
            if address not in (text, f"mailto:{text}"):
                runs.append(Run(f" ({address})"))
        else:
            text = {"softbreak": " ", "hardbreak": "\n"}.get(token.type, token.content)
            if text:
                runs.append(Run(text, **{name: bool(count) for name, count in open_marks.items()}))
    return tuple(runs)
