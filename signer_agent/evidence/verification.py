"""The verification of a bundle that lies in a file: what was found, with all that a report of it says."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from contract.bundle.checks import BundleTrust
from contract.bundle.files import MANIFEST, BundleFile
from contract.bundle.parts import Bundle
from contract.bundle.reading import read_bundle
from contract.bundle.verification import BundleReport, verify_bundle
from contract.oids import Arc
from signer_agent.evidence.archive import reading_archive

OnProgress = Callable[[int, int], None]
"""Is told how many bytes of contents have been read, and how many there are."""


_AHEAD: Final = 16  # pieces of 1 MiB; enough that neither thread waits when the other one is interrupted


@dataclass(frozen=True, slots=True)
class Finding:
    """What the verification of a bundle came to.

    Args:
        file: name of the bundle's file.
        manifest: SHA-256 of its manifest, 32 bytes. That names the digests of all other files: it stands for them.
        bundle: what it says.
        trust: whom the verifier believed.
        report: on every check.
        time: of the verification, UTC.
    """

    file: str
    manifest: bytes
    bundle: Bundle
    trust: BundleTrust
    report: BundleReport
    time: datetime


def verify_archive(path: Path, trust: BundleTrust, arc: Arc, time: datetime, on_progress: OnProgress) -> Finding:
    """Verify a bundle's zip file, offline. Memory does not grow with it.

    A second thread reads ahead and computes the digest of the content, while this one seals it and hashes that: about
    half of the work each.

    Args:
        path: where.
        trust: whom the verifier believes.
        arc: the arc of the installation whose bundle it is.
        time: now.
        on_progress: called after each piece of a content.

    Raises:
        MalformedInput, PeerMisbehaved: as ``reading_archive``, ``read_bundle`` and ``verify_bundle``: it is no bundle,
            and nothing can be said of what it says.
        ServiceError: FILE_UNUSABLE.
    """
    done = 0
    with reading_archive(path) as files, ThreadPoolExecutor(1) as beside:
        read = read_bundle(files, arc)
        total = sum(each.length for each in read.contents.values())

        def progress(count: int) -> None:
            nonlocal done
            done += count
            on_progress(done, total)

        contents = {
            name: replace(file, read=partial(_read_ahead, file, beside)) for name, file in read.contents.items()
        }
        report = verify_bundle(replace(read, contents=contents), trust, progress, lambda: _DigestBeside(beside))
        manifest = next(hashlib.sha256(b"".join(each.read())) for each in files if each.name == MANIFEST)
    return Finding(path.name, manifest.digest(), read.bundle, trust, report, time)


def _read_ahead(file: BundleFile, beside: Executor) -> Iterator[bytes]:
    """The pieces of a file, the next ones of which are read meanwhile."""
    pieces = file.read()
    coming = deque(beside.submit(next, pieces, b"") for _ in range(_AHEAD))
    while piece := coming.popleft().result():
        coming.append(beside.submit(next, pieces, b""))
        yield piece


class _DigestBeside:
    """A SHA-256 that another thread computes. It falls behind by no more than is read ahead: it is done in between."""

    def __init__(self, beside: Executor) -> None:
        self._beside = beside
        self._digest = hashlib.sha256()

    def update(self, data: bytes, /) -> None:
        self._beside.submit(self._digest.update, data)

    def digest(self) -> bytes:
        return self._beside.submit(self._digest.digest).result()
