"""Pages lead somewhere, and what is made from the code is up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.docs.pages import links, pages


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    """A file that is there, and a heading that is in it."""
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue  # outside: tests use no network
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_errors_page_is_made_from_the_catalogue() -> None:
    """docs/errors.md is what the script prints today."""
    made = subprocess.run(
        [sys.executable, ROOT / "scripts/errors_page.py"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert (ROOT / "docs/errors.md").read_text(encoding="utf-8") == made, (
        "python scripts/errors_page.py > docs/errors.md"
    )


def test_readme_shows_the_parts() -> None:
    """The picture is in the README."""
    assert "docs/parts.svg" in list(links(ROOT / "README.md"))
