"""The project's pages of Markdown, and the blocks of code in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.architecture.source import ROOT, files


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Args:
        page: the page's path below the project.
        line: of the first line inside the block, from 1.
        language: what stands after the fence; empty where nothing does, or where the block is indented.
        text: the content.
    """

    page: str
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """Every page, in order."""
    return [path for path in files() if path.suffix == ".md"]


def blocks(page: Path) -> Iterator[Block]:
    """Every block of code of a page, fenced or indented, in order."""
    name = str(page.relative_to(ROOT))
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block") and token.map is not None:
            yield Block(name, token.map[0] + 1 + (token.type == "fence"), token.info.strip(), token.content)


def links(page: Path) -> Iterator[str]:
    """Every address that a page links to or shows a picture from."""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            address = child.attrGet("href") or child.attrGet("src")
            if isinstance(address, str):
                yield address
