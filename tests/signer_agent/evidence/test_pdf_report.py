"""The report as PDF: all that was found, in text that can be read back; the same bytes each time; nothing forged."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pypdf
import pytest

from contract.bundle.checks import BundleTrust
from contract.bundle.verification import CHECKS
from contract.oids import DEFAULT_ARC
from contract.statement import Decision
from signer_agent.evidence.pdf_page import visible, wrap
from signer_agent.evidence.pdf_report import write_report
from signer_agent.evidence.verification import Finding, verify_archive
from signer_agent.evidence.wording import LIMITS
from tests.contract.disclosure import Case, answered_case, case_of, simple_case
from tests.contract.evidence import deposit
from tests.contract.world import World, describe
from tests.signer_agent.evidence.archives import write_case

TIME: Final = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def found(case: Case, folder: Path, name: str = "bundle.zip") -> Finding:
    """Of a bundle in a file of that name."""
    return verify_archive(write_case(folder / name, case), case.trust, DEFAULT_ARC, TIME, lambda _, __: None)


def text_of(report: bytes) -> str:
    """All text, without regard to where lines are broken."""
    pages = pypdf.PdfReader(io.BytesIO(report)).pages
    return "".join(" ".join(page.extract_text() for page in pages).split())


def squeezed(text: str) -> str:
    """As ``text_of`` has it."""
    return "".join(text.split())


def test_everything_is_in_it(world: World, tmp_path: Path) -> None:
    """Verdict, whom was believed, every check, signers, times, digests, fingerprints, log, limits."""
    case = answered_case(world, ("bob", Decision.REJECT))
    finding = found(case, tmp_path)
    text = text_of(write_report(finding))
    message, answer = case.bundle.messages
    assert case.trust.log_key is not None
    wanted = [
        "Verdict: passed",
        finding.manifest.hex(),
        "2026-11-28 09:00:00 UTC",
        case.trust.log_key.to_text(),
        "Lease of a room",
        "answer: reject",
        message.session_encrypt.fingerprint.hex(),
        *LIMITS.split("\n\n"),
        *CHECKS[:-2],
        "answered",
    ]
    for each in (message, answer):
        assert each.disclosure is not None
        wanted += [each.author.fingerprint.hex(), each.entry.leaf_hash.hex(), each.disclosure.description.digest.hex()]
    missing = [each for each in wanted if squeezed(each) not in text]
    assert not missing


def test_the_same_finding_makes_the_same_bytes(world: World, tmp_path: Path) -> None:
    """No random id, no time of the writing."""
    finding = found(simple_case(world), tmp_path)
    assert write_report(finding) == write_report(replace(finding))
    assert write_report(finding) != write_report(replace(finding, file="another.zip"))


def test_what_did_not_pass_stands_out(world: World, tmp_path: Path) -> None:
    """With its reason; an answer that is missing is missing."""
    case = simple_case(world)
    text = text_of(write_report(found(replace(case, trust=BundleTrust()), tmp_path)))
    assert "Verdict:indeterminate" in text
    assert "TRUST_MISSING:" in text
    assert "bobanswermissing" in text
    deposited = deposit(world, signature=world.signed(replace(world.statement(), sequence=8)))
    text = text_of(write_report(found(case_of(world, (deposited,), world.authority), tmp_path)))
    assert "Verdict:failed" in text
    assert "SIGNATURE_INVALID" in text


@pytest.mark.parametrize(
    "subject",
    [
        "Lease <b>of</b> a <para/> room &amp; <font color='white'>",
        "Mietvertrag über Łódź, Ελλάδα, Россия",
        "房屋租赁合同。卖方张伟、买方李娜",
        "房屋租賃合同 between Alice and 張偉",
        "\u05e9\u05db\u05d9\u05e8\u05d5\u05ea 😀 \\u{41}",
        "a" * 200,
    ],
)
def test_foreign_and_hostile_texts(subject: str, world: World, tmp_path: Path) -> None:
    """Shown as they are, or as what cannot be mistaken; nothing else of the report changes."""
    info = replace(world.info, subject=subject)
    name = "合同 <b>.txt"
    description = replace(describe(), name=name)
    other = replace(world, info=info)
    deposited = deposit(other, other.statement(description=description), description=description)
    report = write_report(found(case_of(other, (deposited,), other.authority), tmp_path, "bundle \u202e\x1b[2J.zip"))
    text = text_of(report)
    assert squeezed(f"Subject {visible(subject)} Place") in text
    assert squeezed(f"Content {name} Type") in text
    assert squeezed("Bundle bundle \\u{202e}\\u{1b}[2J.zip Manifest") in text
    assert text.count("Verdict:") == 1
    assert text.count("Limitsofthisstatement") == 1


def test_what_does_not_show_is_escaped() -> None:
    """Controls, marks of direction, what combines, spaces of other kinds, and what no font has."""
    assert visible("a\nb\u202ec\u0301\xa0\u3000\u200b\\") == r"a\u{a}b\u{202e}c\u{301}\u{a0}\u{3000}\u{200b}\u{5c}"
    assert visible("\u05d0\U0001f600\ud800") == r"\u{5d0}\u{1f600}\u{d800}"
    assert visible("张 über Ω") == "张 über Ω"


def test_lines_are_cut_at_spaces_and_nothing_is_lost() -> None:
    """Words that are too long are cut anywhere; Chinese has no spaces."""
    for text in ("one two  three", "x" * 100, "a " + "合同" * 40, " ", "", "ab " * 30):
        lines = wrap(text, 100.0, 8.0, bold=False)
        assert squeezed("".join(lines)) == squeezed(text)
    assert wrap("the statement was signed then", 60.0, 8.0, bold=False) == ["the statement", "was signed", "then"]
