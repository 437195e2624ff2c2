"""What ``pip install`` gets: every package, complete and typed, from the repository and from a source archive alike."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [Path(name) for name in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]


def _build(root: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=root, capture_output=True, check=True)
    [built] = folder.iterdir()
    return built


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The wheel of the repository, by file name."""
    return _content(_build(ROOT, "wheel", tmp_path_factory.mktemp("wheel")))


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_wheel_has_every_file_of_the_package(wheel: dict[str, bytes], package: Path) -> None:
    """Code, migrations and data; typed; and nothing that Python made while it ran."""
    top = ROOT / package
    wanted = {str(path.relative_to(top.parent)) for path in top.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert {name for name in wheel if name.startswith(f"{package.name}/")} == wanted
    assert f"{package.name}/py.typed" in wanted


def test_wheel_has_nothing_else(wheel: dict[str, bytes]) -> None:
    """Tests, benchmark and demo stay in the repository."""
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == {package.name for package in PACKAGES}


def test_source_archive_builds_the_same_wheel(wheel: dict[str, bytes], tmp_path: Path) -> None:
    """Who has the archive alone can build all of it."""
    archive = _build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    assert _content(_build(source, "wheel", tmp_path / "wheel")) == wheel
