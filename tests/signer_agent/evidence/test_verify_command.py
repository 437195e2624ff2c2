"""``fourseal verify BUNDLE``: without key store or server; the exit status says what it came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from contract.bundle.verification import CHECKS
from contract.statement import Decision
from signer_agent.home import Home
from tests.contract.disclosure import Case, answered_case, case_of
from tests.contract.evidence import deposit
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import Issuer, World, describe
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.evidence.archives import pack, write_case
from tests.signer_agent.real import Ran, fourseal


@dataclass(frozen=True)
class Verifier:
    """Somebody with the program, what a bundle's verifier must know, and nothing else."""

    home: Home
    folder: Path
    bundle: Path
    trust: tuple[str | Path, ...]

    def run(self, *arguments: str | Path, status: int) -> Ran:
        """Verify; the exit status must be that."""
        ran = fourseal(self.home, "verify", *arguments)
        assert ran.status == status, (ran.out, ran.err)
        assert "Traceback" not in ran.err
        assert not self.home.folder.exists()
        return ran


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    """A message that Bob accepted; Dora never answered."""
    return answered_case(world, ("bob", Decision.ACCEPT))


@pytest.fixture(scope="module")
def verifier(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """Who got the bundle, and knows whom to believe."""
    folder = tmp_path_factory.mktemp("verifier")
    assert case.trust.authority is not None
    assert case.trust.log_key is not None
    (folder / "authority.pem").write_bytes(case.trust.authority.public_bytes(Encoding.PEM))
    (folder / "log-key").write_text(case.trust.log_key.to_text() + "\n")
    trust = ("--authority", folder / "authority.pem", "--log-key", folder / "log-key")
    return Verifier(Home.find(folder / "none"), folder, write_case(folder / "bundle.zip", case), trust)


def test_a_bundle_that_holds(verifier: Verifier, case: Case) -> None:
    """Status 0. Every check has its number and outcome; programs get the same."""
    shown = verifier.run(verifier.bundle, *verifier.trust, status=0).out.decode()
    assert shown.splitlines()[-1].split() == ["Verdict", "passed"]
    assert "Lease of a room" in shown
    assert case.trust.log_key is not None
    key = case.trust.log_key.to_text()
    found = json.loads(verifier.run(verifier.bundle, *verifier.trust[:2], "--log-key", key, "--json", status=0).out)
    assert (found["outcome"], found["trust"]["log_key"]) == ("passed", key)
    assert found["message"]["content"]["name"] == "offer.txt"
    (answer,) = found["answers"]
    assert (answer["author"], answer["decision"]) == ("bob", "accept")
    for part, left_out in ((found["message"], {"answered", "time-stamp"}), (answer, {"authority", "time-stamp"})):
        wanted = [(number, name) for number, name in enumerate(CHECKS, start=1) if name not in left_out]
        assert [(each["number"], each["name"]) for each in part["checks"]] == wanted
        assert {each["outcome"] for each in part["checks"]} == {"passed"}


def test_what_is_not_known_is_indeterminate(verifier: Verifier) -> None:
    """Status 3, and the reasons."""
    shown = verifier.run(verifier.bundle, status=3).out.decode()
    assert "TRUST_MISSING" in shown
    assert shown.splitlines()[-1].split() == ["Verdict", "indeterminate"]


def test_what_does_not_hold_fails(verifier: Verifier, world: World, tmp_path: Path) -> None:
    """Status 1: another content, another authority. An answer that is missing is shown, and is no failure."""
    good = write_case(tmp_path / "good.zip", case_of(world, (deposit(world),), world.authority))
    shown = verifier.run(good, *verifier.trust, status=0).out.decode()
    assert "missing" in shown
    found = json.loads(verifier.run(good, *verifier.trust, "--json", status=0).out)
    assert found["answers"] == [{"author": "bob", "decision": None}]
    forged = tmp_path / "forged.zip"
    deposited = deposit(world, world.statement(), b"The contraCt.", description=describe())
    forged.write_bytes(pack(case_of(world, (deposited,), world.authority).files().items()))
    shown = verifier.run(forged, *verifier.trust, status=1).out.decode()
    assert shown.splitlines()[-1].split() == ["Verdict", "failed"]
    (tmp_path / "other.pem").write_bytes(Issuer().certificate.public_bytes(Encoding.PEM))
    found = json.loads(verifier.run(good, "--authority", tmp_path / "other.pem", "--json", status=1).out)
    assert found["message"]["checks"][0]["reason"] == "AUTHORITY_WRONG"


def test_a_time_stamp_counts_if_its_authority_is_known(verifier: Verifier, world: World, tmp_path: Path) -> None:
    """As the file says that holds the authority's certificate."""
    (tmp_path / "tsa").mkdir()
    stamps = TimeStampAuthority(tmp_path / "tsa")
    (tmp_path / "stamps.pem").write_bytes(stamps.root_pem)
    plain = case_of(world, (deposit(world),), world.authority)
    stamp = stamps.stamp(plain.bundle.message.receipt.checkpoint.to_bytes())
    bundle = write_case(tmp_path / "bundle.zip", plain.message(time_stamp=stamp))

    def checks(*more: str | Path, status: int) -> dict[str, str]:
        found = json.loads(verifier.run(bundle, *verifier.trust, *more, "--json", status=status).out)
        assert (found["message"]["time_stamp_time"] is not None) == bool(more)
        return {each["name"]: each["reason"] for each in found["message"]["checks"] if each["outcome"] != "passed"}

    assert checks(status=3) == {"time-stamp": "TRUST_MISSING"}
    # the stamp is of the test's own day: the bundle's revocation list is older, and cannot tell
    assert checks("--tsa-certificate", tmp_path / "stamps.pem", status=3) == {
        "author-not-revoked": "REVOCATION_LIST_OUTDATED"
    }


def test_a_report_for_others(verifier: Verifier, tmp_path: Path) -> None:
    """Whole or not at all; one that is there is not replaced unasked."""
    report = tmp_path / "report.pdf"
    verifier.run(verifier.bundle, *verifier.trust, "--pdf", report, status=0)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(report).pages)
    assert "Verdict: passed." in text
    ran = verifier.run(verifier.bundle, "--pdf", report, "--json", status=2)
    assert json.loads(ran.err)["error"]["reason"] == "FILE_EXISTS"
    verifier.run(verifier.bundle, "--pdf", report, "--force", status=3)
    assert "--out" not in ran.err
    ran = verifier.run(verifier.bundle, "--pdf", tmp_path / "nowhere" / "report.pdf", status=2)
    assert ("FILE_UNUSABLE" in ran.err, ran.out) == (True, b"")  # nothing was verified in vain
    verifier.run(verifier.trust[1], "--pdf", tmp_path / "none.pdf", status=1)
    verifier.run(verifier.bundle, "--pdf", "-", status=2)
    assert [each.name for each in tmp_path.iterdir()] == ["report.pdf"]
    (tmp_path / "folder").mkdir()
    ran = verifier.run(verifier.bundle, *verifier.trust, "--pdf", tmp_path / "folder", "--force", status=0)
    assert "FILE_UNUSABLE" in ran.err  # and the verdict stands
    assert ran.out.decode().splitlines()[-1].split() == ["Verdict", "passed"]


