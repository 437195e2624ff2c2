"""The survival battery attacks as it says, counts what is left, and never counts what was not tried."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import docx
import pytest

from bench.errors import BenchFailed
from bench.watermark import page, survey
from bench.watermark.acceptance import FOREIGN, accepted, unnoticed
from bench.watermark.attacks import ON_DOCX, ON_PDF
from bench.watermark.changes import CHANGES, changes_of
from bench.watermark.editing import (
    CLAUSE,
    clause_put_in,
    clause_removed,
    clauses_swapped,
    deleted,
    formats_reset,
    put_in,
    replaced,
)
from bench.watermark.extent import measure
from bench.watermark.invisibility import compare
from bench.watermark.plot import draw
from bench.watermark.specimens import (
    DOCX_BOTH,
    DOCX_COLOUR,
    PDF_BOTH,
    TEXTS,
    Kind,
    Specimen,
    make_plain,
    make_specimens,
    read_text,
)
from bench.watermark.trials import Row, attempt
from bench.watermark.workshop import Workshop

CHANCE = Random(7)  # noqa: S311
_SOME = ("untouched", "to_pdf", "ghostscript", "deleted_10", "clause_removed", "formats_reset")


@pytest.fixture(name="specimen", scope="module")
def make_specimen() -> Specimen:
    """An English DOCX with both channels."""
    return make_specimens(DOCX_BOTH, "english", 1)[0]


@pytest.fixture(name="rows", scope="module")
def make_rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Some attacks on one contract, on a machine where no program from outside is installed."""
    patch = pytest.MonkeyPatch()
    patch.setattr(shutil, "which", lambda _: None)
    patch.setattr(survey, "KINDS", (DOCX_COLOUR,))
    patch.setattr(survey, "TEXTS", {"english": TEXTS["english"]})
    patch.setattr(survey, "attacks_on", lambda _: tuple(each for each in ON_DOCX if each.name in _SOME))
    with ThreadPoolExecutor(1) as executor:
        rows = survey.survey(Workshop(tmp_path_factory.mktemp("survey")), executor, 1, lambda: None)
    patch.undo()
    return rows


def test_what_is_not_installed_is_not_counted(rows: list[Row]) -> None:
    """Its attacks have no trials and say which program is missing; all others are made."""
    assert [each.attack.name for each in rows] == list(_SOME)
    assert all(bool(each.trials) != bool(each.missing) for each in rows)
    assert set(survey.missing(rows)) == {"soffice", "gs"}
    table = survey.overview(rows, "docx")
    assert {row[0]: row[3] for row in table.rows}["DOCX to PDF, LibreOffice"] == "not tried: no soffice"


def test_survey_tells_what_survives_from_what_does_not(rows: list[Row]) -> None:
    """A file that is left alone is read without an error; one without formats is lost; edits are seen as such."""
    found = {each.attack.name: each.trials[0] for each in rows if each.trials}
    whole, lost, cut = found["untouched"], found["formats_reset"], found["clause_removed"]
    assert (whole.alone.right, whole.alone.intact, sum(whole.wrong.values())) == (True, True, 0)
    assert (lost.alone.right, lost.informed.right, lost.alone.refusal) == (False, False, "WATERMARK_MISSING")
    assert lost.wrong["colour"] > lost.compared["colour"] / 3
    assert cut.informed.right
    assert not cut.informed.intact


def test_survey_is_written_for_people_and_programs(rows: list[Row], tmp_path: Path) -> None:
    """Tables, JSON, and a picture that is the same for the same figures."""
    made = {(each["attack"], each["kind"]): each for each in survey.to_json(rows)}
    assert made["untouched", "docx_colour"]["alone"] == {
        "read": 1,
        "tries": 1,
        "lower": pytest.approx(0.2065, 0.01),
        "upper": 1,
    }
    pictures = [tmp_path / name for name in ("one.svg", "other.svg")]
    for each in pictures:
        draw(each, rows)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def _characters(file: bytes) -> Counter[str]:
    return Counter("".join(read_text(file).split()))


