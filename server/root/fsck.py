"""Checks all that the log vouches for, from the stored bytes. What ``fourseal-server fsck`` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection

from mpc.errors import MalformedInput
from server.config import load_settings
from server.drafting import ContractCheck
from server.errors import OperatorError
from server.evidence import EvidenceCheck, check_contents, check_time_stamps, is_content_needed, list_contents
from server.guard import GuardCheck
from server.journal import OperationCheck
from server.journal.log import Finding, LogReader, Progress, check_log
from server.root.evidence import open_blobs, stamp_roots
from server.root.ground import open_ground
from server.root.home import Home
from server.transactions import TransactionCheck
from server.trusteeship import TrustCheck
from transparency.note import Note


@dataclass(frozen=True, slots=True)
class Checked:
    """What was checked, and what was found.

    Args:
        verifier_key: the log's key.
        size: entries of the log.
        findings: all that is not as it must be.
    """

    verifier_key: str
    size: int
    findings: list[Finding]


def fsck(
    home: Home, log: structlog.stdlib.BoundLogger, kept: Sequence[Path], progress: Callable[[str], Progress]
) -> Checked:
    """Check everything, beside a server that may be running: rows on one snapshot, then the contents that they name.

    Args:
        home: the server's folder.
        log: where failures are told.
        kept: files with checkpoints that were kept elsewhere.
        progress: begins to tell of a part.

    Raises:
        OperatorError: the database, the master key or the log's key cannot be opened; a kept checkpoint is none.
        ServiceError: STORAGE_UNAVAILABLE.
    """
    settings = load_settings(home.folder)
    notes = [_read_note(path) for path in kept]
    with open_ground(home, settings, log) as ground:
        blobs = open_blobs(home)
        key, roots = ground.log_key.verifier, stamp_roots(settings)
        reader = LogReader(key)

        def query(connection: Connection) -> tuple[Checked, dict[bytes, int]]:
            of_systems = (TrustCheck(), ContractCheck(), TransactionCheck(), GuardCheck())
            checks = (OperationCheck(), EvidenceCheck(), *of_systems)
            found = list(check_log(connection, key, notes, checks, progress("Checking the log")))
            if roots:
                found += check_time_stamps(connection, reader, roots)
            return Checked(key.to_text(), reader.size(connection), found), list_contents(connection)

        def is_needed(digest: bytes) -> bool:
            return ground.database.read_now(lambda connection: is_content_needed(connection, digest))

        checked, contents = ground.database.read_now(query)
        checked.findings.extend(check_contents(contents, is_needed, blobs, progress("Hashing contents")))
        return checked


def _read_note(path: Path) -> Note:
    try:
        return Note.from_bytes(path.read_bytes())
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", "Name a file with a checkpoint.") from error
    except MalformedInput as error:
        raise OperatorError(f"{path} is no checkpoint: {error}", "Name a file with a checkpoint.") from None
