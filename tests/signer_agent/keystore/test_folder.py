"""Files of a private folder: whole or not at all, and nobody else's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.client.private_folder import PrivateFolder


@pytest.fixture
def folder(tmp_path: Path) -> PrivateFolder:
    """An empty folder."""
    return PrivateFolder.create(tmp_path / "a" / "b")


def mode(path: Path) -> int:
    """The permission bits."""
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """0700 and 0600, also of what a key store makes itself."""
    before = os.umask(umask)
    try:
        home = Home.find(tmp_path / "x" / "agent")
        KeyStore.create(home, Passphrase(PASSPHRASE))
    finally:
        os.umask(before)
    made = [home.folder, *home.folder.rglob("*")]
    assert {mode(path) for path in made if path.is_dir()} == {0o700}
    assert {mode(path) for path in made if path.is_file()} == {0o600}


def test_what_is_written_is_read(folder: PrivateFolder) -> None:
    """Replaced and removed too."""
    assert folder.read("a") is None
    folder.write("a", b"one")
    folder.write("a", b"two")
    assert folder.read("a") == b"two"
    folder.remove("a")
    folder.remove("a")
    assert folder.read("a") is None


def test_names_are_sorted_and_without_hidden_ones(folder: PrivateFolder) -> None:
    """Neither the lock nor a temporary file is an entry."""
    for name in ("b.json", "a.json", "c.txt"):
        folder.write(name, b"")
    (folder.path / ".d.json").touch()
    assert folder.names(".json") == ["a.json", "b.json"]


@pytest.mark.parametrize(("path", "bits"), [("", 0o750), ("", 0o701), ("a", 0o640), ("a", 0o604), ("a", 0o620)])
def test_foreign_permissions_are_refused(folder: PrivateFolder, path: str, bits: int) -> None:
    """Whoever else could read or write it, group or others: it is not trusted any more."""
    folder.write("a", b"secret")
    (folder.path / path).chmod(bits)
    with refused("STORE_PERMISSIONS", file=str(folder.path / path)):
        PrivateFolder.open(folder.path).read("a")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("path", ["", "a"])
def test_a_foreign_owner_is_refused(folder: PrivateFolder, path: str) -> None:
    """Also root does not use what another user could change."""
    folder.write("a", b"secret")
    os.chown(folder.path / path, 12345, -1)
    with refused("STORE_PERMISSIONS", file=str(folder.path / path)):
        PrivateFolder.open(folder.path).read("a")


def test_a_link_is_not_followed(folder: PrivateFolder, tmp_path: Path) -> None:
    """A file is a file of this folder."""
    (tmp_path / "elsewhere").write_bytes(b"x")
    (folder.path / "a").symlink_to(tmp_path / "elsewhere")
    with refused("STORE_UNUSABLE", file=str(folder.path / "a")):
        folder.read("a")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(folder: PrivateFolder, make: Callable[[Path], object]) -> None:
    """A folder or a pipe in its place: no waiting for somebody to write."""
    make(folder.path / "a")
    (folder.path / "a").chmod(0o600)
    with refused("STORE_UNUSABLE", file=str(folder.path / "a")):
        folder.read("a")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Said plainly."""
    (tmp_path / "a").touch(mode=0o600)
    with refused("STORE_UNUSABLE", file=str(tmp_path / "a")):
        PrivateFolder.create(tmp_path / "a")


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failed_write_leaves_the_old_file(
    folder: PrivateFolder, monkeypatch: pytest.MonkeyPatch, owner: object, call: str, code: int
) -> None:
    """Disk full, broken, read-only: refused, nothing left behind, and well again afterwards."""
    folder.write("a", b"old")

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with refused("STORE_UNUSABLE", problem=os.strerror(code)):
            folder.write("a", b"new")
    assert folder.read("a") == b"old"
    assert sorted(path.name for path in folder.path.iterdir()) == [".lock", "a"]
    folder.write("a", b"new")
    assert folder.read("a") == b"new"


def test_what_a_dead_writer_left_is_cleared(folder: PrivateFolder) -> None:
    """The next writer removes it."""
    (folder.path / ".tmp").write_bytes(b"half")
    folder.write("b", b"x")
    assert sorted(path.name for path in folder.path.iterdir()) == [".lock", "b"]


def test_writers_of_several_processes_take_turns(folder: PrivateFolder) -> None:
    """Four processes replace one file fifty times each: no error, and it is always one of theirs."""
    program = (
        "import sys; from pathlib import Path; from wire.client.private_folder import PrivateFolder\n"
        "folder = PrivateFolder.open(Path(sys.argv[1]))\n"
        "for _ in range(50): folder.write('a', sys.argv[2].encode() * 1000)\n"
    )
    command = [sys.executable, "-c", program, str(folder.path)]
    writers = [subprocess.Popen([*command, letter]) for letter in "wxyz"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(folder.read("a"))
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert seen <= {None, *(letter.encode() * 1000 for letter in "wxyz")}
