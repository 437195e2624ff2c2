"""The verification of a records export that lies in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.bundle.checks import BundleTrust
from contract.trusteeship.export_reading import is_export, read_export
from contract.trusteeship.verification import ExportReport, verify_export
from wire.client.named_files import translated

_BEGINNING: Final = 64
_BUFFER: Final = 1 << 20


def is_export_file(path: Path) -> bool:
    """Whether it is a file that says of itself that it is a records export. Raises ServiceError (FILE_UNUSABLE)."""
    with translated(path):
        if not path.is_file():
            return False  # nor anything that can be looked at twice
        with path.open("rb") as file:
            return is_export(file.read(_BEGINNING))


def verify_export_file(path: Path, trust: BundleTrust, on_progress: Callable[[int, int], None]) -> ExportReport:
    """Verify a file, offline. Memory does not grow with the number of records.

    Args:
        path: where.
        trust: whom the verifier believes.
        on_progress: is told how many bytes have been read, and how many there are.

    Raises:
        MalformedInput: EXPORT_MALFORMED, TRUST_STATEMENT_MALFORMED: it is no export, or cannot be read on.
        ServiceError: FILE_UNUSABLE.
    """
    with translated(path):
        total = path.stat().st_size
        with path.open("rb", buffering=_BUFFER) as file:
            done = told = 0

            def read(length: int) -> bytes:
                nonlocal done, told
                data = file.read(length)
                done += len(data)
                if done - told >= _BUFFER:
                    told = done
                    on_progress(done, total)
                return data

            head, parts = read_export(read)
            report = verify_export(head, parts, trust)
            on_progress(done, total)
    return report
