"""``fourseal contract``: two people negotiate by commands, finish, and anybody verifies the file."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from contract.pades.attachments import attachment
from tests.contract.tsa import TimeStampAuthority, served
from tests.signer_agent.drafting.people import TEXT, Negotiator, Table
from tests.signer_agent.refusals import refused
from tests.signer_agent.trusteeship.people import command_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Desk:
    """Where commands are typed, and their output is read."""

    def __init__(self, table: Table, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.table = table
        self._capsys = capsys
        self.folder = folder
        self.authority = folder / "authority.pem"
        self.stamps = folder / "stamps.pem"
        self.tsa_folder = folder / "tsa"
        self.tsa_folder.mkdir()
        self.authority.write_bytes(table.alice.contracts._line.identity.authority_pem)

    async def run(self, person: Negotiator, *arguments: str, status: int | None = None) -> str:
        """A command, and what it shows."""
        self._capsys.readouterr()
        found = await command_of(person.home, "contract", *arguments)
        shown = self._capsys.readouterr()
        assert (found or 0) == (status or 0), shown
        return shown.out

    async def json(self, person: Negotiator, *arguments: str, status: int | None = None) -> Any:  # noqa: ANN401
        """The same, for programs."""
        return json.loads(await self.run(person, *arguments, "--json", status=status))

    def file(self, name: str, content: str) -> Path:
        """A file."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    async def complete(self) -> tuple[Path, Path, Path]:
        """A contract that both finished by commands: draft, PDF, DOCX."""
        alice, bob = self.table.alice, self.table.bob
        draft = self.file("lease.md", TEXT)
        made = await self.json(alice, "new", str(draft), "--with", "bob", "--title", "Lease")
        name = made["contract_id"]
        for person in (alice, bob):
            await self.run(person, "confirm", name)
        for person in (alice, bob):
            await self.run(person, "sign", name, "--yes")
        waiting = await self.json(alice, "finish", name, "--yes", status=3)
        assert waiting["state"] == "signed"
        pdf, docx = self.folder / "lease.pdf", self.folder / "lease.docx"
        tsa = TimeStampAuthority(self.tsa_folder)
        self.stamps.write_bytes(tsa.root_pem)
        stamped = ("--tsa-certificate", str(self.stamps), "--long-term")
        with served(lambda _: (503, b"")) as url:  # down
            finished = await self.json(bob, "finish", name, "--yes", "--pkcs1", "--tsa", url, *stamped, status=3)
        told = (finished["state"], finished["level"], finished["unstamped"], finished["written"])
        assert told == ("finished", "B-B", "TIME_STAMP_UNAVAILABLE", [])
        with served(lambda request: (200, tsa.answer(request))) as url:
            done = await self.json(
                alice, "finish", name, "--out", str(pdf), "--docx", str(docx), "--tsa", url, *stamped
            )
        assert (done["level"], done["unstamped"]) == ("B-LT", None)
        assert (done["state"], done["written"]) == ("complete", [str(pdf), str(docx)])
        return draft, pdf, docx


