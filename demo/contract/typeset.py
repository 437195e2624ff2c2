"""Sets the contract: two parallel columns, Chinese on the left, a table of goods, places for the signatures.

Chinese lines are broken here, because fpdf2 knows no rule about which marks may begin or end a line; English
paragraphs are fpdf2's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from fpdf import FPDF, Align, XPos, YPos

from demo.contract import text
from demo.contract.text import Article, Bilingual

FONT_FOLDER: Final = Path("/usr/share/fonts/opentype/noto")
"""Where Debian's package fonts-noto-cjk puts its fonts."""

_SIMPLIFIED: Final = 2  # number of the simplified Chinese face within Noto's collection files
_KOREAN: Final = 1  # the one face whose quotation marks and apostrophes are as narrow as English wants them
_MADE: Final = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)  # fixed, so that the same text gives the same bytes

_LEFT, _RIGHT, _TOP, _BOTTOM = 23.0, 23.0, 24.0, 20.0  # margins, mm
_WIDTH = 210.0 - _LEFT - _RIGHT
_NUMBER = 8.0  # room for "10.3"
_CHINESE = 65.0
_GAP = 6.0
_ENGLISH = _WIDTH - _NUMBER - _CHINESE - _GAP
_ENGLISH_LEFT = _LEFT + _NUMBER + _CHINESE + _GAP

_CHINESE_SIZE, _CHINESE_LEADING = 9.2, 5.0  # points, mm
_ENGLISH_SIZE, _ENGLISH_LEADING = 8.6, 4.3
_TITLE_SIZE = 9.6
_CLAUSE_GAP, _ARTICLE_GAP = 1.5, 2.2

_NEVER_FIRST: Final = frozenset("，。、；：！？）》」』”％%/")
_NEVER_LAST: Final = frozenset("（《「『“")


def build(target: Path) -> None:
    """Set the contract and write it to ``target``."""
    page = _Page()
    page.add_page()
    _write_head(page)
    for number, article in enumerate(text.ARTICLES, start=1):
        _write_article(page, number, article)
    _write_signatures(page)
    page.output(str(target))


