"""The files of the fonts that contracts are set in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contract.documents.fonts import FONT_FILES, Fonts
from wire.catalogue import ServiceError

FONT_FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where Debian, and most others, keep fonts."""


def find_fonts(folder: Path | None = None) -> Fonts:
    """Read all faces.

    Args:
        folder: where they are, at any depth; None: where systems keep them.

    Raises:
        ServiceError: FONT_MISSING.
    """
    return Fonts({name: _find(file, (folder,) if folder else FONT_FOLDERS) for name, file in FONT_FILES.items()})


def _find(file: str, folders: tuple[Path, ...]) -> bytes:
    for folder in folders:
        for path in sorted(folder.rglob(file)):
            return path.read_bytes()
    raise ServiceError("FONT_MISSING", file=file)
