"""The real command line with a real server: what each command does, and what OpenSSL says of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from signer_agent.cli.many_signatures import target_of
from signer_agent.home import Home
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import FOURSEAL, RealServer, fourseal, running_daemon
from tests.signer_agent.stores import PASSPHRASE

PSS_OPTIONS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
OAEP_OPTIONS = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256")


def openssl(*arguments: str | Path) -> str:
    """Run OpenSSL; it must agree."""
    ran = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def shown(signer: Signer, *arguments: str | Path) -> Any:  # noqa: ANN401  # JSON
    """What a command shows to programs."""
    return json.loads(signer.run(*arguments, "--json").text)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Something to sign."""
    path = tmp_path / "Vertrag \u5408\u540c.pdf"
    path.write_bytes(bytes(range(256)) * 10)
    return path


@pytest.fixture
def pem(signer: Signer, tmp_path: Path) -> Path:
    """The public key of ``contracts``."""
    path = tmp_path / "key.pem"
    signer.run("key", "export", "contracts", "--out", path)
    return path


def test_the_way_from_nothing_to_a_signature(server: RealServer, tmp_path: Path) -> None:
    """init, enrol, generate, sign, verify; each says what comes next."""
    signer = Signer(Home.find(tmp_path / "agent"), tmp_path)
    made = signer.run("init")
    assert str(signer.home.folder) in made.text
    assert "Next: fourseal enrol --ticket FILE, with" in made.err
    other = tmp_path / "an other"
    assert f"fourseal enrol --ticket FILE --home '{other}', with" in signer.run("init", "--home", other).err
    (tmp_path / "ticket.json").write_text(server.ticket())
    assert "fourseal key generate" in signer.run("enrol", "--ticket", tmp_path / "ticket.json").err
    generated = signer.run("key", "generate", "sign", "--label", "first", "--bits", "2048")
    assert "enabled" in generated.text
    (tmp_path / "document").write_bytes(b"text")
    signer.run("sign", tmp_path / "document", "--key", "first", "--yes")
    signer.run("verify", tmp_path / "document", "--key", "first")
    replaced = signer.run("key", "rekey", "first", "--yes")
    new = replaced.err.partition("fourseal certificate request ")[2].split()[0]
    assert new in replaced.text
    signature, pem = tmp_path / "signature", tmp_path / "key.pem"
    signer.run("sign", tmp_path / "document", "--key", "first", "--out", signature, "--yes")
    signer.run("key", "export", "first", "--out", pem)
    openssl("dgst", "-sha256", "-verify", pem, *PSS_OPTIONS, "-signature", signature, tmp_path / "document")


def test_signing_shows_what_is_signed(signer: Signer, document: Path) -> None:
    """File, folder, size, digest, key and algorithm, before anything is done."""
    ran = signer.run("sign", document, "--key", "contracts", "--yes")
    digest = openssl("dgst", "-sha256", "-r", document).split()[0]
    for part in (document.name, str(document.parent), "2560 bytes", digest, "contracts", "rsa-pss-sha256"):
        assert part in ran.err


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("padding", ["pss", "pkcs1"])
def test_openssl_verifies_what_is_signed(
    signer: Signer, document: Path, pem: Path, tmp_path: Path, padding: str, name: str
) -> None:
    """``openssl dgst -verify``, by every algorithm; and so does ``fourseal verify`` without any agent."""
    algorithm = ("--algorithm", f"rsa-{padding}-{name}")
    out = tmp_path / "signature"
    signer.run("sign", document, "--key", "contracts", *algorithm, "--out", out, "--yes")
    options = PSS_OPTIONS if padding == "pss" else ()
    said = openssl("dgst", f"-{name}", "-verify", pem, *options, "-signature", out, document)
    assert said.strip() == "Verified OK"
    stranger = Signer(Home.find(tmp_path / "nobody"), tmp_path)
    stranger.run("verify", document, "--signature", out, "--public-key", pem, *algorithm)


def test_fourseal_verifies_what_openssl_signed(signer: Signer, document: Path, tmp_path: Path) -> None:
    """Any RSA key will do."""
    openssl("genrsa", "-out", tmp_path / "private.pem", "2048")
    openssl("rsa", "-in", tmp_path / "private.pem", "-pubout", "-out", tmp_path / "public.pem")
    signature = document.with_name(document.name + ".sig")
    openssl("dgst", "-sha256", "-sign", tmp_path / "private.pem", *PSS_OPTIONS, "-out", signature, document)
    signer.run("verify", document, "--public-key", tmp_path / "public.pem")


