"""``python -m bench.load.verification ROLE ARCHIVE AUTHORITY LOG_KEY``: works through a disclosure bundle.

``verify`` verifies it, as the command does. ``bare`` reads the same bytes, and computes SHA-256 and AES-256-GCM of them
in pieces of 1 MiB; ``parts`` also SHA-256 of what is sealed, which is all that the format asks for. Each does it once
for every line on standard input, and prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.load.content import peak_bytes
from contract.bundle.checks import BundleTrust
from contract.oids import DEFAULT_ARC
from signer_agent.evidence.trust import authority_from, log_key_from
from signer_agent.evidence.verification import verify_archive
from wire.allocation import keep_freed_memory

_PIECE_BYTES: Final = 1 << 20
_TAG_BYTES: Final = 16


def verify(archive: Path, authority: Path, log_key: str) -> str:
    """The verdict."""
    trust = BundleTrust(authority_from(authority.read_bytes()), log_key_from(log_key))
    return verify_archive(archive, trust, DEFAULT_ARC, datetime.now(UTC), lambda _, __: None).report.outcome.value


def bare(archive: Path, *, twice: bool) -> str:
    """One digest and one sealing, or both digests; on one thread."""
    cipher, sealed = AESGCM(secrets.token_bytes(32)), memoryview(bytearray(_PIECE_BYTES + _TAG_BYTES))
    digest, sealed_digest, number = hashlib.sha256(), hashlib.sha256(), 0
    with archive.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            made = sealed[: len(piece) + _TAG_BYTES]
            cipher.encrypt_into(number.to_bytes(12), piece, None, made)
            if twice:
                sealed_digest.update(made)
            number += 1
    return digest.hexdigest()


def main() -> None:
    """Take orders until standard input ends."""
    role, archive, authority, log_key = sys.argv[1:]
    path = Path(archive)
    roles: dict[str, Callable[[], str]] = {
        "verify": lambda: verify(path, Path(authority), log_key),
        "bare": lambda: bare(path, twice=False),
        "parts": lambda: bare(path, twice=True),
    }
    keep_freed_memory()  # as the command line does
    for _ in sys.stdin:
        began = time.monotonic()
        outcome = roles[role]()
        said = {"seconds": time.monotonic() - began, "outcome": outcome, "peak_bytes": peak_bytes("self")}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
