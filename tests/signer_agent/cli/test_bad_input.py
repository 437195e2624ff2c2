"""Whatever is typed, given or missing: a plain message with what to do, exit status 1 or 2, never a traceback."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signer_agent.home import Home
from tests.signer_agent.authority import Authority
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import RealServer, fourseal
from tests.signer_agent.stores import PASSPHRASE

USAGE = (
    (),
    ("nonsense",),
    ("key",),
    ("key", "nonsense"),
    ("key", "generate"),
    ("key", "generate", "both"),
    ("key", "generate", "sign", "--bits", "many"),
    ("key", "generate", "sign", "--algorithm", "md5"),
    ("key", "generate", "sign", "--daily-limit", "1.5"),
    ("key", "export", "x", "--format", "xml"),
    ("key", "destroy", "x", "--final", "--cancel"),
    ("sign",),
    ("sign", "file"),
    ("sign", "--key", "x"),
    ("sign", "file", "file", "--key", "x", "--out", "y"),
    ("sign", "--list", "file", "--key", "x", "--request-id", "the-request-id-of-one"),
    ("sign", "file", "--key"),
    ("sign", "file", "--key", "x", "--algorithm", "rsa-pss-sha1"),
    ("sign", "file", "--key", "x", "--nonsense"),
    ("verify",),
    ("verify", "file", "--signature", "x"),
    ("verify", "file", "--key", "x", "--public-key", "y"),
    ("encrypt", "file"),
    ("decrypt", "file"),
    ("enrol",),
    ("agent",),
    ("agent", "dance"),
    ("passphrase",),
    ("register", "alice", "--display-name", "Alice", "--factor", "unknown"),
)


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_a_wrong_command_is_status_2(home: Home, arguments: tuple[str, ...]) -> None:
    """With a hint, and nothing done."""
    ran = fourseal(home, *arguments)
    assert ran.status == 2
    assert "Traceback" not in ran.err
    assert ran.err or ran.text
    assert not home.folder.exists()


def folder(path: Path) -> Path:
    """A folder in the file's place."""
    path.mkdir()
    return path


def absent(path: Path) -> Path:
    """No file."""
    return path


def looped(path: Path) -> Path:
    """A link to itself."""
    path.symlink_to(path)
    return path


def through_a_file(path: Path) -> Path:
    """A file in the place of a folder."""
    path.touch()
    return path / "below"


BAD_FILES: tuple[Callable[[Path], Path], ...] = (folder, absent, looped, through_a_file)


def test_a_file_that_cannot_be_read(signer: Signer, tmp_path: Path) -> None:
    """By each command that reads one, whatever is in its place; the file is named."""
    good = tmp_path / "good"
    good.write_bytes(b"x")

    def commands(bad: Path) -> tuple[tuple[str | Path, ...], ...]:
        return (
            ("sign", bad, "--key", "contracts", "--yes"),
            ("verify", bad, "--key", "contracts", "--signature", good),
            ("verify", good, "--key", "contracts", "--signature", bad),
            ("verify", good, "--public-key", bad, "--signature", good),
            ("encrypt", bad, "--key", "letters"),
            ("decrypt", bad, "--key", "letters", "--out", tmp_path / "out"),
            ("enrol", "--ticket", bad),
            ("agent", "unlock", "--passphrase-file", bad),
        )

    for number, make in enumerate(BAD_FILES):
        bad = make(tmp_path / make.__name__)
        for place, command in enumerate(commands(bad)):
            if make is absent or place % len(BAD_FILES) == number:  # one reader for all: each kind is met by some
                assert str(bad) in signer.refused("FILE_UNUSABLE", *command).err


def test_a_file_that_cannot_be_written(signer: Signer, tmp_path: Path) -> None:
    """Nothing half written is left; the file is named."""
    good, bad = tmp_path / "good", tmp_path / "none" / "out"
    good.write_bytes(b"x")
    before = sorted(tmp_path.iterdir())
    for out in (bad, tmp_path):
        more = ("--out", out, "--force")
        signer.refused("FILE_UNUSABLE", "sign", good, "--key", "contracts", "--yes", *more)
        signer.refused("FILE_UNUSABLE", "encrypt", good, "--key", "letters", *more)
        signer.refused("FILE_UNUSABLE", "key", "export", "contracts", *more)
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_that_is_there_is_not_replaced(signer: Signer, tmp_path: Path) -> None:
    """Unless it is said."""
    good, out = tmp_path / "good", tmp_path / "out"
    good.write_bytes(b"x")
    out.write_bytes(b"precious")
    for command in (
        ("sign", good, "--key", "contracts", "--yes"),
        ("encrypt", good, "--key", "letters"),
        ("decrypt", good, "--key", "letters"),
        ("key", "export", "contracts"),
    ):
        signer.refused("FILE_EXISTS", *command, "--out", out)
    assert out.read_bytes() == b"precious"
    signer.run("sign", good, "--key", "contracts", "--yes", "--out", out, "--force")
    assert len(out.read_bytes()) == 512


