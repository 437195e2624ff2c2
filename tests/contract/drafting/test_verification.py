"""A finished contract holds, or what is wrong with it is named: text, watermark, evidence, signers, PDF signatures."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from contract.drafting.docx_evidence import with_evidence
from contract.drafting.evidence import EVIDENCE_NAME
from contract.drafting.made import field_name
from contract.drafting.verification import ContractReport, Original, verify_contract
from contract.pades.attachments import with_attachment
from contract.report import Outcome
from contract.watermark import embedding
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed
from contract.watermark.key import WatermarkKey
from tests.contract.drafting.finished import (
    OTHER_TEXT,
    Finished,
    edited,
    joint,
    make_evidence,
    make_finished,
    signed,
    spoilt,
    without_paragraph,
)
from tests.contract.pades.signers import JointSigner, joint_signer
from tests.contract.watermark.contracts import make_docx
from tests.contract.world import Issuer
from tests.mpc.refusals import malformed


@pytest.fixture(scope="module")
def finished(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> Finished:
    """A contract of Alice and Bob."""
    return make_finished(authority, make_evidence(authority, (pdf_alice, pdf_bob)))


def found(report: ContractReport) -> dict[str, str]:
    """What did not pass, and why; a signer's checks behind its name."""
    checks = [("", each) for each in report.document.checks]
    checks += [(f"{signer.account}:", each) for signer in report.signers for each in signer.report.checks]
    return {f"{who}{each.name}": each.reason for who, each in checks if each.outcome is not Outcome.PASSED}