def test_edits_are_as_large_as_they_say(specimen: Specimen) -> None:
    """So many characters are gone, or new, or others."""
    file = specimen.embedded.file
    before = _characters(file)
    share = round(0.1 * before.total())
    assert _characters(deleted(0.1)(file, CHANCE)).total() == before.total() - share
    assert _characters(put_in(0.1)(file, CHANCE)).total() == before.total() + share
    text = "".join(read_text(file).split())
    other = "".join(read_text(replaced(0.1)(file, CHANCE)).split())
    assert sum(one != two for one, two in zip(text, other, strict=True)) == share
    assert before.total() + 200 - _characters(clause_removed(file, CHANCE)).total() >= CLAUSE
    assert _characters(clauses_swapped(file, CHANCE)) == before
    assert read_text(clauses_swapped(file, CHANCE)) != read_text(file)
    assert len(read_text(clause_put_in(file, CHANCE))) - len(read_text(file)) - 1 == CLAUSE
    reset = docx.Document(io.BytesIO(formats_reset(file, CHANCE)))
    assert not reset.element.body.xpath(".//w:r/w:rPr")


@pytest.mark.parametrize("kind", [DOCX_COLOUR, PDF_BOTH])
def test_changed_character_is_seen_by_others_too(kind: Kind) -> None:
    """Replaced, deleted, typed: in the file itself, where other programs read it; and it is never called intact."""
    (marked,) = make_specimens(kind, "english", 1)
    file = marked.embedded.file
    changes = changes_of(kind.extension, file)
    before = "".join(read_text(file).split())
    lengths = [len("".join(read_text(changes.make(40, each)).split())) - len(before) for each in CHANGES]
    assert lengths == [0, -1, 1]
    assert read_text(changes.make(40, "replaced")) != read_text(file)
    intact, tried = unnoticed(marked, 3, changes.places // 6)
    assert intact == 0
    assert tried > 3


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_documents_are_looked_at(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, and one of ten with an original; that one would be counted is seen by a reader that takes all."""
    assert accepted(kind, 0, 3) == 0
    monkeypatch.setattr("bench.watermark.acceptance.extract", lambda *_: None)
    assert accepted(kind, 0, 3) == 4


def test_scan_has_no_text_to_read(tmp_path: Path) -> None:
    """What comes from a scanner is pictures: refused, and counted as lost."""
    workshop = Workshop(tmp_path)
    scan = next(each for each in ON_PDF if each.name == "scanned")
    if workshop.lacks(scan.needs):
        pytest.skip("no pdftocairo")
    with ThreadPoolExecutor(1) as executor:
        row = attempt(workshop, scan, make_specimens(PDF_BOTH, "english", 1), executor)
    assert row.trials[0].alone.refusal == "DOCUMENT_EMPTY"


def test_difference_is_that_of_the_files(tmp_path: Path) -> None:
    """None between a file and itself; little, and no line broken otherwise, between unmarked and marked PDF."""
    workshop = Workshop(tmp_path)
    if workshop.lacks(("pdftocairo", "mutool")):
        pytest.skip("no pdftocairo or mutool")
    (marked,) = make_specimens(PDF_BOTH, "english", 1)
    same = compare(workshop, marked.plain, marked.plain)
    assert (same.similarity, same.shift, same.moved, same.widening) == (1, 0, 0, 0)
    found = compare(workshop, marked.plain, marked.embedded.file)
    assert 0.98 < found.similarity < 1
    assert 0 < found.shift < 0.2
    assert (found.moved, round(found.widening, 3)) == (0, 0)


def test_long_contract_is_measured_from_file_to_file(tmp_path: Path) -> None:
    """In a process of its own; what does not work is told."""
    file, made = tmp_path / "plain.docx", tmp_path / "marked.docx"
    file.write_bytes(make_plain("english", "docx"))
    assert measure("embed", file, made).peak_bytes > 1 << 24
    assert measure("extract", made).seconds > 0
    with pytest.raises(BenchFailed, match="no watermark"):
        measure("extract", file)


def test_page_without_marks_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    path = tmp_path / "page.md"
    path.write_text("# Page\n", encoding="utf-8")
    with pytest.raises(BenchFailed, match="where the table goes"):
        page.write_page(path, None, None, ())  # type: ignore[arg-type]
    assert path.read_text(encoding="utf-8") == "# Page\n"
