"""Bundles as zip files: written whole or not at all, always the same; nothing else is read."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from contract.statement import Decision
from mpc.errors import MalformedInput
from signer_agent.evidence.archive import reading_archive, writing_archive
from signer_agent.evidence.verification import verify_archive
from signer_agent.evidence.zip_format import ZipEntry, directory, local_header
from tests.contract.disclosure import Case, answered_case, simple_case
from tests.contract.world import NOW, World
from tests.signer_agent.evidence.archives import outcome_of, pack, write_case
from tests.signer_agent.refusals import refused

GIB: Final = 1 << 30


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    """A message with an answer."""
    return answered_case(world, ("bob", Decision.ACCEPT))


def test_what_is_written_is_read_also_by_others(case: Case, tmp_path: Path) -> None:
    """The same bytes each time, for their owner alone; other software reads the same files."""
    path = write_case(tmp_path / "bundle.zip", case)
    assert outcome_of(path, case.trust) is Outcome.PASSED
    assert write_case(tmp_path / "again.zip", case).read_bytes() == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as read:
        assert read.testzip() is None
        assert {each.filename: read.read(each) for each in read.infolist()} == case.files()


@pytest.mark.parametrize("content", [b"", b"The contraCt.", b"The contract", b"The contract..", None])
def test_nothing_stays_of_what_was_not_finished(content: bytes | None, world: World, tmp_path: Path) -> None:
    """Neither another content than the one described, nor none, leaves a file; one that was there stays."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"before")
    wanted = AssertionError if content is None else MalformedInput
    with pytest.raises(wanted), writing_archive(path, simple_case(world).bundle) as archive:  # noqa: PT012
        if content is not None:
            with archive.content("content") as write:
                write(content)
    assert [each.name for each in tmp_path.iterdir()] == ["bundle.zip"]
    assert path.read_bytes() == b"before"


def test_a_content_that_failed_is_not_written_again(world: World, tmp_path: Path) -> None:
    """The file would have both."""
    bundle = simple_case(world).bundle
    with pytest.raises(AssertionError), writing_archive(tmp_path / "b", bundle) as archive:  # noqa: PT012
        with pytest.raises(MalformedInput), archive.content("content") as write:
            write(b"The")
        with archive.content("content") as write:
            write(b"The contract.")
    assert not list(tmp_path.iterdir())


def test_no_damage_passes(case: Case, tmp_path: Path) -> None:
    """A bit of every byte that is no file's, some of every file's, and every end that a broken copy may have."""
    good = write_case(tmp_path / "good.zip", case).read_bytes()
    path = tmp_path / "damaged.zip"
    inside: set[int] = set()
    cuts = {*range(0, len(good), 997), *range(len(good) - 30, len(good))}
    with zipfile.ZipFile(tmp_path / "good.zip") as read:
        for each in read.infolist():
            begin = each.header_offset + len(each.FileHeader())
            inside |= {*range(begin, begin + each.file_size)} - {*range(begin, begin + each.file_size, 499)}
            cuts |= {each.header_offset, begin, begin + each.file_size}
    flipped = [place for place in range(len(good)) if place not in inside]
    assert len(flipped) > 3000
    damaged = [good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :] for place in flipped]
    for data in (*damaged, *(good[:cut] for cut in cuts)):
        path.write_bytes(data)
        with pytest.raises(MalformedInput):
            outcome_of(path, case.trust)


def test_flipped_content_fails(world: World, tmp_path: Path) -> None:
    """With the checksum that goes with it: it is not the content that was described."""
    case = simple_case(world)
    path = tmp_path / "bundle.zip"
    path.write_bytes(pack((case.files() | {"content": b"The contraCt."}).items()))
    assert outcome_of(path, case.trust) is Outcome.FAILED


