"""A bundle with some files exchanged: by somebody who makes manifest and zip file anew, so that these say nothing."""

from __future__ import annotations

import zlib
from pathlib import Path

from contract.bundle.files import MANIFEST, digest_of, write_manifest
from signer_agent.evidence.archive import reading_archive
from signer_agent.evidence.zip_format import ZipEntry, directory, local_header


def forge_bundle(bundle: Path, forged: Path, exchanged: dict[str, bytes]) -> None:
    """Write a bundle with other files in it, by name; it has these names."""
    with reading_archive(bundle) as found:
        files = {file.name: b"".join(file.read()) for file in found}
    files |= exchanged
    listed = {name: digest_of(data) for name, data in files.items() if name != MANIFEST}
    files[MANIFEST] = write_manifest(listed)
    entries: list[ZipEntry] = []
    with forged.open("wb") as out:
        for name, data in files.items():
            entries.append(ZipEntry(name, len(data), zlib.crc32(data), out.tell()))
            out.write(local_header(entries[-1]))
            out.write(data)
        out.write(directory(entries))