@pytest.mark.parametrize("content", [b"", b"x", bytes(512), b"\xff" * 512, os.urandom(512), os.urandom(2000)])
def test_a_signature_that_does_not_hold(signer: Signer, tmp_path: Path, content: bytes) -> None:
    """Nothing, too short, zeros, too large, random, too long."""
    (tmp_path / "document").write_bytes(b"x")
    (tmp_path / "document.sig").write_bytes(content)
    signer.refused("SIGNATURE_INVALID", "verify", tmp_path / "document", "--key", "contracts")


def test_a_signature_of_something_else(signer: Signer, tmp_path: Path) -> None:
    """Of another document, by another algorithm, or far too long to be one."""
    document, other = tmp_path / "document", tmp_path / "other"
    document.write_bytes(b"x")
    other.write_bytes(b"y")
    signer.run("sign", document, "--key", "contracts", "--yes")
    signature = tmp_path / "document.sig"
    signer.refused("SIGNATURE_INVALID", "verify", other, "--signature", signature, "--key", "contracts")
    more = ("--algorithm", "rsa-pkcs1-sha256")
    signer.refused("SIGNATURE_INVALID", "verify", document, "--key", "contracts", *more)
    signature.write_bytes(bytes(10_000))
    signer.refused("FILE_UNUSABLE", "verify", document, "--key", "contracts")


@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_public_key_that_is_none(signer: Signer, tmp_path: Path, content: bytes) -> None:
    """Nothing, binary, damaged."""
    (tmp_path / "key.pem").write_bytes(content)
    (tmp_path / "document").write_bytes(b"x")
    (tmp_path / "document.sig").write_bytes(bytes(512))
    key = ("--public-key", tmp_path / "key.pem")
    signer.refused("PUBLIC_KEY_INVALID", "verify", tmp_path / "document", *key)
    signer.refused("PUBLIC_KEY_INVALID", "encrypt", tmp_path / "document", *key)


def test_a_public_key_of_another_kind(signer: Signer, tmp_path: Path) -> None:
    """A certificate, and a key that is not RSA."""
    (tmp_path / "key.pem").write_bytes(Authority().pem)
    (tmp_path / "document").write_bytes(b"x")
    signer.refused("PUBLIC_KEY_INVALID", "encrypt", tmp_path / "document", "--public-key", tmp_path / "key.pem")


@pytest.mark.parametrize("key", ["nobody", "", "x" * 5000, "../identity", "key-" + "a" * 25, b"\xff\xfe", "a\nb"])
def test_a_key_that_is_not_there(signer: Signer, tmp_path: Path, key: str | bytes) -> None:
    """Whatever it is called."""
    (tmp_path / "document").write_bytes(b"x")
    ran = signer.refused("KEY_NOT_FOUND", "sign", tmp_path / "document", b"--key=" + os.fsencode(key), "--yes")
    assert len(ran.err) < 1000
    signer.refused("KEY_NOT_FOUND", "key", "show", key)


def test_a_key_that_does_something_else(signer: Signer, tmp_path: Path) -> None:
    """Signing with a decryption key, and the reverse."""
    (tmp_path / "document").write_bytes(bytes(512))
    signer.refused("WRONG_PURPOSE", "sign", tmp_path / "document", "--key", "letters", "--yes")
    signer.refused("WRONG_PURPOSE", "encrypt", tmp_path / "document", "--key", "contracts")
    signer.refused("WRONG_PURPOSE", "decrypt", tmp_path / "document", "--key", "contracts", "--out", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"x", bytes(512), b"\xff" * 512, bytes(513)], ids=range(5))