def packed_by_another(case: Case, compression: int = zipfile.ZIP_STORED, mode: int = 0, comment: bytes = b"") -> bytes:
    """By Python's own module."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as written:
        written.comment = comment
        for name, data in case.files().items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            written.writestr(entry, data, compression)
    return packed.getvalue()


def with_directory(packed: bytes, change: Callable[[list[ZipEntry]], list[ZipEntry]]) -> bytes:
    """Another directory for the same files."""
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        entries = [ZipEntry(each.filename, each.file_size, each.CRC, each.header_offset) for each in read.infolist()]
    return packed[: entries[-1].end] + directory(change(entries))


def test_other_zips_are_refused(case: Case, tmp_path: Path) -> None:
    """By an error that says so, and at once."""
    files = [*case.files().items()]
    good = pack(files)
    odd_names = ("content", "/etc/passwd", "../MANIFEST.json", "certificates/", "n" * 101, "", "a\\b", "answers/x/y")
    entry = ZipEntry("content", (1 << 64) - 1, 0, 0)
    others = {
        "deflated": packed_by_another(case, zipfile.ZIP_DEFLATED),
        "symlinks": packed_by_another(case, mode=stat.S_IFLNK | 0o777),
        "other permissions": packed_by_another(case, mode=stat.S_IFREG | 0o777),
        "a comment": packed_by_another(case, mode=stat.S_IFREG | 0o600, comment=b"passed"),
        "data before": b"#!/bin/sh\n" + good,
        "data behind": good + b"\0",
        "a file that no directory names": with_directory(good, lambda entries: entries[:-1]),
        "overlapping files": with_directory(good, lambda entries: [*entries, entries[-1]]),
        "another order": with_directory(good, lambda entries: [*entries[1:], entries[0]]),
        "a bomb": local_header(entry) + bytes(1000),
        "many files": pack((f"answers/{number}-content", b"") for number in range(10_000)),
        "nothing": b"",
        "an empty zip": pack([]),
        "no lengths": b"PK\3\4" + bytes([255]) * 200,
        "no zip": b"The contract.",
        **{f"named {name!r}": pack([*files, (name, b"x")]) for name in odd_names},
    }
    path = tmp_path / "bundle.zip"
    for name, data in others.items():
        path.write_bytes(data)
        with pytest.raises(MalformedInput) as caught:
            pytest.fail(f"{name}: {outcome_of(path, case.trust)}")
        assert caught.value.reason == "BUNDLE_MALFORMED"
    path.write_bytes(packed_by_another(case, mode=stat.S_IFREG | 0o600))  # there is one form, whoever writes it
    assert outcome_of(path, case.trust) is Outcome.PASSED


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Nobody waits for whoever writes to a pipe."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with refused("FILE_UNUSABLE", file=str(path), problem="it is no regular file"), reading_archive(path):
            pass
    with refused("FILE_UNUSABLE", file=str(tmp_path / "missing")), reading_archive(tmp_path / "missing"):
        pass


def test_a_content_of_many_pieces(world: World, tmp_path: Path) -> None:
    """Read ahead and hashed in another thread: progress comes to the end, damage anywhere in it is found."""
    content = bytes(range(251)) * 20_000
    case = simple_case(world, content)
    path = write_case(tmp_path / "bundle.zip", case)
    told: list[tuple[int, int]] = []
    finding = verify_archive(path, case.trust, DEFAULT_ARC, NOW, lambda done, total: told.append((done, total)))
    assert finding.report.outcome is Outcome.PASSED
    assert len(told) > 3
    assert told[-1] == (len(content), len(content))
    good = path.read_bytes()
    start = good.index(content)
    for place in (start, start + len(content) // 2, start + len(content) - 1):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with refused("BUNDLE_MALFORMED"):
            outcome_of(path, case.trust)


def test_a_file_that_shrinks_is_refused(case: Case, tmp_path: Path) -> None:
    """While it is read."""
    path = write_case(tmp_path / "bundle.zip", case)
    with reading_archive(path) as files, refused("BUNDLE_MALFORMED"):
        os.truncate(path, 100)
        for each in files:
            list(each.read())


def test_more_than_four_gibibytes(tmp_path: Path) -> None:
    """Lengths and places beyond 32 bits: another program finds the same (the file has holes, and costs nothing)."""
    path = tmp_path / "large.zip"
    entries: list[ZipEntry] = []
    with path.open("wb") as file:
        for name, length in (("a", 3), ("b", 5 * GIB), ("c", (1 << 32) - 1), ("d", 2)):
            entries.append(ZipEntry(name, length, 7, entries[-1].end if entries else 0))
            file.seek(entries[-1].place)
            file.write(local_header(entries[-1]))
        file.seek(entries[-1].end)
        file.write(directory(entries))
    with zipfile.ZipFile(path) as read:
        found = [(each.filename, each.file_size, each.CRC, each.header_offset) for each in read.infolist()]
        assert found == [(each.name, each.length, each.checksum, each.place) for each in entries]
        for each in read.infolist():
            read.open(each).close()  # which looks at the local header
    with reading_archive(path) as files:
        assert [(each.name, each.length) for each in files] == [(each.name, each.length) for each in entries]
