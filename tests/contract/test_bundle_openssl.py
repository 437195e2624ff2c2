"""The commands of VERIFY.txt, run as they stand there: they succeed for what holds, and fail for what does not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from contract.bundle.files import digest_of, read_manifest, write_manifest
from contract.statement import Decision
from tests.contract.disclosure import LOG_KEY, ORIGIN, Case, answered_case, simple_case
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import NOW, World
from transparency.keys import VerifierKey

PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")


def unpack(files: dict[str, bytes], folder: Path) -> None:
    """As an archive is."""
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def commands(text: str) -> list[str]:
    """Lines that begin with four spaces."""
    return [line.removeprefix("    ") for line in text.splitlines() if line.startswith("    ")]


def follow(folder: Path, log_key: str = LOG_KEY.to_text()) -> tuple[int, str]:
    """Run every command in a plain POSIX shell, in order, until one fails: its number from 1, or 0; and the output."""
    listed = commands((folder / "VERIFY.txt").read_text(encoding="utf-8"))
    assert len(listed) > 15
    printed = ""
    for number, command in enumerate(listed, start=1):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LOG_KEY": log_key},
            capture_output=True,
            check=False,
        )
        printed += done.stdout.decode() + done.stderr.decode()
        if done.returncode:
            return number, printed
    return 0, printed


def followed(case: Case, folder: Path) -> str:
    """What is printed; all succeed."""
    unpack(case.files(), folder)
    failed, printed = follow(folder)
    assert failed == 0, printed
    return printed


def test_joint_scheme(joint: World, tmp_path: Path) -> None:
    """A message with an answer: each signature is verified, and each key found to be the product."""
    printed = followed(answered_case(joint, ("bob", Decision.ACCEPT)), tmp_path)
    assert printed.count("Verified OK") == 2
    assert printed.count("True\n") == 2
    assert printed.count("Signature Verified Successfully") == 2  # of the checkpoints
    assert printed.count(": OK") == 8  # three certificates, and one against the list


def test_separate_scheme(separate: World, tmp_path: Path) -> None:
    """RSA, ECDSA and Ed25519 by the author; RSA by the session."""
    printed = followed(answered_case(separate, ("bob", Decision.REJECT), ("carol", Decision.ACCEPT)), tmp_path)
    assert printed.count("Verified OK") == 2 + 2 + 1
    assert printed.count("Signature Verified Successfully") == 3 + 1
    text = (tmp_path / "VERIFY.txt").read_text(encoding="utf-8")
    assert "bob rejects it" in text
    assert "carol accepts it" in text
    assert "Every recipient has answered." in text


def test_what_is_missing_is_said(separate: World, tmp_path: Path) -> None:
    """An answer, a revocation list, a content."""
    case = answered_case(separate, ("carol", Decision.REJECT))
    answer = replace(case.bundle.answers[0], disclosure=None)
    bundle = replace(case.bundle, answers=(answer,), revocations=None)
    followed(replace(case, bundle=bundle, contents={"content": case.contents["content"]}), tmp_path)
    text = (tmp_path / "VERIFY.txt").read_text(encoding="utf-8")
    assert "This bundle has no answer of: bob." in text
    assert "There is no revocation list here" in text
    assert "answers/1-content" not in text


def test_revoked_later(joint: World, tmp_path: Path) -> None:
    """The text says since when, and OpenSSL shows it."""
    case = simple_case(joint)
    entry = (joint.person("alice").sign.certificate, NOW + timedelta(hours=3), x509.ReasonFlags.key_compromise)
    revocations = joint.authority.sign_list(joint.authority.revocation_list(entry, issued=NOW + timedelta(days=1)))
    printed = followed(replace(case, bundle=replace(case.bundle, revocations=revocations)), tmp_path)
    text = (tmp_path / "VERIFY.txt").read_text(encoding="utf-8")
    assert "revoked on 2026-05-04 13:30:00 UTC (keyCompromise)" in text
    assert "Revocation Date: May  4 13:30:00 2026" in printed


def test_time_stamp(joint: World, tmp_path: Path) -> None:
    """With the authority's certificate from elsewhere."""
    (tmp_path / "tsa").mkdir()
    tsa = TimeStampAuthority(tmp_path / "tsa")
    case = simple_case(joint)
    stamp = tsa.stamp(case.bundle.message.receipt.checkpoint.to_bytes())
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "tsa.pem").write_bytes(tsa.root_pem)
    assert "Verification: OK" in followed(case.message(time_stamp=stamp), folder)
    (folder / "checkpoint.tsr").write_bytes(tsa.stamp(b"another checkpoint"))
    failed, printed = follow(folder)
    assert failed
    assert "message imprint mismatch" in printed


