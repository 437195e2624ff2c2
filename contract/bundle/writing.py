"""A bundle into files."""

from __future__ import annotations

from contract.bundle import files
from contract.bundle.instructions import write_instructions
from contract.bundle.parts import Bundle, content_digests, short_files


def write_bundle(bundle: Bundle) -> dict[str, bytes]:
    """Every file of a bundle but the contents, by name. The names of those: ``content_digests``.

    Raises:
        MalformedInput, PeerMisbehaved: what ``certificates.joint_key`` raises; the revocation list or a time stamp
            cannot be read.
        VerificationFailed: the authority did not issue the revocation list.
    """
    short = short_files(bundle)
    short[files.VERIFY] = write_instructions(bundle).encode()
    listed = {name: files.digest_of(data) for name, data in short.items()} | content_digests(bundle)
    return {files.MANIFEST: files.write_manifest(listed), **short}