def test_a_ciphertext_that_is_none(signer: Signer, tmp_path: Path, content: bytes) -> None:
    """Empty, short, zero, too large, too long."""
    (tmp_path / "c.enc").write_bytes(content)
    signer.refused("CIPHERTEXT_MALFORMED", "decrypt", tmp_path / "c.enc", "--key", "letters")


def test_a_ciphertext_that_cannot_be_opened(signer: Signer, tmp_path: Path) -> None:
    """Random bytes, or other parameters: one answer."""
    (tmp_path / "c.enc").write_bytes(b"\x01" * 512)
    first = signer.refused("DECRYPTION_FAILED", "decrypt", tmp_path / "c.enc", "--key", "letters").err
    (tmp_path / "plain").write_bytes(b"x")
    signer.run("encrypt", tmp_path / "plain", "--key", "letters", "--out", tmp_path / "d.enc")
    more = ("--label", "another")
    assert signer.refused("DECRYPTION_FAILED", "decrypt", tmp_path / "d.enc", "--key", "letters", *more).err == first


def test_a_label_of_oaep_that_is_too_long(signer: Signer, tmp_path: Path) -> None:
    """1025 bytes."""
    (tmp_path / "plain").write_bytes(b"x")
    signer.refused("LABEL_TOO_LONG", "encrypt", tmp_path / "plain", "--key", "letters", "--label", "x" * 1025)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--bits", "1024"), "HALF_BITS_WRONG"),
        (("--bits", "-1"), "HALF_BITS_WRONG"),
        (("--bits", "9" * 40), "HALF_BITS_WRONG"),
        (("--daily-limit", "-1"), "FIELD_INVALID"),
        (("--daily-limit", "9" * 40), "FIELD_INVALID"),
        (("--label", "x" * 65), "FIELD_INVALID"),
        (("--label", "a\x1b[2Jb"), "FIELD_INVALID"),
        (("--label", b"\xff"), "FIELD_INVALID"),
        (("--request-id", "short"), "REQUEST_ID_MALFORMED"),
    ],
)
def test_a_key_that_cannot_be_made(signer: Signer, arguments: tuple[str | bytes, ...], reason: str) -> None:
    """Before anything is asked of the server."""
    signer.refused(reason, "key", "generate", "sign", *arguments)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "PASSPHRASE_UNSUITABLE"),
        (b"\n", "PASSPHRASE_UNSUITABLE"),
        (b"caf\xe9 in Latin-1", "PASSPHRASE_UNSUITABLE"),
        (b"\xff\xfe\x00", "PASSPHRASE_UNSUITABLE"),
        (b"x" * 1025, "PASSPHRASE_UNSUITABLE"),
        (b"x" * 5000, "FILE_UNUSABLE"),
        (b"wrong passphrase", "PASSPHRASE_WRONG"),
        (PASSPHRASE.encode() + b"\n\n", "PASSPHRASE_WRONG"),
        (b"\0" * 20, "PASSPHRASE_WRONG"),
    ],
    ids=range(9),
)
def test_a_passphrase_file_that_does_not_fit(alone: Signer, tmp_path: Path, content: bytes, reason: str) -> None:
    """And it is not quoted."""
    (tmp_path / "given").write_bytes(content)
    err = alone.refused(reason, "key", "list", "--passphrase-file", tmp_path / "given").err
    assert "wrong passphrase" not in err
    assert "Latin" not in err


def test_nobody_to_ask(signer: Signer, alone: Signer, tmp_path: Path) -> None:
    """Without a terminal and without a file: said, not waited for."""
    Signer(alone.home, tmp_path, passphrase_file=None).refused("PASSPHRASE_MISSING", "key", "list")
    Signer(Home.find(tmp_path / "new"), tmp_path, passphrase_file=None).refused("PASSPHRASE_MISSING", "init")
    (tmp_path / "document").write_bytes(b"x")
    signer.refused("NOT_CONFIRMED", "sign", tmp_path / "document", "--key", "contracts", stdin=b"y\n")
    assert not (tmp_path / "document.sig").exists()


def test_a_passphrase_that_is_too_short(tmp_path: Path) -> None:
    """At init and when it is changed; nothing is made."""
    signer = Signer(Home.find(tmp_path / "agent"), tmp_path)
    (tmp_path / "short").write_text("seven77")
    signer.refused("PASSPHRASE_UNSUITABLE", "init", "--passphrase-file", tmp_path / "short")
    assert not signer.home.folder.exists()
    signer.run("init")
    more = ("--new-passphrase-file", tmp_path / "short")
    signer.refused("PASSPHRASE_UNSUITABLE", "passphrase", "change", *more)
    signer.refused("STORE_EXISTS", "init")


