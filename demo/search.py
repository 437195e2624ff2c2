"""Looks for secrets in files, in every form in which programs write bytes down.

Forms: as they are; hex in small and capital letters; base64 of both alphabets, however the secret is aligned in what
was encoded; texts in UTF-16 too. A needle is short, so that line breaks and pages of a database seldom split it.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_NEEDLE_BYTES: Final = 24


def forms(secret: bytes | str) -> dict[str, bytes]:
    """How a secret could stand in a file: what to look for, by the name of the form."""
    raw = (secret.encode() if isinstance(secret, str) else secret)[:_NEEDLE_BYTES]
    found = {"as it is": raw, "hex": raw.hex().encode(), "hex in capitals": raw.hex().upper().encode()}
    for name, encode in (("base64", b64encode), ("base64 for URLs", urlsafe_b64encode)):
        for before in range(3):  # bytes in front of it, in the group of three that a base64 quartet encodes
            encoded = encode(bytes(before) + raw)
            foreign = -(-before * 8 // 6)  # letters that also depend on what stands before
            own = (before + len(raw)) * 8 // 6  # and the last one on what follows
            found[f"{name}, {before} bytes further"] = encoded[foreign:own]
    if isinstance(secret, str):
        for order in ("utf-16-le", "utf-16-be"):
            found[order] = secret[:_NEEDLE_BYTES].encode(order)
    return found


def search(secrets: Mapping[str, bytes | str], contents: Mapping[Path, bytes]) -> list[str]:
    """Look for secrets.

    Args:
        secrets: by what they are, for people.
        contents: of files.

    Returns:
        What was found, in which form and where; empty if nothing was.
    """
    return [
        f"{what} stands in {path.name} ({form})"
        for what, secret in secrets.items()
        for form, needle in forms(secret).items()
        for path, content in contents.items()
        if needle in content
    ]


def read_all(places: Iterable[Path]) -> dict[Path, bytes]:
    """The contents of files, and of all files in folders."""
    files = (file for place in places for file in ([place] if place.is_file() else place.rglob("*")))
    return {file: file.read_bytes() for file in files if file.is_file()}
