"""Evidence put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509

from server.config import Settings
from server.errors import OperatorError
from server.evidence import EvidenceRules, EvidenceTerms, compose_evidence_rules
from server.identity import AccountRules, Authority
from server.journal.log import LogReader
from server.root.ground import Ground
from server.root.home import Home
from server.storage import Threads
from server.storage.blobs import Blobs
from wire.stamp_authority import StampAuthority

BLOBS_NAME: Final = "evidence"
_THREADS: Final = 2  # a disk is not faster with more
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class EvidencePart:
    """What the gRPC faces stand on, and what has to be closed."""

    rules: EvidenceRules
    files: Threads


def compose_evidence(
    home: Home,
    ground: Ground,
    authority: Authority,
    accounts: AccountRules,
    workers: Threads,
    settings: Settings,
    log: structlog.stdlib.BoundLogger,
) -> EvidencePart:
    """Put the rules of evidence together. On an event loop.

    Raises:
        OperatorError: the folder for contents, or the authority for time stamps, cannot be used.
    """
    files = Threads(_THREADS, "evidence-files")
    rules = compose_evidence_rules(
        ground.database,
        open_blobs(home),
        LogReader(ground.log_key.verifier),
        authority,
        accounts.logins,
        accounts.certificates,
        workers,
        files,
        _terms(settings),
        ground.clock,
        log,
    )
    return EvidencePart(rules, files)


def open_blobs(home: Home) -> Blobs:
    """The contents of evidence.

    Raises:
        OperatorError: the folder cannot be used.
    """
    folder: Path = home.folder / BLOBS_NAME
    try:
        return Blobs(folder)
    except OSError as error:
        raise OperatorError(
            f"the folder {folder} cannot be used: {error.strerror}", "Check its owner and the free space."
        ) from error


def _terms(settings: Settings) -> EvidenceTerms:
    days = settings.evidence_retention_days
    return EvidenceTerms(
        quota_bytes=settings.evidence_quota_mebibytes * _MEBIBYTE,
        upload_lifetime=timedelta(hours=settings.evidence_upload_hours),
        opened=settings.opened_shares,
        retention=timedelta(days=days) if days else None,
        stamp_authority=_stamp_authority(settings),
        stamp_interval=timedelta(seconds=settings.tsa_interval_seconds),
    )


def _stamp_authority(settings: Settings) -> StampAuthority | None:
    if not settings.tsa_url:
        return None
    try:
        return StampAuthority(settings.tsa_url, stamp_roots(settings))
    except ValueError:
        action = "Give the http or https URL of an authority for time stamps."
        raise OperatorError("tsa_url cannot be used", action) from None


def stamp_roots(settings: Settings) -> list[x509.Certificate]:
    """The certificates that those of the authority for time stamps must lead to; none if there is no authority.

    Raises:
        OperatorError: their file cannot be used.
    """
    if not settings.tsa_certificate_file:
        return []
    path = Path(settings.tsa_certificate_file)
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", "Correct tsa_certificate_file.") from error
    except ValueError:
        raise OperatorError(f"{path} has no certificate", "Name a file of certificates in PEM.") from None