def test_no_key_store(home: Home, tmp_path: Path) -> None:
    """Every command that needs one says how to make one, before it asks for a passphrase."""
    (tmp_path / "ticket.json").write_text("{}")
    (tmp_path / "document").write_bytes(b"x")
    alone = Signer(home, tmp_path, passphrase_file=None)
    for command in (
        ("key", "list"),
        ("key", "generate", "sign"),
        ("sign", tmp_path / "document", "--key", "x", "--yes"),
        ("decrypt", tmp_path / "document", "--key", "x"),
        ("enrol", "--ticket", tmp_path / "ticket.json"),
        ("passphrase", "change"),
        ("agent", "start"),
        ("agent", "run"),
    ):
        assert "fourseal init" in alone.refused("STORE_MISSING", *command).err
    assert not home.folder.exists()


def test_what_is_wrong_by_itself_is_said_before_a_passphrase_is_asked_for(home: Home) -> None:
    """A permission that has ended, a name that is none, a digest that is none."""
    digest, later = "AB" * 32, ("--until", "2100-01-01")
    for reason, *command in (
        ("PERMISSION_WRONG", "permit", digest, "carol", "--until", "2020-01-01"),
        ("ACCOUNT_NAME_MALFORMED", "permit", digest, "Carol C.", *later),
        ("FIELD_INVALID", "permit", "0", "carol", *later),
        ("FIELD_INVALID", "open", digest[1:]),
        ("FIELD_INVALID", "disclose", "x", "--out", "y"),
        ("FIELD_INVALID", "revoke", "1"),
        ("FIELD_INVALID", "ask", "1", "--why", "x"),
        ("FIELD_INVALID", "refuse", "1", "carol"),
        ("STORE_MISSING", "permit", digest, "carol", *later),
    ):
        ran = fourseal(home, "evidence", *command)
        assert (ran.status, f"Reason: {reason}" in ran.err) == (1, True), ran.err


def test_a_key_store_that_is_not_ours_alone(alone: Signer) -> None:
    """Refused, with the command that mends it."""
    alone.home.folder.chmod(0o755)
    assert "chmod" in alone.refused("STORE_PERMISSIONS", "key", "list").err
    alone.refused("STORE_PERMISSIONS", "agent", "start")


def test_a_damaged_key_store(alone: Signer) -> None:
    """The damaged file is named; other keys still work by their ids."""
    home = alone.home
    keys = {key["label"]: key["key_id"] for key in json.loads(alone.run("key", "list", "--json").text)}
    damaged = home.keys / f"{keys['letters']}.json"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert str(damaged) in alone.refused("STORE_DAMAGED", "key", "list").err
    assert str(damaged) in alone.refused("STORE_DAMAGED", "key", "show", "letters").err
    alone.run("key", "show", keys["contracts"])
    (home.folder / "keystore.json").write_bytes(b"{}")
    alone.refused("STORE_DAMAGED", "key", "list", "--json")


def test_a_ticket_that_was_used(server: RealServer, tmp_path: Path) -> None:
    """By somebody else: refused by the server."""
    (tmp_path / "ticket.json").write_text(server.ticket())
    first, second = (Signer(Home.find(tmp_path / name), tmp_path) for name in ("first", "second"))
    for signer in (first, second):
        signer.run("init")
    first.run("enrol", "--ticket", tmp_path / "ticket.json")
    second.refused("ENROLMENT_TOKEN_INVALID", "enrol", "--ticket", tmp_path / "ticket.json")
    second.refused("NOT_ENROLLED", "key", "list")


@pytest.mark.parametrize("content", [b"", os.urandom(3000), b"{}", b"[]", b"\xff\xfe{}", b"x" * 100_000], ids=range(6))
def test_a_ticket_that_is_none(signer: Signer, tmp_path: Path, content: bytes) -> None:
    """Binary garbage, empty, JSON of another kind, far too long."""
    (tmp_path / "ticket.json").write_bytes(content)
    reason = "TICKET_INVALID" if len(content) < 65_536 else "FILE_UNUSABLE"
    signer.refused(reason, "enrol", "--ticket", tmp_path / "ticket.json")


