"""Finishing: one serial number, one time, documents that say what all have signed, and the archive."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial
from hashlib import sha256

import pytest
import pytest_asyncio
from cryptography import x509
from fourseal.v1 import drafting_service_pb2 as pb
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from contract.drafting.docx_evidence import evidence_in
from contract.drafting.evidence import EVIDENCE_NAME, ContractEvidence
from contract.drafting.records import ContractRecord
from contract.log_entry import EntryKind, LogEntry
from contract.pades.attachments import attachment
from contract.pades.signatures import pdf_signatures
from contract.watermark.documents import open_document
from contract.watermark.extraction import extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import SignatureLayer
from server.root.fsck import fsck
from tests.contract.watermark.contracts import CHINESE, make_docx
from tests.server.cli.test_cli import answer
from tests.server.drafting.conftest import Table
from tests.server.drafting.people import TEXT, consented, digest_of, signed
from tests.server.harness import query, silent_log
from tests.server.trusteeship.conftest import change
from tests.server.trusteeship.people import authority_of, reason_of
from wire.ids import new_request_id


def with_note(pdf: bytes) -> bytes:
    """The PDF with a note on its first page: an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (100, 100, 300, 200))),
            generic.pdf_name("/Contents"): generic.pdf_string("not 100 but 1000"),
        }
    )
    page["/Annots"] = generic.ArrayObject([*page.get("/Annots", ()), writer.add_object(note)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


pytestmark = pytest.mark.asyncio(loop_scope="module")

STALE, WRONG = "CONTRACT_REVISION_STALE", "PDF_REVISION_WRONG"
DOCX, EVIDENCE = pb.CONTRACT_DOCUMENT_DOCX, pb.CONTRACT_DOCUMENT_EVIDENCE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def contract(table: Table) -> AsyncIterator[pb.Contract]:
    """A finished one, whose PDF nobody has signed; and nobody does."""
    made = await consented((table.alice, table.bob))
    yield await table.alice.have_made(made)


@pytest.fixture(scope="module")
def authority(table: Table) -> x509.Certificate:
    """Who issued everybody's certificates."""
    return authority_of(table.server).certificate


async def test_documents_say_what_all_have_signed(
    table: Table, contract: pb.Contract, authority: x509.Certificate
) -> None:
    """The text of the draft, the watermark with the marks of all, and the evidence: in PDF and DOCX alike."""
    assert contract.summary.state == pb.CONTRACT_STATE_FINISHED
    evidence = ContractEvidence.from_der((await table.bob.document(contract, EVIDENCE)).content)
    assert evidence.marks == tuple(each.mark for each in contract.parties)
    assert evidence.serial == contract.summary.serial
    assert evidence.text_digest == digest_of(TEXT)
    key = WatermarkKey.of_authority(authority)
    pdf, docx = await table.alice.document(contract), await table.bob.document(contract, DOCX)
    for file, found in (
        (pdf.content, attachment(pdf.content, EVIDENCE_NAME)),
        (docx.content, evidence_in(docx.content)),
    ):
        assert found == evidence.to_der()
        read = extract(open_document(file), key)
        said = read.payload
        assert (said.serial, said.time, said.digest, said.entries) == (
            evidence.serial,
            evidence.time,
            evidence.text_digest,
            evidence.marks,
        )
        assert read.intact
    record = ContractRecord.from_der(LogEntry.from_der(pdf.entry_der).body)
    assert record.evidence == evidence
    assert (record.pdf_digest, record.docx_digest) == (sha256(pdf.content).digest(), sha256(docx.content).digest())
    assert (contract.revisions[0].sha256, contract.docx_sha256) == (record.pdf_digest, record.docx_digest)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        (pb.DRAFT_FORMAT_DOCX, make_docx(CHINESE * 2)),
        (pb.DRAFT_FORMAT_MARKDOWN, ("# " + "\n\n".join(CHINESE * 2)).encode()),
    ],
    ids=["DOCX", "Markdown"],
)
async def test_every_format_becomes_a_contract(
    table: Table, authority: x509.Certificate, form: pb.DraftFormat.ValueType, content: bytes
) -> None:
    """In both documents the same text, of three signers, with all their marks, or digests of them."""
    people = (table.alice, table.bob, table.carol)
    contract = await consented(people, draft=pb.Draft(format=form, content=content))
    contract = await table.carol.have_made(contract)
    for document in (await table.alice.document(contract), await table.bob.document(contract, DOCX)):
        read = extract(open_document(document.content), WatermarkKey.of_authority(authority))
        assert read.intact
        marks = tuple(each.mark for each in contract.parties)
        digests = tuple(sha256(each).digest() for each in marks)
        expected = {SignatureLayer.WHOLE: marks, SignatureLayer.DIGESTS: digests}
        assert read.payload.entries == expected[read.payload.layer]
        assert read.payload.digest == contract.versions[0].text_digest