def test_a_repeated_request_id_writes_the_same_signature(signer: Signer, document: Path, tmp_path: Path) -> None:
    """From one process to the next."""
    signatures = []
    for name in ("one", "two"):
        arguments = ("--request-id", "the-same-request-id", "--out", tmp_path / name, "--yes")
        signer.run("sign", document, "--key", "contracts", *arguments)
        signatures.append((tmp_path / name).read_bytes())
    assert signatures[0] == signatures[1]


def test_many_files_are_signed_at_once(signer: Signer, pem: Path, tmp_path: Path) -> None:
    """Those named and those of a list; what cannot be signed is told, and what was signed before is left alone."""
    files = [tmp_path / f"note {number}" for number in range(70)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]))
    files[3].unlink()
    target_of(files[5]).write_bytes(b"precious")
    listed = "".join(f"{file}\n" for file in files[2:]).encode()
    arguments: tuple[str | Path, ...] = ("sign", *files[:2], "--list", "-", "--key", "contracts", "--yes")
    ran = fourseal(signer.home, *arguments, "--json", passphrase=signer.passphrase_file, stdin=listed)
    told = [json.loads(line) for line in ran.text.splitlines()]
    assert (ran.status, [line["file"] for line in told]) == (3, [str(file) for file in files])
    errors = {place: line["error"]["reason"] for place, line in enumerate(told) if "error" in line}
    assert errors == {3: "FILE_UNUSABLE", 5: "FILE_EXISTS"}
    assert target_of(files[5]).read_bytes() == b"precious"
    for place in (0, 69):
        options = (*PSS_OPTIONS, "-signature", told[place]["signature_file"])
        assert "Verified OK" in openssl("dgst", "-sha256", "-verify", pem, *options, files[place])
    first = target_of(files[0]).read_bytes()
    target_of(files[1]).unlink()
    ran = fourseal(signer.home, *arguments, passphrase=signer.passphrase_file, stdin=listed)
    assert (ran.status, ran.text.split()) == (3, ["Signed", "1", "of", "70", "files"])
    assert f"{hashlib.sha256(bytes([1])).hexdigest()}  {files[1]}" in ran.err
    assert f"Not signed: {files[3]}" in ran.err
    assert target_of(files[0]).read_bytes() == first
    digest = hashlib.sha256(bytes([2])).hexdigest()
    ran = signer.run("sign", *files[1:3], "--force", "--key", "contracts", "--yes")
    assert digest in ran.err


