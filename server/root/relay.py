"""The relay put together, for the media server and for the combined mode."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from contract.oids import Arc
from server.clock import Clock
from server.config import Settings
from server.errors import OperatorError
from server.relay import ContentReport, PassReader, Relay, RelayTerms
from server.relay.content import ContentFolder
from server.relay.inspection import inspect_contents
from server.storage import Database, Threads

CONTENT_NAME: Final = "content"
_THREADS: Final = 2  # a disk is not faster with more
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RelayPart:
    """What the gRPC face stands on, and what has to be closed."""

    passes: PassReader
    relay: Relay
    files: Threads


def compose_relay(
    database: Database,
    home: Path,
    authority: x509.Certificate,
    settings: Settings,
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
) -> RelayPart:
    """Put the relay together, and delete what a crash left over. On an event loop.

    Raises:
        OperatorError: the folder for content cannot be used.
    """
    try:
        folder = ContentFolder(home / CONTENT_NAME)
        files = Threads(_THREADS, "content")
        terms = RelayTerms(
            envelope_lifetime=timedelta(days=settings.relay_envelope_days),
            upload_lifetime=timedelta(hours=settings.relay_upload_hours),
            max_envelope_bytes=settings.relay_envelope_mebibytes * _MEBIBYTE,
        )
        relay = Relay(database, folder, files, terms, secrets.token_bytes, clock, log)
        relay.sweep()
    except OSError as error:
        raise _unusable(home, error) from error
    return RelayPart(PassReader(authority, Arc(settings.oid_arc), clock), relay, files)


def inspect_relay(database: Database, home: Path) -> ContentReport:
    """Read all contents, also beside a relay at work; takes long.

    Raises:
        OperatorError: the folder for content cannot be used.
        ServiceError: STORAGE_UNAVAILABLE.
    """
    try:
        return inspect_contents(database, ContentFolder(home / CONTENT_NAME))
    except OSError as error:
        raise _unusable(home, error) from error


def _unusable(home: Path, error: OSError) -> OperatorError:
    text = f"the folder {home / CONTENT_NAME} cannot be used: {error.strerror}"
    return OperatorError(text, "Check its owner and the free space.")
