"""Drafts to read and set: in Markdown, and as DOCX with all that a contract may have."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from contract.documents.docx.fixed import MAIN_NAMESPACE

CHINESE: Final = """\
# 买卖合同

**卖方：**Alice，住杭州市　**买方：**Bob（下称“买方”）

## 第一条　标的物

1. 货物单价为 14,800.00 元，含水率 8% 至 12%；
2. 其他：
   - 木纹与色泽的天然差异不属于瑕疵……
   - ~~作废~~

| 序号 | 名称 | 金额（元） |
|:-:|---|--:|
| 1 | 餐桌，黑胡桃木，2200×950×750 毫米 | 59,200.00 |
| 2 | 餐椅 | 56,400.00 |

---

> 附注：争议由双方协商解决——不成的，起诉。
"""

ENGLISH: Final = """\
# Sales Contract

## Article 1. Goods

1.1 The Seller sells and the Buyer buys the following *furniture* (the “Goods”), office files and Dvořák’s chairs.

## Article 2. Price

2.1 The price is CNY 146,400.00; it is well-known\\
and fixed, see [the terms](https://example.com/terms). <b>Nothing</b> is hidden &amp; nothing is lost.

    code stays  as it is
"""


def rich_docx(change: Callable[[Any], None] | None = None) -> bytes:
    """A DOCX with headings, lists, merged cells, a text box, a header, tabs and breaks.

    Args:
        change: made to the document of python-docx before it is saved.
    """
    document = docx.Document()
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.add_run("合作协议").bold = True
    document.add_heading("第一条 Scope", level=2)
    for text in ("one", "two"):
        document.add_paragraph(text, style="List Number")
    document.add_paragraph("甲方\t乙方", style="List Bullet")
    mixed = document.add_paragraph("面积 100 m")
    mixed.add_run("2").font.superscript = True
    mixed.add_run(" struck").font.strike = True
    mixed.add_run(" below").underline = True
    mixed.add_run().add_break(WD_BREAK.PAGE)
    mixed.add_run("behind the break")
    table = document.add_table(3, 3, style="Table Grid")
    for number, cell in enumerate(each for row in table.rows for each in row.cells):
        cell.text = f"格{number}"
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(1, 2).text, table.cell(2, 2).text = "高", ""
    table.cell(1, 2).merge(table.cell(2, 2))
    table.cell(1, 2).paragraphs[-1].text = ""
    _add_text_box(document.add_paragraph("before the box"), "in the box 框")
    document.add_paragraph("after the box")
    document.sections[0].header.paragraphs[0].text = "Header 页眉"
    if change:
        change(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _add_text_box(paragraph: Any, text: str) -> None:  # noqa: ANN401
    drawing = parse_xml(
        f'<w:r {nsdecls("w")}><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent '
        f'xmlns:w="{MAIN_NAMESPACE}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape>'
        "</w:pict></w:r>"
    )
    paragraph._p.append(drawing)