def test_every_text_reads_well(separate: World, tmp_path: Path) -> None:
    """Lines of prose are short, nothing was left unfilled, and every file named is there or made before."""
    followed(answered_case(separate, ("bob", Decision.ACCEPT)), tmp_path)
    text = (tmp_path / "VERIFY.txt").read_text(encoding="utf-8")
    prose = [line for line in text.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= 120
    assert not re.search(r"\bNone\b|\\n|\{\}|<[a-z]", text)
    assert text.isascii()


SPOILT: tuple[tuple[str, Callable[[bytes], bytes], str], ...] = (
    ("content", lambda data: data[:-1] + b"!", "content"),
    ("description.der", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "description.der"),
    ("statement.der", lambda data: data.replace(b"alice", b"alicf"), "-verify"),
    ("signature.bin", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "-verify"),
    ("certificates/author-sign.pem", lambda _: b"", "author-sign.pem"),
    ("certificates/session-sign.pem", lambda data: data.replace(b"A", b"B"), "session-sign.pem"),
    ("certificates/authority.pem", lambda _: b"", "authority.pem"),
    ("revoked.crl", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "revoked.crl"),
    ("entry.der", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "sed -n 3p"),
    ("receipt.tlog-proof", lambda data: data.replace(b"\n5\n", b"\n6\n").replace(b"\n4\n", b"\n5\n"), "pkeyutl"),
)


@pytest.mark.parametrize(("name", "spoil", "expected"), SPOILT, ids=[each[0] for each in SPOILT])
def test_what_does_not_hold_fails(
    joint: World, tmp_path: Path, name: str, spoil: Callable[[bytes], bytes], expected: str
) -> None:
    """At a command that looks at it: nobody reads "OK" to the end."""
    files = simple_case(joint).files()
    assert spoil(files[name]) != files[name]
    unpack(files | {name: spoil(files[name])}, tmp_path)
    failed, printed = follow(tmp_path)
    assert failed, printed
    assert expected in commands(files["VERIFY.txt"].decode())[failed - 1]


def test_missing_content_fails(joint: World, tmp_path: Path) -> None:
    """A digest that could not be computed is found nowhere."""
    files = simple_case(joint).files()
    del files["content"]
    unpack(files, tmp_path)
    failed, _ = follow(tmp_path)
    assert "-r content" in commands(files["VERIFY.txt"].decode())[failed - 1]


def test_joint_key_of_somebody_else(joint: World, tmp_path: Path) -> None:
    """The signature may hold under it: the product shows that it is not theirs."""
    files = simple_case(joint).files()
    other = subprocess.run(["openssl", "genrsa", "4096"], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=other, check=True, capture_output=True).stdout
    unpack(files | {"joint.pem": public, "other.key": other}, tmp_path)
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", *PSS, "-sign", "other.key", "statement.der"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (tmp_path / "signature.bin").write_bytes(signed.stdout)
    failed, _ = follow(tmp_path)
    assert "python3" in commands(files["VERIFY.txt"].decode())[failed - 1]


def test_another_log(joint: World, tmp_path: Path) -> None:
    """Of another name or key; or none was set."""
    unpack(simple_case(joint).files(), tmp_path)
    private = ed25519.Ed25519PrivateKey.generate()
    for key in ("", VerifierKey.of("log.example/other", private).to_text(), VerifierKey.of(ORIGIN, private).to_text()):
        assert follow(tmp_path, key)[0]
    assert follow(tmp_path)[0] == 0


def test_manifest_lists_what_openssl_finds(joint: World, tmp_path: Path) -> None:
    """Length and SHA-256 of every file."""
    files = simple_case(joint).files()
    unpack(files, tmp_path)
    manifest = read_manifest(files["MANIFEST.json"])
    assert {*manifest, "MANIFEST.json"} == set(files)
    for name, listed in manifest.items():
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-r", name], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert done.stdout.split()[0] == listed.sha256.hex()
        assert digest_of(files[name]) == listed
    assert write_manifest(manifest) == files["MANIFEST.json"]