def test_a_ticket_that_has_expired(server: RealServer, signer: Signer, tmp_path: Path) -> None:
    """By its own word, with the time; and by the server's, if its word was changed."""
    ticket = json.loads(server.ticket())
    expired = ticket | {"expire_time": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    (tmp_path / "ticket.json").write_text(json.dumps(expired))
    assert expired["expire_time"] in signer.refused("TICKET_INVALID", "enrol", "--ticket", tmp_path / "ticket.json").err
    changed = ticket | {"token": "A" * 43}
    (tmp_path / "ticket.json").write_text(json.dumps(changed))
    signer.refused("ENROLMENT_TOKEN_INVALID", "enrol", "--ticket", tmp_path / "ticket.json")


def test_a_server_that_is_another(server: RealServer, signer: Signer, tmp_path: Path) -> None:
    """A ticket with another authority: not trusted, and gRPC's own noise is not shown."""
    ticket = json.loads(server.ticket()) | {"authority_certificate": Authority().pem.decode()}
    (tmp_path / "ticket.json").write_text(json.dumps(ticket))
    ran = signer.refused("SERVER_UNTRUSTED", "enrol", "--ticket", tmp_path / "ticket.json")
    assert len(ran.err.splitlines()) == 2


def test_a_server_that_is_not_there(server: RealServer, signer: Signer, tmp_path: Path) -> None:
    """Said after some repeats; nothing is half done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
        ticket = json.loads(server.ticket()) | {"enrolment_server": address}
        (tmp_path / "ticket.json").write_text(json.dumps(ticket))
        signer.refused("SERVER_UNAVAILABLE", "enrol", "--ticket", tmp_path / "ticket.json")
    signer.run("key", "list")


def test_text_that_is_not_to_be_trusted_cannot_move_the_cursor(signer: Signer, tmp_path: Path) -> None:
    """A file name with control characters is shown without them."""
    evil = tmp_path / "a\x1b[2Jb\x07"
    evil.write_bytes(b"x")
    ran = signer.run("sign", evil, "--key", "contracts", "--yes")
    assert "\x1b" not in ran.err + ran.text
    assert "a?[2Jb?" in ran.err


def test_a_file_name_cannot_forge_a_line(signer: Signer, tmp_path: Path) -> None:
    """A line break in it is none in the description of what is signed."""
    evil = tmp_path / f"invoice.pdf\nSize       120 bytes\nSHA256     {'ab' * 32}"
    evil.write_bytes(b"x")
    shown = signer.run("sign", evil, "--key", "contracts", "--yes").err.splitlines()
    assert sum(line.startswith("Size ") for line in shown) == 1
    assert sum(line.startswith("SHA256 ") for line in shown) == 1


def test_a_ticket_with_a_certificate_of_no_version(server: RealServer, signer: Signer, tmp_path: Path) -> None:
    """The number is damaged, all else is as it should be."""
    ticket = json.loads(server.ticket())
    der = x509.load_pem_x509_certificate(ticket["authority_certificate"].encode()).public_bytes(Encoding.DER)
    damaged = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    body = base64.encodebytes(damaged).decode()
    ticket["authority_certificate"] = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
    (tmp_path / "ticket.json").write_text(json.dumps(ticket))
    signer.refused("TICKET_INVALID", "enrol", "--ticket", tmp_path / "ticket.json")


def test_a_name_that_the_terminal_cannot_show_is_no_error(signer: Signer, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and a terminal that knows ASCII only."""
    path = os.fsencode(tmp_path) + b"/\xff\xe5\x90\x88"
    Path(os.fsdecode(path)).write_bytes(b"x")
    more = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = fourseal(
        signer.home, "sign", path, "--key", "contracts", "--yes", passphrase=signer.passphrase_file, environment=more
    )
    assert (ran.status, "Traceback" in ran.err) == (0, False), ran.err


@pytest.mark.parametrize("arguments", [("key", "export", "contracts"), ("key", "list"), ("key", "list", "--json")])
def test_a_full_disk_at_the_other_end_of_standard_output(signer: Signer, arguments: tuple[str, ...]) -> None:
    """Said, with status 1."""
    with Path("/dev/full").open("wb") as full:
        more = {"FOURSEAL_PASSPHRASE_FILE": str(signer.passphrase_file)}
        ran = subprocess.run(
            [*Signer.PROGRAM, *arguments],
            env=signer.environment | more,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ran.returncode == 1
    assert b"No space left" in ran.stderr
    assert b"Traceback" not in ran.stderr
