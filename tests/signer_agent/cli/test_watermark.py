"""``fourseal watermark``: what it writes, says and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mpc.errors import FoursealError
from signer_agent.cli.main import make_app
from tests.contract.watermark.contracts import CHINESE, ENGLISH, make_docx, read_text
from tests.contract.watermark.editing import with_text
from tests.contract.watermark.pdfs import make_plain_pdf, with_content
from tests.signer_agent.authority import Authority
from wire.client.output import OUTPUT

EMBED = ("--serial", "118", "--time", "2026-11-28T20:30:15+08:00")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with contracts, an authority, and two signatures."""
    monkeypatch.setattr(OUTPUT, "as_json", False)  # commands run in this process, and set it
    (tmp_path / "contract.docx").write_bytes(make_docx(CHINESE))
    (tmp_path / "other.docx").write_bytes(make_docx(ENGLISH))
    (tmp_path / "authority.pem").write_bytes(Authority().pem)
    (tmp_path / "stranger.pem").write_bytes(Authority().pem)
    (tmp_path / "1.sig").write_bytes(bytes(range(64)))
    (tmp_path / "2.sig").write_bytes(bytes(512))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    """A command; files are named below the folder."""
    paths = [str(folder / each) if "." in each and not each.startswith("2026") else each for each in arguments]
    return CliRunner().invoke(make_app("watermark"), ["watermark", *paths])


def document(folder: Path, *arguments: str, status: int = 0) -> Any:  # noqa: ANN401  # whatever the command prints
    """The JSON of a command."""
    ran = run(folder, *arguments, "--json")
    assert ran.exit_code == status, ran.output
    return json.loads(ran.stdout)


def test_contract_is_marked_and_read(folder: Path) -> None:
    """Serial number, time, digest and signatures come back; an RSA signature goes in as its digest."""
    both = document(folder, "capacity", "contract.docx", "--channel", "colour", "--channel", "spacing")
    room = document(folder, "capacity", "contract.docx")
    assert (both["layer"], room["layer"]) == ("whole", "digests")
    assert both["available_bits"] == sum(both["channels"].values()) > room["available_bits"]
    assert room["available_bits"] == sum(room["channels"].values()) > room["needed_bits"] > 863
    embed = ("embed", "contract.docx", "--authority", "authority.pem", "--out", "marked.docx", *EMBED)
    said = document(folder, *embed, "--signature", "1.sig", "--signature", "2.sig")
    assert read_text((folder / "marked.docx").read_bytes()) == "\n".join(CHINESE)
    found = document(folder, "extract", "marked.docx", "--authority", "authority.pem")
    assert found["intact"]
    same = ("serial", "time", "text_sha256", "layer", "signatures")
    assert {name: found[name] for name in same} == {name: said[name] for name in same}
    assert (found["serial"], found["time"], found["layer"]) == (118, "2026-11-28T12:30:15+00:00", "digests")
    shown = run(folder, "extract", "marked.docx", "--authority", "authority.pem")
    assert shown.exit_code == 0
    assert "Text              " in shown.stdout
    assert "the one that was marked" in shown.stdout

    forged = with_text((folder / "marked.docx").read_bytes(), "壹", "玖")
    (folder / "forged.docx").write_bytes(forged)
    extract = ("extract", "forged.docx", "--authority", "authority.pem")
    assert document(folder, *extract, status=1)["alterations"] is None
    told = document(folder, *extract, "--original", "contract.docx", status=1)
    assert [(each["before"], each["after"]) for each in told["alterations"]] == [("壹", "玖")]
    shown = run(folder, *extract, "--original", "contract.docx")
    assert shown.exit_code == 1
    assert "玖" in shown.stdout
    assert "other one too" in run(folder, *extract, "--original", "other.docx").stdout


@pytest.mark.parametrize(
    ("reason", "arguments"),
    [
        ("FILE_UNUSABLE", ("capacity", "missing.docx")),
        ("DOCUMENT_MALFORMED", ("capacity", "1.sig")),
        ("DOCUMENT_TOO_SHORT", ("capacity", "other.docx", "--channel", "spacing")),
        ("FILE_EXISTS", ("embed", "other.docx", "--authority", "authority.pem", "--out", "1.sig", *EMBED)),
        ("CERTIFICATE_MALFORMED", ("extract", "other.docx", "--authority", "1.sig")),
        ("WATERMARK_MISSING", ("extract", "other.docx", "--authority", "authority.pem")),
        (
            "WATERMARK_PAYLOAD_MALFORMED",
            ("embed", "other.docx", "--authority", "authority.pem", "--out", "out.docx", "--serial", "0"),
        ),
        (
            "WATERMARK_PAYLOAD_MALFORMED",
            (
                "embed",
                "other.docx",
                "--authority",
                "authority.pem",
                "--out",
                "out.docx",
                "--serial",
                "1",
                "--time",
                "noon",
            ),
        ),
    ],
)
def test_bad_input_is_refused(folder: Path, reason: str, arguments: tuple[str, ...]) -> None:
    """With an error of the catalogue, and nothing is written."""
    before = sorted(each.name for each in folder.iterdir())
    found = run(folder, *arguments).exception
    assert isinstance(found, FoursealError)
    assert found.reason == reason
    assert sorted(each.name for each in folder.iterdir()) == before


def test_pdf_is_marked_and_compared_with_either_format(folder: Path) -> None:
    """Its channels are its own; what is no text of it is said; a forged amount is named beside PDF and DOCX."""
    (folder / "contract.pdf").write_bytes(make_plain_pdf(ENGLISH))
    room = document(folder, "capacity", "contract.pdf")
    assert list(room["channels"]) == ["colour", "kerning"]
    embed = ("embed", "contract.pdf", "--authority", "authority.pem", "--out", "marked.pdf", *EMBED)
    document(folder, *embed, "--signature", "1.sig")
    extract = ("extract", "marked.pdf", "--authority", "authority.pem")
    for arguments in (extract, (*extract, "--original", "contract.pdf"), (*extract, "--original", "other.docx")):
        found = document(folder, *arguments)
        assert found["intact"]
        assert not found["alterations"]
    forged = with_content((folder / "marked.pdf").read_bytes(), lambda data: data.replace(b"<33>", b"<39>", 1))
    aside = b" /Artifact BMC BT /F1 9 Tf 300 20 Td (Page 1) Tj ET EMC"
    (folder / "forged.pdf").write_bytes(with_content(forged, lambda data: data + aside))
    extract = ("extract", "forged.pdf", "--authority", "authority.pem")
    for original in ("contract.pdf", "other.docx"):
        told = document(folder, *extract, "--original", original, status=1)
        assert [(each["before"], each["after"]) for each in told["alterations"]] == [("3", "9")]
        assert told["remarks"] == ["not covered, as it is marked as no text: Page 1"]
    assert "as no text: Page 1" in run(folder, *extract).stdout


def test_marks_of_one_installation_say_nothing_to_another(folder: Path) -> None:
    """Nor does a marked contract get a second watermark."""
    embed = ("embed", "other.docx", "--authority", "authority.pem", "--out", "marked.docx", *EMBED)
    assert run(folder, *embed).exit_code == 0
    found = run(folder, "extract", "marked.docx", "--authority", "stranger.pem").exception
    assert isinstance(found, FoursealError)
    assert found.reason == "WATERMARK_MISSING"
    again = run(folder, "embed", "marked.docx", "--authority", "stranger.pem", "--out", "twice.docx", *EMBED).exception
    assert isinstance(again, FoursealError)
    assert again.reason == "WATERMARK_PRESENT"