class _Page(FPDF):
    """A4 with the contract's margins, fonts, running head and page numbers."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        self.set_creation_date(_MADE)
        self.set_lang("zh-CN")
        self.set_title(f"{text.TITLE.chinese} / Sales Contract No. {text.NUMBER}")
        self.set_subject("Furniture; seller Alice, buyer Bob")
        self.set_margins(_LEFT, _TOP, _RIGHT)
        self.c_margin = 0
        self.set_auto_page_break(auto=False)
        for style, file in (("", "NotoSerifCJK-Regular.ttc"), ("B", "NotoSerifCJK-Bold.ttc")):
            self.add_font("chinese", style, FONT_FOLDER / file, collection_font_number=_SIMPLIFIED)
            self.add_font("english", style, FONT_FOLDER / file, collection_font_number=_KOREAN)

    def header(self) -> None:
        if self.page_no() == 1:
            return
        self.set_font("chinese", "", 7.6)
        self.set_text_color(110)
        self.set_xy(_LEFT, 13)
        self.cell(_WIDTH / 2, 4, f"{text.TITLE.chinese}  Sales Contract")
        self.cell(_WIDTH / 2, 4, f"合同编号 No. {text.NUMBER}", align=Align.R)
        self.set_text_color(0)
        self.rule(18.2, 0.1)
        self.set_xy(_LEFT, _TOP)

    def footer(self) -> None:
        self.set_font("chinese", "", 7.6)
        self.set_text_color(110)
        # fpdf2 centres the line with {nb} still in it, which is wider than the number that replaces it
        excess = self.get_string_width("{nb}") - self.get_string_width("0")
        self.set_xy(_LEFT + excess, 297 - 14)
        self.cell(_WIDTH, 4, f"第 {self.page_no()} 页，共 {{nb}} 页   Page {self.page_no()} of {{nb}}", align=Align.C)
        self.set_text_color(0)

    def rule(self, y: float, width: float) -> None:
        """A line across the text, at ``y`` mm, ``width`` mm thick."""
        self.set_line_width(width)
        self.line(_LEFT, y, _LEFT + _WIDTH, y)

    def need(self, height: float) -> None:
        """Go to the next page unless ``height`` mm are left on this one."""
        if self.get_y() + height > 297 - _BOTTOM:
            self.add_page()
            self.set_y(_TOP)

    def chinese(self, size: float = _CHINESE_SIZE, style: str = "") -> None:
        """Use the Chinese face."""
        self.set_font("chinese", style, size)

    def english(self, size: float = _ENGLISH_SIZE, style: str = "") -> None:
        """Use the English face."""
        self.set_font("english", style, size)


def _write_head(page: _Page) -> None:
    page.set_y(26)
    page.set_font("chinese", "B", 21)
    page.set_char_spacing(9)
    page.cell(_WIDTH, 10, text.TITLE.chinese, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_font("chinese", "B", 12.5)
    page.set_char_spacing(1.6)
    page.cell(_WIDTH, 7, text.TITLE.english, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.set_char_spacing(0)
    page.set_font("chinese", "", 8.6)
    page.cell(_WIDTH, 6, f"合同编号 Contract No. {text.NUMBER}", align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(3)
    page.rule(page.get_y(), 0.35)
    page.ln(2.2)
    for label, person in text.PARTIES:
        y = page.get_y()
        page.chinese(9.6, "B")
        page.text(_LEFT, y + 4, label.chinese)
        page.english(8.6, "B")
        page.text(_LEFT + 9.5, y + 4, label.english)
        page.chinese(9.4)
        page.text(_LEFT + 26, y + 4, person.chinese)
        page.english(8.8)
        page.text(_LEFT + 88, y + 4, person.english)
        page.set_y(y + 6)
    page.ln(1.2)
    page.rule(page.get_y(), 0.35)
    page.ln(3)
    _write_row(page, "", text.PREAMBLE)


def _write_article(page: _Page, number: int, article: Article) -> None:
    first = _row_height(page, article.clauses[0])
    page.need(_ARTICLE_GAP + 6.5 + first)
    page.ln(_ARTICLE_GAP)
    y = page.get_y()
    page.chinese(_TITLE_SIZE, "B")
    page.text(_LEFT, y + 4, f"第{_chinese_number(number)}条　{article.title.chinese}")
    page.english(9.0, "B")
    page.text(_ENGLISH_LEFT, y + 4, f"Article {number}   {article.title.english}")
    page.set_y(y + 6.3)
    for position, clause in enumerate(article.clauses, start=1):
        _write_row(page, f"{number}.{position}", clause)
        if article.table_after == position:
            _write_goods(page)


def _write_row(page: _Page, number: str, row: Bilingual) -> None:
    height = _row_height(page, row)
    page.need(height)
    y = page.get_y()
    page.english(8.2)
    page.text(_LEFT, y + 3.7, number)
    left, width = (_LEFT + _NUMBER, _CHINESE) if number else (_LEFT, _CHINESE + _NUMBER)
    _draw_chinese(page, left, y, width, row.chinese)
    page.english()
    page.set_xy(_ENGLISH_LEFT, y + 0.25)
    page.multi_cell(_ENGLISH, _ENGLISH_LEADING, row.english, align=Align.J, padding=0)
    page.set_y(y + height)


def _row_height(page: _Page, row: Bilingual) -> float:
    page.chinese()
    chinese = len(list(_chinese_lines(page, row.chinese, _CHINESE))) * _CHINESE_LEADING
    page.english()
    english = page.multi_cell(_ENGLISH, _ENGLISH_LEADING, row.english, align=Align.J, dry_run=True, output="HEIGHT")
    assert isinstance(english, float)  # noqa: S101  # by the output asked for
    return max(chinese, english) + _CLAUSE_GAP


def _draw_chinese(page: _Page, left: float, y: float, width: float, paragraph: str) -> None:
    page.chinese()
    lines = list(_chinese_lines(page, paragraph, width))
    for index, line in enumerate(lines):
        slack = width - page.get_string_width(line)
        if index < len(lines) - 1 and len(line) > 1:  # every line but the last fills its column
            page.set_char_spacing(slack / (len(line) - 1) * page.k)
        page.text(left, y + 3.8 + index * _CHINESE_LEADING, line)
        page.set_char_spacing(0)


def _chinese_lines(page: _Page, paragraph: str, width: float) -> Iterator[str]:
    """Break a paragraph: between any two characters, but not inside a number or a Latin word, nor against the marks."""
    line = ""
    for piece in _unbreakable(paragraph):
        if line and page.get_string_width((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = piece.lstrip()
        else:
            line += piece
    yield line


def _unbreakable(paragraph: str) -> Iterator[str]:
    """Cut a paragraph into the pieces between which a line may end."""
    piece = ""
    for character in paragraph:
        joined = piece and (
            character in _NEVER_FIRST
            or piece[-1] in _NEVER_LAST
            or (piece[-1].isascii() and character.isascii() and character != " " and piece[-1] != " ")
        )
        if piece and not joined:
            yield piece
            piece = ""
        piece += character
    yield piece


def _write_goods(page: _Page) -> None:
    columns = (10.0, 85.0, 19.0, 25.0, _WIDTH - 139.0)
    heads = (
        Bilingual("序号", "No."),
        Bilingual("名称、材质与规格", "Description"),
        Bilingual("数量", "Quantity"),
        Bilingual("单价（元）", "Unit price (CNY)"),
        Bilingual("金额（元）", "Amount (CNY)"),
    )
    aligns = (Align.C, Align.L, Align.C, Align.R, Align.R)
    page.need(60)
    page.ln(0.6)
    page.rule(page.get_y(), 0.3)
    _write_cells(page, columns, aligns, heads, "B")
    page.rule(page.get_y(), 0.15)
    for number, item in enumerate(text.ITEMS, start=1):
        quantity = Bilingual(f"{item.quantity} {item.unit.chinese}", f"{item.quantity} {item.unit.english}")
        row = (Bilingual(str(number), ""), item.description, quantity, _money(item.unit_price), _money(item.amount))
        _write_cells(page, columns, aligns, row, "")
        page.rule(page.get_y(), 0.05)
    y = page.get_y()
    page.chinese(9.0, "B")
    page.text(_LEFT + 10, y + 4.5, f"合计：{text.TOTAL_IN_WORDS.chinese}")
    page.set_xy(_LEFT, y + 1.2)
    page.cell(_WIDTH, 4.6, f"{text.TOTAL:,.2f}", align=Align.R)
    page.english(8.0)
    page.text(_LEFT + 10, y + 8.6, f"Total: {text.TOTAL_IN_WORDS.english}")
    page.set_y(y + 10.6)
    page.rule(page.get_y(), 0.3)
    page.ln(2.4)


def _write_cells(
    page: _Page, columns: tuple[float, ...], aligns: tuple[Align, ...], cells: tuple[Bilingual, ...], style: str
) -> None:
    y, x = page.get_y(), _LEFT
    for width, align, cell in zip(columns, aligns, cells, strict=True):
        single = not cell.english
        page.chinese(8.8, style)
        page.set_xy(x, y + (2.9 if single else 0.9))
        page.cell(width, 4.4, cell.chinese, align=align)
        page.english(7.8, style)
        page.set_xy(x, y + 5.0)
        page.cell(width, 4.0, cell.english, align=align)
        x += width
    page.set_y(y + 10.0)


def _money(amount: Decimal) -> Bilingual:
    return Bilingual(f"{amount:,.2f}", "")


def _write_signatures(page: _Page) -> None:
    page.need(54)
    page.ln(4)
    page.rule(page.get_y(), 0.35)
    page.ln(4)
    top, width = page.get_y(), _WIDTH / 2 - 8
    for index, (label, name) in enumerate(text.SIGNATURES):
        left = _LEFT + index * (_WIDTH / 2 + 8)
        page.chinese(9.6, "B")
        page.text(left, top + 4, label.chinese)
        page.english(8.8, "B")
        page.text(left + 25, top + 4, label.english)
        page.set_line_width(0.15)
        for row, (caption, value) in enumerate((("姓名 Name", name), ("签名 Signature", ""), ("日期 Date", ""))):
            y = top + 17 + row * 12
            page.chinese(8.6)
            page.text(left, y, caption)
            page.english(10, "B")
            page.text(left + 26, y - 0.4, value)
            page.line(left + 24, y + 1.2, left + width, y + 1.2)
    page.set_y(top + 45)


def _chinese_number(number: int) -> str:
    return "一二三四五六七八九十"[number - 1]
