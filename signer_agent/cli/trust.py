"""Files with what a verifier believes. What is wrong with one of them names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509

from mpc.errors import MalformedInput
from signer_agent.cli.files import read_file
from signer_agent.evidence.trust import authority_from, certificates_from, log_key_from
from transparency.keys import VerifierKey

_MAX_BYTES: Final = 1 << 20


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
