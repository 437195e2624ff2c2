"""Contract documents from the agents' side: what works at a real server, and what a lying one could show."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from contract.documents.draft import DraftFormat
from contract.documents.fonts import FaceName, Fonts
from contract.documents.reading import read_draft
from contract.documents.typesetting.document import typeset
from contract.documents.typesetting.signatures import SignatureBlock
from contract.drafting.evidence import EVIDENCE_NAME, ContractEvidence
from contract.drafting.verification import Original, verify_contract
from contract.joint_statement import JointStatement
from contract.pades.attachments import with_attachment
from contract.report import Outcome
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed
from contract.watermark.key import WatermarkKey
from mpc.errors import PeerMisbehaved
from signer_agent.drafting.model import Contract, ContractState
from tests.contract.drafting.finished import fonts
from tests.signer_agent.drafting.people import TEXT, Lie, Negotiator, Table, markdown
from tests.signer_agent.refusals import refused
from wire.catalogue import ServiceError

pytestmark = pytest.mark.asyncio(loop_scope="module")


def authority_of(table: Table) -> x509.Certificate:
    """Of the server."""
    return table.alice.drafting._authority


async def test_from_draft_to_pdf(table: Table) -> None:
    """Two write in turns, sign, consent, and sign the PDF; whoever has the file verifies it."""
    alice, bob = table.alice.drafting, table.bob.drafting
    made = await alice.create("Lease of a room", ["bob"], markdown())
    assert (made.state, made.summary.pen_holder, made.summary.accounts) == (
        ContractState.DRAFTING,
        "alice",
        ("alice", "bob"),
    )
    name = made.contract_id
    with refused("PEN_NOT_HELD"):
        await bob.edit(name, 1, markdown(TEXT + "\n\nA further clause."))
    await alice.pass_pen(name, "bob")
    edited = await bob.edit(name, 1, markdown(TEXT + "\n\nA further clause."))
    assert [each.author for each in edited.versions] == ["alice", "bob"]
    with refused("DRAFT_VERSION_STALE"):
        await alice.confirm(name, 1)
    await alice.confirm(name, 2)
    locked = await bob.confirm(name, 2)
    assert (locked.state, locked.agreed_version) == (ContractState.LOCKED, 2)
    draft = await alice.draft(name, 2)
    assert draft.text.endswith("A further clause.")
    await alice.sign(locked, draft)
    signed = await bob.sign(locked, draft)
    assert signed.state is ContractState.SIGNED
    await alice.consent(signed)
    assert (await bob.consent(signed)).state is ContractState.CONSENTED
    finished = await alice.finish(name)
    assert finished.state is ContractState.FINISHED
    with refused("CONTRACT_STATE_WRONG"):
        await alice.reopen(name, "too late")
    await asyncio.gather(
        alice.documents.sign_pdf(finished), bob.documents.sign_pdf(finished)
    )  # one of them signs again, over the other's
    complete = await alice.contract(name)
    assert complete.state is ContractState.COMPLETE
    for file in (await bob.documents.pdf(complete), await bob.documents.docx(complete)):
        report = await asyncio.to_thread(verify_contract, file, authority_of(table), Original(draft.text))
        assert report.outcome is Outcome.PASSED, report
        assert report.alterations == ()
        assert report.payload is not None
        archived = await bob.documents.archived(report.payload.serial, report.payload.digest)
        assert archived.contract_id == name
        with refused("CONTRACT_NOT_FOUND"):
            await bob.documents.archived(report.payload.serial, bytes(32))


async def test_another_text_is_named(table: Table) -> None:
    """Who signs another text than the server has is named, and everything goes back to editing."""
    locked = await table.locked()
    draft = await table.bob.drafting.draft(locked.contract_id)
    object.__setattr__(draft, "text", draft.text.replace("a", "e", 1))
    with refused("CONTRACT_TEXT_DIFFERS"):
        await table.bob.drafting.sign(locked, draft)
    after = await table.alice.drafting.contract(locked.contract_id)
    assert after.state is ContractState.DRAFTING
    assert after.last_return is not None
    assert (after.last_return.account, after.last_return.text_differs) == ("bob", True)


async def test_shown_another_text(table: Table) -> None:
    """Who is shown another text than the other party has signed signs nothing."""
    locked = await table.locked()
    signed = await table.alice.drafting.sign(locked, await table.alice.drafting.draft(locked.contract_id))
    draft = await table.bob.drafting.draft(locked.contract_id)
    object.__setattr__(draft, "text", draft.text.replace("a", "e", 1))
    with pytest.raises(PeerMisbehaved) as caught:
        await table.bob.drafting.sign(signed, draft)
    assert (caught.value.reason, caught.value.culprit) == ("CONTRACT_ANSWER_WRONG", "server")
    after = await table.alice.drafting.contract(locked.contract_id)
    assert (after.state, after.parties[1].statement) == (ContractState.LOCKED, None)


async def test_refused(table: Table) -> None:
    """One refusal ends it."""
    signed = await table.signed()
    await table.alice.drafting.consent(signed)
    ended = await table.bob.drafting.refuse(signed.contract_id, "I found another room")
    assert (ended.state, ended.end is not None) == (ContractState.ENDED, True)
    with refused("CONTRACT_STATE_WRONG"):
        await table.bob.drafting.consent(signed)


@pytest.fixture(scope="module")
def made() -> dict[str, Contract]:
    """Contracts that these tests share, made when first asked for."""
    return {}


async def finished(table: Table, made: dict[str, Contract]) -> Contract:
    """A finished contract that nobody has signed as PDF."""
    if "finished" not in made:
        made["finished"] = await table.finished()
    return made["finished"]


async def other_pdf(table: Table, made: dict[str, Contract]) -> bytes:
    """The PDF of another contract between the same people."""
    if "other" not in made:
        made["other"] = await table.finished(TEXT + "\n\nA further clause.")
    return await table.bob.drafting.documents.pdf(made["other"])


async def lied(person: Negotiator, contract: Contract, method: str, lie: Lie) -> PeerMisbehaved:
    """How signing the PDF is refused when the server lies so."""
    with person.told(method, lie), pytest.raises(PeerMisbehaved) as caught:
        await person.drafting.documents.sign_pdf(contract)
    assert caught.value.culprit == "server"
    return caught.value


async def test_document_of_another_contract(table: Table, made: dict[str, Contract]) -> None:
    """It holds in itself, and is not what was signed here."""
    contract, other = await finished(table, made), await other_pdf(table, made)

    def lie(answer: Any) -> None:  # noqa: ANN401
        answer.content = other

    error = await lied(table.bob, contract, "GetDocument", lie)
    assert (error.reason, error.metadata["check"]) == ("CONTRACT_DOCUMENT_WRONG", "original")


async def test_document_that_is_none(table: Table, made: dict[str, Contract]) -> None:
    """Nothing that could be signed."""
    contract = await finished(table, made)

    def lie(answer: Any) -> None:  # noqa: ANN401
        answer.content = answer.content[:1000]

    assert (await lied(table.bob, contract, "GetDocument", lie)).reason == "CONTRACT_DOCUMENT_WRONG"


def forge(contract: Contract, evidence: ContractEvidence, **changed: Any) -> bytes:  # noqa: ANN401
    """A PDF as a server makes it of a contract, but for what is changed: text, marks, serial, attached."""
    draft = read_draft(changed.get("text", TEXT).encode(), DraftFormat.MARKDOWN)
    block = SignatureBlock(evidence.serial, evidence.time, contract.summary.accounts)
    key = WatermarkKey.of_authority(x509.load_der_x509_certificate(evidence.authority))
    marked = embed(
        open_document(typeset(draft, fonts(), block).file),
        key,
        serial=changed.get("serial", evidence.serial),
        time=evidence.time,
        signatures=changed.get("marks", evidence.marks),
    ).file
    return with_attachment(marked, EVIDENCE_NAME, changed.get("attached", evidence.to_der()))


@pytest.mark.parametrize(
    ("what", "check", "who"),
    [
        ("text", "belongs", "the document"),
        ("marks", "in-watermark", "alice"),
        ("serial", "belongs", "the document"),
        ("statement", "statement", "bob"),
        ("party", "evidence", "the document"),
        ("other-evidence", "belongs", "the document"),
    ],
)
async def test_document_that_is_not_the_contract(
    table: Table, made: dict[str, Contract], what: str, check: str, who: str
) -> None:
    """The agent says what is wrong and whose part it is, and signs nothing."""
    contract = await finished(table, made)
    await other_pdf(table, made)
    drafting = table.bob.drafting
    evidence, other = (
        await drafting.documents.evidence(contract.contract_id),
        await drafting.documents.evidence(made["other"].contract_id),
    )
    alice, bob = evidence.signers
    swapped = replace(bob, signed=JointStatement(bob.signed.statement, alice.signed.signature))
    cases: dict[str, dict[str, Any]] = {
        "text": {"text": TEXT.replace("a", "e", 1)},
        "marks": {"marks": other.marks},
        "serial": {"serial": evidence.serial + 100},
        "statement": {"attached": replace(evidence, signers=(alice, swapped)).to_der()},
        "party": {"attached": evidence.to_der()[:-10]},
        "other-evidence": {"attached": other.to_der()},
    }

    def lie(answer: Any) -> None:  # noqa: ANN401
        answer.content = forge(contract, evidence, **cases[what])

    error = await lied(table.bob, contract, "GetDocument", lie)
    assert (error.reason, error.metadata["check"], error.metadata["who"]) == ("CONTRACT_DOCUMENT_WRONG", check, who)
    assert not [each for each in (await drafting.contract(contract.contract_id)).parties if each.pdf_signed]


async def test_honest_forgery(table: Table, made: dict[str, Contract]) -> None:
    """What the forger of these tests makes without a change has no record in the log, and nothing else against it."""
    contract = await finished(table, made)
    evidence = await table.bob.drafting.documents.evidence(contract.contract_id)

    def lie(answer: Any) -> None:  # noqa: ANN401
        answer.content = forge(contract, evidence)

    error = await lied(table.bob, contract, "GetDocument", lie)
    assert (error.reason, error.metadata["check"]) == ("CONTRACT_DOCUMENT_WRONG", "record")


async def test_pages_of_another_look(table: Table, made: dict[str, Contract]) -> None:
    """A PDF that is not what its draft gives here is signed by nobody who has not looked at it."""
    contract, drafting = await finished(table, made), table.bob.drafting
    faces = dict(fonts().files)
    faces[FaceName.LATIN] = faces[FaceName.LATIN_BOLD]

    def missing() -> Fonts:
        raise ServiceError("FONT_MISSING", file="NotoSerif-Bold.ttf")

    for found, reason in ((lambda: Fonts(faces), "CONTRACT_PAGES_DIFFER"), (missing, "CONTRACT_PAGES_UNCOMPARED")):
        with pytest.MonkeyPatch.context() as patched, refused(reason):
            patched.setattr(drafting.documents, "_fonts", found)
            await drafting.documents.sign_pdf(contract)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(drafting.documents, "_fonts", missing)
        assert await drafting.documents.docx(contract, pages_seen=True)
    assert not [each for each in (await drafting.contract(contract.contract_id)).parties if each.pdf_signed]


async def test_record_of_another_contract(table: Table, made: dict[str, Contract]) -> None:
    """A document whose record is not in the log."""
    contract = await finished(table, made)

    def no_receipt(answer: Any) -> None:  # noqa: ANN401
        answer.receipt = answer.receipt.replace(b"\n", b"\n\n", 1)

    def no_entry(answer: Any) -> None:  # noqa: ANN401
        answer.entry_der = answer.entry_der[:-1]

    for lie in (no_receipt, no_entry):
        await lied(table.bob, contract, "GetDocument", lie)


async def test_other_draft(table: Table, made: dict[str, Contract]) -> None:
    """The server shows another draft than the one that was signed, with digests that fit."""
    contract = await finished(table, made)
    other = await table.bob.drafting.draft(made.get("other", contract).contract_id)

    def lie(answer: Any) -> None:  # noqa: ANN401
        answer.content = other.file.content + b"\n\nAn other clause."

    assert (await lied(table.bob, contract, "GetVersion", lie)).reason == "CONTRACT_ANSWER_WRONG"


async def test_other_serial_number(table: Table, made: dict[str, Contract]) -> None:
    """The server names another serial number than the document has."""
    contract = await finished(table, made)
    object.__setattr__(contract.summary, "serial", contract.summary.serial + 1)
    try:
        with pytest.raises(PeerMisbehaved) as caught:
            await table.bob.drafting.documents.sign_pdf(contract)
    finally:
        object.__setattr__(contract.summary, "serial", contract.summary.serial - 1)
    assert caught.value.metadata["check"] == "evidence"


def _spoil_mark(answer: Any) -> None:  # noqa: ANN401
    answer.contract.parties[0].mark = bytes(64)


def _swap_statements(answer: Any) -> None:  # noqa: ANN401
    one, other = answer.contract.parties
    one.statement_der, other.statement_der = other.statement_der, one.statement_der


def _drop_party(answer: Any) -> None:  # noqa: ANN401
    del answer.contract.parties[1]


def _other_contract(answer: Any) -> None:  # noqa: ANN401
    answer.contract.summary.contract_id = "contract-" + "a" * 26


def _spoil_signature(answer: Any) -> None:  # noqa: ANN401
    der = bytearray(answer.contract.parties[1].statement_der)
    der[-1] ^= 1
    answer.contract.parties[1].statement_der = bytes(der)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (_spoil_mark, "CONTRACT_MARK_INVALID"),
        (_swap_statements, "SIGNATURE_INVALID"),
        (_drop_party, "CONTRACT_ANSWER_WRONG"),
        (_other_contract, "CONTRACT_ANSWER_WRONG"),
        (_spoil_signature, "SIGNATURE_INVALID"),
    ],
)
async def test_lies_about_a_contract(table: Table, made: dict[str, Contract], lie: Lie, reason: str) -> None:
    """Are found when it is read, before anything is consented to."""
    if "signed" not in made:
        made["signed"] = await table.signed()
    with table.bob.told("GetContract", lie), pytest.raises(PeerMisbehaved) as caught:
        await table.bob.drafting.contract(made["signed"].contract_id)
    assert (caught.value.reason, caught.value.culprit) == (reason, "server")
