"""Files with what a verifier believes. What is wrong with one of them names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer
from cryptography import x509

from contract.bundle.checks import BundleTrust
from mpc.errors import FoursealError, MalformedInput
from signer_agent.evidence.trust import authority_from, certificates_from, log_key_from
from transparency.keys import VerifierKey
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

_MAX_BYTES: Final = 1 << 20


@contextmanager
def wrong_command() -> Iterator[None]:
    """What the command names beside a file cannot be used: exit status 2, that says nothing against the file."""
    try:
        yield
    except FoursealError as error:
        OUTPUT.show_error(error)
        raise typer.Exit(2) from None


def read_trust(authority: Path | None, log_key: str, time_stamps: Sequence[Path]) -> BundleTrust:
    """Whom a verifier believes, from what its command names. Raises as the functions below."""
    return BundleTrust(
        authority=None if authority is None else read_authority(authority),
        log_key=read_log_key(log_key) if log_key else None,
        time_stamps=read_certificates(time_stamps),
    )


def read_authority(path: Path) -> x509.Certificate:
    """Read a file with the certificate of an authority, PEM.

    Raises:
        ServiceError: FILE_UNUSABLE.
        MalformedInput: CERTIFICATE_MALFORMED.
    """
    pem = read_file(path, _MAX_BYTES, "certificates")
    with _naming(path):
        return authority_from(pem)


def read_certificates(paths: Sequence[Path]) -> tuple[x509.Certificate, ...]:
    """Read files with certificates, PEM. Raises as ``read_authority``."""
    found: list[x509.Certificate] = []
    for path in paths:
        pem = read_file(path, _MAX_BYTES, "certificates")
        with _naming(path):
            found += certificates_from(pem)
    return tuple(found)


def read_log_key(given: str) -> VerifierKey:
    """Read a log's key; a text that is none is a file's name.

    Raises:
        ServiceError: FILE_UNUSABLE.
        MalformedInput: LOG_KEY_MALFORMED.
    """
    try:
        return log_key_from(given)
    except MalformedInput:
        path = Path(given)
    text = read_file(path, _MAX_BYTES, "a log key").decode(errors="replace")
    with _naming(path):
        return log_key_from(text)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except MalformedInput as error:
        problem = f"{error.metadata['problem']}, in {path}"
        raise MalformedInput(error.reason, f"{error}, in {path}", problem=problem) from None
