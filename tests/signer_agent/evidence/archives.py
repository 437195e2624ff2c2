"""Bundles as zip files, as tests make and verify them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

from contract.bundle.checks import BundleTrust
from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from signer_agent.evidence.archive import writing_archive
from signer_agent.evidence.verification import verify_archive
from signer_agent.evidence.zip_format import ZipEntry, directory, local_header
from tests.contract.disclosure import Case
from tests.contract.world import NOW


def write_case(path: Path, case: Case) -> Path:
    """As who discloses it does."""
    with writing_archive(path, case.bundle) as archive:
        for name in archive.missing:
            with archive.content(name) as write:
                write(case.contents[name])
    return path


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of the right form, whatever its files are."""
    entries: list[ZipEntry] = []
    packed = b""
    for name, data in files:
        entries.append(ZipEntry(name, len(data), zlib.crc32(data), len(packed)))
        packed += local_header(entries[-1]) + data
    return packed + directory(entries)


def outcome_of(path: Path, trust: BundleTrust) -> Outcome:
    """Of the verification. Raises what the reader raises."""
    return verify_archive(path, trust, DEFAULT_ARC, NOW, lambda _, __: None).report.outcome