@pytest.fixture
def desk(table: Table, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Desk:
    """An empty one."""
    return Desk(table, capsys, tmp_path)


async def test_negotiation(desk: Desk) -> None:
    """Versions, pen, differences; what is not possible says what to do."""
    alice, bob = desk.table.alice, desk.table.bob
    draft = desk.file("lease.md", TEXT)
    made = await desk.json(alice, "new", str(draft), "--with", "bob")
    name = made["contract_id"]
    assert (made["title"], made["state"], made["pen_holder"]) == ("lease", "drafting", "alice")
    assert name in await desk.run(bob, "list")
    with refused("PEN_NOT_HELD"):
        await desk.run(bob, "edit", name, str(draft))
    await desk.run(alice, "pass", name, "bob")
    first, _, rest = TEXT.partition(" ")
    await desk.run(bob, "edit", name, str(desk.file("changed.md", f"{first} surely {rest}")))
    shown = await desk.run(alice, "diff", name)
    assert "[+" in shown
    assert "surely" in shown
    changes = (await desk.json(alice, "diff", name, "--from", "1", "--to", "2"))["changes"]
    assert "".join(each["text"] for each in changes if each["kind"] == "insert").strip() == "surely"
    assert not [each for each in changes if each["kind"] == "delete"]
    out = desk.folder / "got.md"
    await desk.run(alice, "get", name, "--version", "1", "--out", str(out))
    assert out.read_text(encoding="utf-8") == TEXT
    with refused("FILE_EXISTS"):
        await desk.run(alice, "get", name, "--out", str(out))
    with refused("CONTRACT_STATE_WRONG"):
        await desk.run(alice, "finish", name)
    table = await desk.run(alice, "show", name)
    assert "version" not in table.splitlines()[0]
    for word in ("alice", "bob", "drafting", "Pen"):
        assert word in table
    ended = await desk.json(bob, "refuse", name, "--reason", "no", "--yes")
    assert (ended["state"], ended["refused_by"]) == ("ended", "bob")
    with refused("DRAFT_MALFORMED"):
        await desk.run(alice, "new", str(desk.file("lease.odt", TEXT)), "--with", "bob")


async def test_finish_and_verify(desk: Desk) -> None:
    """From the file and the authority's certificate alone; then what was altered is named."""
    alice = desk.table.alice
    draft, pdf, docx = await desk.complete()
    trust = ("--authority", str(desk.authority))
    for file in (pdf, docx):
        report = await desk.json(alice, "verify", str(file), *trust, "--original", str(draft), "--server")
        assert (report["outcome"], report["alterations"], report["archive"]["problem"]) == ("passed", [], None)
        assert report["archive"]["this_file"]
        assert [each["account"] for each in report["signers"]] == ["alice", "bob"]
        assert "Verdict" in await desk.run(alice, "verify", str(file), *trust)
    stamps = ("--tsa-certificate", str(desk.stamps))
    levels = [each["level"] for each in (await desk.json(alice, "verify", str(pdf), *trust, *stamps))["signatures"]]
    assert levels == ["B-B", "B-LT"]
    if shutil.which("pdfsig"):
        found = subprocess.run(["pdfsig", str(pdf)], capture_output=True, check=False).stdout  # noqa: ASYNC221
        assert found.count(b"Signature is Valid") == 2
    assert attachment(pdf.read_bytes(), "fourseal-contract.der")

    resaved = desk.folder / "resaved.docx"
    Document(str(docx)).save(str(resaved))
    report = await desk.json(alice, "verify", str(resaved), *trust, "--server")
    assert (report["outcome"], report["archive"]["problem"], report["archive"]["this_file"]) == ("passed", None, False)

    spoilt = desk.folder / "spoilt.pdf"
    content = bytearray(pdf.read_bytes())
    place = content.index(b"/ByteRange") - 200
    content[place] ^= 1
    spoilt.write_bytes(bytes(content))
    report = await desk.json(alice, "verify", str(spoilt), *trust, status=1)
    reasons = {each["reason"] for each in report["checks"]}
    assert reasons & {"PDF_ALTERED", "PDF_CHANGED_AFTER", "PDF_SIGNATURE_WRONG"}

    other = desk.file("other.md", TEXT + "\n\nA further clause.")
    report = await desk.json(alice, "verify", str(pdf), *trust, "--original", str(other), status=1)
    assert [each["reason"] for each in report["checks"] if each["name"] == "original"] == ["ORIGINAL_OF_OTHER_CONTRACT"]


async def test_wrong_command(desk: Desk) -> None:
    """A file that is not there says nothing against the contract: exit status 2."""
    missing = str(desk.folder / "missing.pdf")
    await desk.run(desk.table.alice, "verify", missing, "--authority", str(desk.authority), status=2)