async def test_it_is_finished_once(table: Table) -> None:
    """However often, by whomever, and at the same time: one serial number and one record; numbers of others differ."""
    people = (table.alice, table.bob)
    contract, other = await consented(people), await consented(people)
    made = await asyncio.gather(*(person.have_made(contract) for person in people for _ in range(3)))
    assert {each.summary.serial for each in made} == {made[0].summary.serial}
    assert {each.revisions[0].sha256 for each in made} == {made[0].revisions[0].sha256}
    repeated = {"request_id": new_request_id()}
    assert (await table.bob.have_made(other, **repeated)) == (await table.bob.have_made(other, **repeated))
    assert (await table.bob.get(other)).summary.serial != made[0].summary.serial
    entries = [LogEntry.from_der(row[0]) for row in query(table.home, "SELECT entry FROM log_entries")]
    records = [ContractRecord.from_der(each.body) for each in entries if each.kind is EntryKind.CONTRACT]
    ids = [each.evidence.contract_id for each in records]
    assert ids.count(contract.summary.contract_id) == 1
    assert len({each.evidence.serial for each in records}) == len(records)


async def test_what_is_not_consented_to_is_not_finished(table: Table) -> None:
    """And what is not finished has no documents; what is finished goes nowhere but on."""
    contract = await signed((table.alice, table.bob))
    await table.alice.consent(contract)
    for attempt in (
        table.alice.have_made(contract),
        table.alice.document(contract),
        table.bob.document(contract, DOCX),
    ):
        assert await reason_of(attempt) == "CONTRACT_STATE_WRONG"
    assert (await table.alice.get(contract)).summary.serial == 0
    unspecified = pb.CONTRACT_DOCUMENT_UNSPECIFIED
    assert await reason_of(table.alice.document(contract, unspecified)) == "FIELD_INVALID"


async def test_the_archive_tells_who_has_the_document(table: Table, contract: pb.Contract) -> None:
    """Serial number and digest together; one alone, of whomever, says nothing."""
    mallory = table.mallory
    digest, serial = digest_of(TEXT), contract.summary.serial

    async def ask(serial: int, digest: bytes) -> pb.VerifyArchivedResponse:
        request = pb.VerifyArchivedRequest(serial=serial, text_digest=digest)
        return await mallory.call(mallory.drafting.VerifyArchived, request)

    answer = await ask(serial, digest)
    assert (answer.serial, answer.text_digest, answer.finish_time) == (serial, digest, contract.finish_time)
    assert list(answer.revisions) == list(contract.revisions)
    evidence = ContractRecord.from_der(LogEntry.from_der(answer.entry_der).body).evidence
    assert answer.evidence_sha256 == evidence.digest
    for wrong in ((serial, bytes(32)), (serial, b""), (serial + 1000, digest), (0, digest), (-1, digest)):
        assert await reason_of(ask(*wrong)) == "CONTRACT_NOT_FOUND"


async def test_all_sign_the_pdf(table: Table, authority: x509.Certificate) -> None:
    """One after the other; who comes second at the same time takes the new revision, and signs again."""
    alice, bob = table.alice, table.bob
    contract = await alice.have_made(await consented((alice, bob)))
    first = (await alice.document(contract)).content
    made = [await person.signed_pdf(contract, first) for person in (alice, bob)]
    outcomes = await asyncio.gather(
        *(person.add_pdf(contract, each, 0) for person, each in zip((alice, bob), made, strict=True)),
        return_exceptions=True,
    )
    reasons = [getattr(each, "reason", "") for each in outcomes]
    assert sorted(reasons) == ["", STALE]
    winner, loser = (alice, bob) if reasons[0] == "" else (bob, alice)
    assert await reason_of(winner.add_pdf(contract, made[0], 1)) == "PDF_SIGNED_BEFORE"
    latest = await loser.document(contract)
    assert latest.revision == 1
    assert latest.content.startswith(first)
    signed_by_both = await loser.signed_pdf(contract, latest.content)
    contract = await loser.add_pdf(contract, signed_by_both, 1)
    assert contract.summary.state == pb.CONTRACT_STATE_COMPLETE
    assert [each.account for each in contract.revisions] == ["", winner.name, loser.name]
    document = await winner.document(contract)
    assert (document.content, document.revision) == (signed_by_both, 2)
    found = pdf_signatures(document.content, [authority])
    assert [(each.account, each.problems) for each in found] == [(winner.name, ()), (loser.name, ())]
    read = extract(open_document(document.content), WatermarkKey.of_authority(authority))
    assert read.intact
    assert read.payload.serial == contract.summary.serial