def test_a_large_file_is_signed_in_a_stream(signer: Signer, pem: Path, tmp_path: Path) -> None:
    """It is never in memory as a whole."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(384 << 20)
    command = [*FOURSEAL, "sign", str(large), "--key", "contracts", "--yes"]
    found = {"FOURSEAL_HOME": str(signer.home.folder), "FOURSEAL_PASSPHRASE_FILE": str(signer.passphrase_file)}
    measured = subprocess.run(  # by a small process between: what is forked from ours begins with our memory
        [sys.executable, "-c", _MEASURE, *command], env=os.environ | found, capture_output=True, check=True
    )
    assert int(measured.stdout.splitlines()[-1]) < 256 * 1024  # KiB
    said = openssl("dgst", "-sha256", "-verify", pem, *PSS_OPTIONS, "-signature", tmp_path / "large.sig", large)
    assert said.strip() == "Verified OK"


def test_an_empty_file_can_be_signed(signer: Signer, tmp_path: Path) -> None:
    """It is a file like others."""
    (tmp_path / "empty").touch()
    signer.run("sign", tmp_path / "empty", "--key", "contracts", "--yes")
    signer.run("verify", tmp_path / "empty", "--key", "contracts")


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_a_public_key_is_exported(signer: Signer, form: str, tmp_path: Path) -> None:
    """In each form the same key, to standard output and to a file."""
    written = signer.run("key", "export", "contracts", "--format", form).out
    signer.run("key", "export", "contracts", "--format", form, "--out", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == written
    told = shown(signer, "key", "export", "contracts", "--format", form)
    assert told["format"] == form
    assert (base64.b64decode(told["public_key"]) if form == "der" else told["public_key"].encode()) == written
    expected = load_pem_public_key(signer.run("key", "export", "contracts").out)
    assert isinstance(expected, rsa.RSAPublicKey)
    if form == "jwk":
        jwk = json.loads(written)
        assert (jwk["kty"], jwk["use"], jwk["kid"][:4]) == ("RSA", "sig", "key-")
        numbers = [int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big") for name in "ne"]
        assert numbers == [expected.public_numbers().n, expected.public_numbers().e]
    else:
        assert (load_pem_public_key if form == "pem" else load_der_public_key)(written) == expected


def test_openssl_encrypts_and_fourseal_decrypts(signer: Signer, tmp_path: Path) -> None:
    """``openssl pkeyutl -encrypt`` under the joint public key. The plaintext is for its owner alone."""
    signer.run("key", "export", "letters", "--out", tmp_path / "letters.pem")
    (tmp_path / "plain").write_bytes(b"\0secret\n\xff")
    arguments = ("-pubin", "-inkey", tmp_path / "letters.pem", "-in", tmp_path / "plain")
    openssl("pkeyutl", "-encrypt", *arguments, *OAEP_OPTIONS, "-out", tmp_path / "secret.enc")
    signer.run("decrypt", tmp_path / "secret.enc", "--key", "letters")
    assert (tmp_path / "secret").read_bytes() == b"\0secret\n\xff"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert signer.run("decrypt", tmp_path / "secret.enc", "--key", "letters", "--out", "-").out == b"\0secret\n\xff"


@pytest.mark.parametrize("more", [(), ("--hash", "sha512"), ("--mgf-hash", "sha384", "--label", "\u00fcber")])
def test_fourseal_encrypts_and_decrypts(signer: Signer, tmp_path: Path, more: tuple[str, ...]) -> None:
    """With whatever both sides agree on; nothing at all is something too."""
    for content in (b"", b"short"):
        (tmp_path / "plain").write_bytes(content)
        signer.run("encrypt", tmp_path / "plain", "--key", "letters", "--force", *more)
        found = signer.run("decrypt", tmp_path / "plain.enc", "--key", "letters", "--out", "-", *more)
        assert found.out == content


def test_the_longest_plaintext_fits_and_one_more_does_not(signer: Signer, tmp_path: Path) -> None:
    """512 - 2 * 32 - 2 bytes for a 4096-bit key with SHA-256; the refusal says how many."""
    (tmp_path / "plain").write_bytes(bytes(446))
    signer.run("encrypt", tmp_path / "plain", "--key", "letters")
    (tmp_path / "longer").write_bytes(bytes(447))
    assert "at most 446" in signer.refused("PLAINTEXT_TOO_LONG", "encrypt", tmp_path / "longer", "--key", "letters").err
    (tmp_path / "long").write_bytes(bytes(100_000))
    refusal = signer.refused("PLAINTEXT_TOO_LONG", "encrypt", tmp_path / "long", "--key", "letters")
    assert "100000 bytes; at most 446" in refusal.err


def test_keys_are_listed_and_shown(signer: Signer) -> None:
    """For people in a table with whole ids, for programs in JSON."""
    keys = {key["label"]: key for key in shown(signer, "key", "list")}
    assert {"contracts", "letters"} <= keys.keys()
    key = keys["contracts"]
    assert shown(signer, "key", "show", "contracts") == shown(signer, "key", "show", key["key_id"]) == key
    assert (key["purpose"], key["state"], key["bits"], key["half_bits"]) == ("sign", "enabled", 4096, 2048)
    table = signer.run("key", "list").text
    assert all(part in table for part in (key["key_id"], "contracts", "letters", "enabled"))
    assert key["fingerprint"] in signer.run("key", "show", "contracts").text


def test_a_key_goes_through_its_states(signer: Signer, document: Path) -> None:
    """disable, enable, the two steps of destroy and the step back."""
    key = shown(signer, "key", "generate", "sign", "--bits", "2048")["key_id"]
    assert shown(signer, "key", "disable", key)["state"] == "disabled"
    signer.refused("KEY_DISABLED", "sign", document, "--key", key, "--yes")
    assert shown(signer, "key", "enable", key)["state"] == "enabled"
    signer.refused("NOT_CONFIRMED", "key", "destroy", key)
    scheduled = shown(signer, "key", "destroy", key, "--yes")
    assert scheduled["state"] == "destruction-scheduled"
    assert scheduled["destroy_time"]
    assert shown(signer, "key", "destroy", key, "--cancel")["state"] == "disabled"
    signer.refused("KEY_STATE_WRONG", "key", "destroy", key, "--final", "--yes")
    signer.run("key", "destroy", key, "--yes")
    signer.refused("NOT_CONFIRMED", "key", "destroy", key, "--final")
    assert shown(signer, "key", "destroy", key, "--final", "--yes")["state"] == "destroyed"
    signer.refused("SHARE_MISSING", "sign", document, "--key", key, "--yes")
    assert not (signer.home.keys / f"{key}.json").exists()


def test_a_policy_is_given_and_shown(signer: Signer) -> None:
    """Algorithms, repeated for more, and the limit."""
    algorithms = ("rsa-pss-sha256", "rsa-pkcs1-sha512")
    options = [part for algorithm in algorithms for part in ("--algorithm", algorithm)]
    key = shown(signer, "key", "generate", "sign", "--bits", "2048", "--daily-limit", "9", *options)
    assert (set(key["algorithms"]), key["daily_limit"]) == (set(algorithms), 9)


def test_what_is_shown_to_programs_is_json(signer: Signer, document: Path, tmp_path: Path) -> None:
    """Of every command that shows something, and of errors."""
    signed = shown(signer, "sign", document, "--key", "contracts", "--yes")
    assert (signed["size"], signed["algorithm"]) == (2560, "rsa-pss-sha256")
    assert signed["signature_file"] == str(document) + ".sig"
    assert shown(signer, "verify", document, "--key", "contracts")["valid"] is True
    (tmp_path / "plain").write_bytes(b"x")
    assert shown(signer, "encrypt", tmp_path / "plain", "--key", "letters")["file"] == str(tmp_path / "plain.enc")
    out = ("--out", tmp_path / "out")
    assert shown(signer, "decrypt", tmp_path / "plain.enc", "--key", "letters", *out)["file"] == str(tmp_path / "out")
    ran = fourseal(signer.home, "key", "show", "nobody", "--json", passphrase=signer.passphrase_file)
    error = json.loads(ran.err)["error"]
    assert (ran.status, ran.out) == (1, b"")
    assert (error["reason"], error["metadata"]) == ("KEY_NOT_FOUND", {"key_id": "nobody"})
    assert "nobody" in error["message"]


def test_a_daemon_that_is_open_is_used_without_a_passphrase(alone: Signer, document: Path) -> None:
    """Start, unlock, work, lock, stop; and status says how it is."""
    asked = Signer(alone.home, document.parent, passphrase_file=None)
    asked.refused("PASSPHRASE_MISSING", "key", "list")
    for command in ("status", "lock", "stop"):
        asked.refused("AGENT_NOT_RUNNING", "agent", command)
    alone.refused("AGENT_NOT_RUNNING", "agent", "unlock")
    assert shown(asked, "agent", "start")["locked"] is True
    try:
        asked.refused("AGENT_RUNNING", "agent", "start")
        asked.refused("PASSPHRASE_MISSING", "key", "list")
        alone.run("key", "list")  # locked: the store is opened with the passphrase
        assert shown(alone, "agent", "unlock")["locked"] is False
        assert shown(asked, "agent", "status")["agent_id"].startswith("agent-")
        asked.run("sign", document, "--key", "contracts", "--yes")
        asked.run("verify", document, "--key", "contracts")
        assert shown(asked, "agent", "lock") == {"locked": True}
        asked.refused("PASSPHRASE_MISSING", "key", "list")
    finally:
        assert shown(asked, "agent", "stop") == {"running": False}
    asked.refused("AGENT_NOT_RUNNING", "agent", "status")


def test_a_daemon_runs_in_the_foreground_too(alone: Signer) -> None:
    """For a service manager: it says where its socket is once it answers, and ends on SIGTERM with 0."""
    process = subprocess.Popen(
        [*Signer.PROGRAM, "agent", "run", "--json"],
        env=alone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    first = b"".join(iter(process.stdout.readline, b"}\n")) + b"}"
    assert json.loads(first) == {"socket": str(alone.home.socket)}
    assert shown(alone, "agent", "status")["process_id"] == process.pid
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors


def test_a_passphrase_is_changed(alone: Signer, tmp_path: Path) -> None:
    """The old one does not open it any more; an open daemon goes on."""
    signer = alone
    new = tmp_path / "new-passphrase"
    new.write_text("another passphrase\n")
    with running_daemon(signer.home):
        signer.run("passphrase", "change", "--new-passphrase-file", new)
        signer.run("key", "list")
    signer.refused("PASSPHRASE_WRONG", "key", "list")
    signer.run("key", "list", "--passphrase-file", new)


@pytest.mark.parametrize("content", [PASSPHRASE, PASSPHRASE + "\n", PASSPHRASE + "\r\n"])
def test_a_passphrase_file_may_end_with_a_line_break(alone: Signer, tmp_path: Path, content: str) -> None:
    """With one, or none, as editors leave it."""
    (tmp_path / "given").write_bytes(content.encode())
    alone.run("key", "list", "--passphrase-file", tmp_path / "given")


def test_the_version_is_told(signer: Signer) -> None:
    """And nothing else."""
    assert signer.run("--version").text.startswith("fourseal ")
