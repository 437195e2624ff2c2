"""Programs from outside that convert and rewrite files. What is not installed is left out, and said."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.errors import BenchFailed

_OFFICE_FILTERS: Final = {"docx": "docx:MS Word 2007 XML", "odt": "odt", "pdf": "pdf"}
_AT_A_TIME: Final = 50
_SECONDS: Final = 240
_GOOD: Final = {"qpdf": (0, 3)}  # 3: done, with warnings


class Workshop:
    """Runs them in a folder of its own.

    Args:
        folder: where files and the office program's profile are; thrown away by its owner.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._converted: dict[tuple[str, bytes], bytes] = {}

    def lacks(self, programs: Sequence[str]) -> list[str]:
        """Which of these programs are not installed."""
        return [each for each in programs if shutil.which(each) is None]

    def convert(self, files: Sequence[bytes], source: str, target: str) -> list[bytes]:
        """Open files in LibreOffice and save them as something else; each once, however often it is asked for.

        Args:
            files: to convert.
            source: their extension: docx, odt.
            target: extension of what is made: docx, odt, pdf.
        """
        names = [(target, hashlib.sha256(each).digest()) for each in files]
        wanted = {name: each for name, each in zip(names, files, strict=True) if name not in self._converted}
        for begin in range(0, len(wanted), _AT_A_TIME):
            batch = list(wanted.items())[begin : begin + _AT_A_TIME]
            made = self._office([each for _, each in batch], source, target)
            self._converted |= dict(zip((name for name, _ in batch), made, strict=True))
        return [self._converted[name] for name in names]

    def run(self, program: str, *arguments: str, file: bytes, extension: str = "pdf") -> list[bytes]:
        """Let a program rewrite a file.

        Args:
            program: by name.
            arguments: its; ``{in}`` and ``{out}`` stand for the files.
            file: to rewrite.
            extension: of what it makes.

        Returns:
            What it made: one file, or one for each page.
        """
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            source, made = Path(folder) / "in.pdf", Path(folder) / "out"
            made.mkdir()
            source.write_bytes(file)
            names = {"{in}": str(source), "{out}": str(made / f"out.{extension}")}
            self._call([program, *(names.get(each, each) for each in arguments)])
            return [each.read_bytes() for each in sorted(made.iterdir())]

    def _office(self, files: Sequence[bytes], source: str, target: str) -> list[bytes]:
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder, profile = Path(name), (self._folder / "profile").resolve()
            sources = [folder / f"{number:04}.{source}" for number in range(len(files))]
            for path, each in zip(sources, files, strict=True):
                path.write_bytes(each)
            made = folder / "made"
            command = ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}"]
            self._call([*command, "--convert-to", _OFFICE_FILTERS[target], "--outdir", str(made), *map(str, sources)])
            return [(made / f"{path.stem}.{target}").read_bytes() for path in sources]

    def _call(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS, cwd=self._folder)
        if done.returncode not in _GOOD.get(command[0], (0,)):
            said = done.stderr.decode(errors="replace").strip()
            raise BenchFailed(f"{command[0]} failed: {said[-500:]}")