async def test_pdfs_that_are_no_revision(table: Table, contract: pb.Contract) -> None:
    """Other bytes, no signature, somebody else's, one that was changed, or one beside another change."""
    alice, bob = table.alice, table.bob
    first = (await alice.document(contract)).content
    good = await alice.signed_pdf(contract, first)
    other = await alice.have_made(await consented((alice, bob)))
    theirs = await alice.signed_pdf(other, (await alice.document(other)).content)
    damaged = bytearray(good)
    damaged[-200] ^= 1
    twice = await bob.signed_pdf(contract, good)
    changed_first = await alice.signed_pdf(contract, with_note(first))
    changed_later = with_note(good)
    forged = await alice.signed_pdf(contract, first, as_whom=bob)
    wrong = [
        b"",
        first,
        first + b"\n",
        good[:-1],
        theirs,
        bytes(damaged),
        twice,
        changed_first,
        changed_later,
        forged,
        await bob.signed_pdf(contract, first),
        await alice.signed_pdf(contract, first, field_of=bob),
        bytes(3 << 20) + b"x",
    ]
    for number, content in enumerate(wrong):
        assert await reason_of(alice.add_pdf(contract, content, 0)) == WRONG, number
    for base in (-1, 1):
        assert await reason_of(alice.add_pdf(contract, good, base)) == STALE
    assert await alice.get(contract) == contract


async def test_the_operator_sees_contracts(table: Table, contract: pb.Contract) -> None:
    """Listed and shown beside the running server, without what was written."""
    ask = partial(asyncio.to_thread, partial(answer, table.home.folder))
    contract_id = contract.summary.contract_id
    listed = {each["contract_id"]: each for each in (await ask("contracts"))["contracts"]}
    shown = await ask("contracts", "show", contract_id)
    assert listed[contract_id].items() <= shown.items()
    assert (shown["state"], shown["serial"], shown["accounts"]) == (
        "finished",
        contract.summary.serial,
        ["alice", "bob"],
    )
    assert [each["consented"] for each in shown["parties"]] == [True, True]
    assert [each["sha256"] for each in shown["revisions"]] == [contract.revisions[0].sha256.hex()]


async def test_the_operator_finds_what_was_edited(table: Table, contract: pb.Contract) -> None:
    """In drafts, documents, the archive and the log."""

    def findings() -> str:
        found = fsck(table.home, silent_log(), (), lambda _: lambda *_: None).findings
        return "; ".join(f"{each.where}: {each.problem}" for each in found)

    assert findings() == ""
    contract_id, serial = contract.summary.contract_id, contract.summary.serial
    of_file = "contract_files SET content = zeroblob(9) WHERE contract_id = ? AND name"
    edits = {
        "its PDF is not what": f"UPDATE {of_file} = 'pdf'",
        "its DOCX is not what": f"UPDATE {of_file} = 'docx'",
        "its file is another one": f"UPDATE {of_file} = 'version 1'",
        "its file is missing": "DELETE FROM contract_files WHERE contract_id = ? AND name = 'version 1'",
        "its row is not what": "UPDATE contract_archive SET time = time + 1000000 WHERE contract_id = ?",
        "its row does not say so": "UPDATE contracts SET state = 'consented' WHERE contract_id = ?",
        "the row of its contract was deleted": "DELETE FROM contract_archive WHERE contract_id = ?",
    }
    kept = {
        name: query(table.home, f"SELECT * FROM {name} WHERE contract_id = ?", contract_id)  # noqa: S608
        for name in ("contract_files", "contract_archive", "contracts")
    }
    for problem, edit in edits.items():
        change(table.home, edit, contract_id)
        assert problem in findings()
        for name, rows in kept.items():
            change(table.home, f"DELETE FROM {name} WHERE contract_id = ?", contract_id)  # noqa: S608
            for row in rows:
                change(table.home, f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", *row)  # noqa: S608
        assert findings() == "", (problem, serial)