async def test_holds(authority: Issuer, finished: Finished, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """From the file alone, and with the draft; who and when is said."""
    for file in (await signed(finished.pdf, pdf_alice, pdf_bob), finished.docx):
        for original in (None, Original(finished.text)):
            report = verify_contract(file, authority.certificate, original)
            assert found(report) == {}
            assert report.outcome is Outcome.PASSED
            assert report.evidence == finished.evidence
            assert report.payload is not None
            assert (report.payload.serial, report.payload.time) == (17, finished.evidence.time)
            assert [each.account for each in report.signers] == ["alice", "bob"]
            assert report.alterations == (None if original is None else ())


async def test_not_all_signed(authority: Issuer, finished: Finished, pdf_alice: JointSigner) -> None:
    """Cannot be said to hold yet; whose signature is missing is named."""
    report = verify_contract(await signed(finished.pdf, pdf_alice), authority.certificate)
    missing = "PDF_SIGNATURE_MISSING"
    assert found(report) == {"signatures": missing, "bob:pdf-signature": missing}
    assert report.outcome is Outcome.INDETERMINATE


async def test_signed_by_others(
    authority: Issuer, finished: Finished, pdf_alice: JointSigner, pdf_bob: JointSigner
) -> None:
    """Somebody with a good certificate who is no signer; somebody with another key of a signer."""
    for name in ("carol", "bob"):
        other = joint_signer(authority, name, pdf_alice.keys)
        pdf = await signed(finished.pdf, pdf_alice, pdf_bob)
        pdf = (await other.sign(pdf, field="other", minutes=9)).file
        assert found(verify_contract(pdf, authority.certificate)) == {"signatures": "PDF_SIGNED_BY_OTHERS"}


async def test_signed_twice(
    authority: Issuer, finished: Finished, pdf_alice: JointSigner, pdf_bob: JointSigner
) -> None:
    """One of the signers again."""
    pdf = await signed(finished.pdf, pdf_alice, pdf_bob)
    pdf = (await pdf_alice.sign(pdf, field="other", minutes=9)).file
    assert found(verify_contract(pdf, authority.certificate)) == {"signatures": "PDF_SIGNED_AGAIN"}


async def test_signed_for_each_other(
    authority: Issuer, finished: Finished, pdf_alice: JointSigner, pdf_bob: JointSigner
) -> None:
    """Each in the other's field, where it shows as the other's."""
    pdf = (await pdf_alice.sign(finished.pdf, field=field_name("bob"), minutes=3)).file
    pdf = (await pdf_bob.sign(pdf, field=field_name("alice"), minutes=4)).file
    wrong = "PDF_SIGNATURE_MISPLACED"
    wanted = {"alice:pdf-signature": wrong, "bob:pdf-signature": wrong}
    assert found(verify_contract(pdf, authority.certificate)) == wanted


def test_altered_amount(authority: Issuer, finished: Finished) -> None:
    """One digit: found from the file alone; with the draft, where and what it was."""
    place = next(
        number for number, line in enumerate(finished.text.split("\n")) if any(each.isdigit() for each in line)
    )

    def edit(texts: list[str]) -> list[str]:
        number = next(at for at, text in enumerate(texts) if any(each.isdigit() for each in text))
        digit = next(each for each in texts[number] if each.isdigit())
        texts[number] = texts[number].replace(digit, "7" if digit != "7" else "8", 1)
        return texts

    file = edited(finished.docx, edit, place)
    report = verify_contract(file, authority.certificate)
    assert found(report) == {"text": "TEXT_ALTERED"}
    report = verify_contract(file, authority.certificate, Original(finished.text))
    assert found(report) == {"text": "TEXT_ALTERED"}
    assert report.alterations is not None
    (altered,) = report.alterations
    assert (len(altered.before), altered.after) in {(1, "7"), (1, "8")}
    assert finished.text[altered.place] == altered.before


def test_removed_clause(authority: Issuer, finished: Finished) -> None:
    """Named with its number."""
    file = without_paragraph(finished.docx, 3)
    original = Original(finished.text)
    report = verify_contract(file, authority.certificate, original)
    assert found(report)["text"] == "TEXT_ALTERED"
    assert report.alterations is not None
    assert sum(len(each.before.strip()) for each in report.alterations) >= len(finished.text.split("\n")[3].strip()) - 1
    assert not any(each.after.strip() for each in report.alterations)


def test_any_character(authority: Issuer, finished: Finished) -> None:
    """Whichever is altered."""
    chance = random.Random(3)  # noqa: S311
    lines = finished.text.split("\n")
    for _ in range(5):
        paragraph = chance.choice([number for number, line in enumerate(lines) if line.strip()])

        def edit(texts: list[str]) -> list[str]:
            number = chance.choice([at for at, text in enumerate(texts) if text.strip()])
            at = chance.choice([at for at, each in enumerate(texts[number]) if not each.isspace()])
            old = texts[number]
            texts[number] = old[:at] + ("x" if old[at] != "x" else "y") + old[at + 1 :]
            return texts

        report = verify_contract(edited(finished.docx, edit, paragraph), authority.certificate)
        assert found(report)["text"] == "TEXT_ALTERED"


def test_watermark_of_another_contract(authority: Issuer, finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put into another text, with the evidence that it came from, or with that of the other contract."""
    other = make_docx([line for line in OTHER_TEXT.split("\n") if line])
    key, evidence = WatermarkKey.of_authority(authority.certificate), finished.evidence
    monkeypatch.setattr(embedding, "text_digest", lambda _: evidence.text_digest)
    moved = embed(open_document(other), key, serial=evidence.serial, time=evidence.time, signatures=evidence.marks).file
    report = verify_contract(with_evidence(moved, evidence.to_der()), authority.certificate)
    assert found(report) == {"text": "TEXT_ALTERED"}
    original = Original(finished.text)
    report = verify_contract(with_evidence(moved, evidence.to_der()), authority.certificate, original)
    assert found(report) == {"text": "WATERMARK_MOVED"}
    theirs = replace(evidence, serial=18)
    report = verify_contract(with_evidence(moved, theirs.to_der()), authority.certificate)
    assert found(report) == {"belongs": "WATERMARK_OF_OTHER_CONTRACT", "text": "TEXT_ALTERED"}


def test_without_evidence(authority: Issuer, finished: Finished) -> None:
    """The watermark and its digest are checked, and what could not be is said."""
    key, evidence = WatermarkKey.of_authority(authority.certificate), finished.evidence
    bare = make_docx([line for line in finished.text.split("\n") if line])
    marked = embed(open_document(bare), key, serial=evidence.serial, time=evidence.time, signatures=evidence.marks).file
    report = verify_contract(marked, authority.certificate)
    assert found(report) == {"evidence": "EVIDENCE_MISSING", "belongs": "PREREQUISITE_FAILED"}
    assert (report.outcome, report.signers) == (Outcome.INDETERMINATE, ())
    report = verify_contract(bare, authority.certificate)
    assert found(report)["watermark"] == "WATERMARK_MISSING"
    broken = with_evidence(marked, evidence.to_der()[:-1])
    assert found(verify_contract(broken, authority.certificate))["evidence"] == "CONTRACT_EVIDENCE_MALFORMED"


def test_another_authority(finished: Finished) -> None:
    """Who knows another authority finds no watermark of its installation, and certificates that nobody issued."""
    report = verify_contract(finished.docx, Issuer().certificate)
    assert found(report)["watermark"] == "WATERMARK_MISSING"
    assert found(report)["alice:certificate"] == "CERTIFICATE_NOT_ISSUED"


def test_spoilt_evidence(authority: Issuer, finished: Finished, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """Whose word does not hold is named, and what of it; nobody else."""
    good = finished.evidence
    alice, bob = good.signers
    cases = {
        "bob:statement": spoilt(good, 1, signed=joint(pdf_alice, bob.signed.statement)),
        "alice:consent": spoilt(good, 0, consented=joint(pdf_bob, alice.consented.statement)),
        "alice:mark": spoilt(good, 0, mark=bob.mark),
    }
    for where, evidence in cases.items():
        made = make_finished(authority, evidence)
        report = verify_contract(made.docx, authority.certificate)
        reason = "CONTRACT_MARK_INVALID" if where == "alice:mark" else "SIGNATURE_INVALID"
        assert found(report) == {where: reason}
        assert report.outcome is Outcome.FAILED


def test_mark_that_the_watermark_has_not(authority: Issuer, finished: Finished) -> None:
    """A watermark with the mark of one signer twice."""
    key, evidence = WatermarkKey.of_authority(authority.certificate), finished.evidence
    bare = make_docx([line for line in finished.text.split("\n") if line])
    mark = evidence.marks[0]
    marked = embed(open_document(bare), key, serial=evidence.serial, time=evidence.time, signatures=[mark, mark]).file
    report = verify_contract(with_evidence(marked, evidence.to_der()), authority.certificate)
    assert found(report) == {"bob:in-watermark": "MARK_NOT_IN_WATERMARK"}


def test_certificates(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> None:
    """Of another authority; and one that had ended."""
    forged = joint_signer(Issuer(), "bob", pdf_bob.keys)
    made = make_finished(authority, make_evidence(authority, (pdf_alice, forged)))
    report = verify_contract(made.docx, authority.certificate)
    prerequisite = "PREREQUISITE_FAILED"
    assert found(report) == {
        "bob:certificate": "CERTIFICATE_NOT_ISSUED",
        "bob:statement": prerequisite,
        "bob:consent": prerequisite,
    }


async def test_other_original(authority: Issuer, finished: Finished) -> None:
    """A draft that is another one is no measure of what was altered."""
    report = verify_contract(finished.docx, authority.certificate, Original(finished.text + "\nA further clause."))
    assert found(report) == {"original": "ORIGINAL_OF_OTHER_CONTRACT"}
    assert report.alterations is None


def test_evidence_is_attached_once(finished: Finished) -> None:
    """And nobody can put in other evidence beside it."""
    with malformed("PDF_MALFORMED"):
        with_attachment(finished.pdf, EVIDENCE_NAME, b"other")