def _no_bundle(verifier: Verifier) -> tuple[str | Path, ...]:
    return (verifier.trust[1],)


def _no_file(verifier: Verifier) -> tuple[str | Path, ...]:
    return (verifier.folder / "missing",)


def _no_authority(verifier: Verifier) -> tuple[str | Path, ...]:
    return verifier.bundle, "--authority", verifier.bundle


def _no_log_key(verifier: Verifier) -> tuple[str | Path, ...]:
    return verifier.bundle, "--log-key", verifier.trust[1]


def _no_log_key_file(verifier: Verifier) -> tuple[str | Path, ...]:
    return verifier.bundle, "--log-key", "name+00000000+AA=="


def _no_arc(verifier: Verifier) -> tuple[str | Path, ...]:
    return verifier.bundle, "--arc", "1.x"


def _another_arc(verifier: Verifier) -> tuple[str | Path, ...]:
    return verifier.bundle, "--arc", "1.3.6.1.4.1.99999"


@pytest.mark.parametrize(
    ("reason", "arguments", "status"),
    [
        ("BUNDLE_MALFORMED", _no_bundle, 1),
        ("FILE_UNUSABLE", _no_file, 1),
        ("CERTIFICATE_MALFORMED", _no_authority, 2),
        ("LOG_KEY_MALFORMED", _no_log_key, 2),
        ("FILE_UNUSABLE", _no_log_key_file, 2),
        ("ARC_MALFORMED", _no_arc, 2),
        ("CERTIFICATE_MALFORMED", _another_arc, 1),
    ],
)
def test_bad_input(
    reason: str, arguments: Callable[[Verifier], tuple[str | Path, ...]], status: int, verifier: Verifier
) -> None:
    """The error's reason; and status 2 where it says nothing against the bundle, which is not forged by that."""
    ran = verifier.run(*arguments(verifier), "--json", status=status)
    assert json.loads(ran.err)["error"]["reason"] == reason
    if status == 2 and reason != "ARC_MALFORMED":
        assert str(arguments(verifier)[-1]) in ran.err  # which of the files


def test_options_of_both_kinds_are_a_wrong_command(verifier: Verifier) -> None:
    """A bundle's trust does not go with a key of a signature."""
    verifier.run(verifier.bundle, *verifier.trust, "--key", "x", status=2)
    verifier.run(verifier.bundle, "--signature", "x", status=2)


def test_progress_on_a_terminal(verifier: Verifier) -> None:
    """Of the contents."""
    terminal = Terminal(verifier.home, "verify", verifier.bundle, *verifier.trust)
    assert terminal.end() == 0
    assert "Verifying bundle.zip" in terminal.seen
