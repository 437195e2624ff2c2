"""The generated gRPC code: complete, current, and fit for the oldest libraries that pyproject.toml admits."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import hatch_build

ROOT = Path(hatch_build.__file__).parent
PROTOS = ROOT / "protos"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the protos alone, generated anew."""
    root = tmp_path_factory.mktemp("root")
    (root / "protos").symlink_to(PROTOS)
    hatch_build.generate(root)
    return root


def test_generated_code_is_that_of_the_protos(fresh: Path) -> None:
    """What tests and servers import is what the protos say now."""
    assert _sources(ROOT / "gen" / "fourseal") == _sources(fresh / "gen" / "fourseal")


def test_every_proto_has_messages_and_every_service_stubs_all_typed(fresh: Path) -> None:
    """Nothing is left out, and a type checker knows the package."""
    made = set(_sources(fresh / "gen"))
    assert "fourseal/py.typed" in made
    for proto in PROTOS.rglob("*.proto"):
        stem = str(proto.relative_to(PROTOS).with_suffix(""))
        kinds = ["pb2", "pb2_grpc"] if "\nservice " in proto.read_text(encoding="utf-8") else ["pb2"]
        assert {f"{stem}_{kind}.{suffix}" for kind in kinds for suffix in ("py", "pyi")} <= made


def test_what_protos_no_longer_say_disappears(tmp_path: Path) -> None:
    """Code of a proto file that was removed does not stay importable."""
    folder = tmp_path / "protos" / "fourseal" / "v1"
    folder.mkdir(parents=True)
    for name in ("kept", "removed"):
        (folder / f"{name}.proto").write_text('syntax = "proto3";\npackage fourseal.v1;\n')
    hatch_build.generate(tmp_path)
    kept = tmp_path / "gen" / "fourseal" / "v1" / "kept_pb2.py"
    before = _identity(kept)
    (folder / "removed.proto").unlink()
    hatch_build.generate(tmp_path)
    assert sorted(path.name for path in kept.parent.iterdir()) == ["__init__.py", "kept_pb2.py", "kept_pb2.pyi"]
    assert _identity(kept) == before, "what did not change was written again"


def test_a_broken_proto_fails_the_build_and_leaves_the_last_code(tmp_path: Path) -> None:
    """A build never goes on with half of the code."""
    folder = tmp_path / "protos" / "fourseal" / "v1"
    folder.mkdir(parents=True)
    proto = folder / "one.proto"
    proto.write_text('syntax = "proto3";\npackage fourseal.v1;\n')
    hatch_build.generate(tmp_path)
    before = _sources(tmp_path / "gen")
    proto.write_text("syntax = ")
    with pytest.raises(RuntimeError, match="protoc"):
        hatch_build.generate(tmp_path)
    assert _sources(tmp_path / "gen") == before


def test_oldest_admitted_libraries_run_the_generated_code(fresh: Path) -> None:
    """Generated code refuses older libraries when it is imported: they must not be admitted."""
    text = "\n".join(_sources(fresh / "gen").values())
    floors = {requirement.name: _floor(requirement) for requirement in _project_requirements()}
    [protobuf] = set(re.findall(r"# Protobuf Python Version: (\S+)", text))
    [grpcio] = set(re.findall(r"GRPC_GENERATED_VERSION = '(\S+)'", text))
    assert floors["protobuf"] >= Version(protobuf)
    assert floors["grpcio"] >= Version(grpcio)


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns  # without the time of the last reading


def _sources(gen: Path) -> dict[str, str]:
    return {
        str(path.relative_to(gen)): path.read_text(encoding="utf-8")
        for path in sorted(gen.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def _project_requirements() -> list[Requirement]:
    pyproject: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(text) for text in pyproject["project"]["dependencies"]]


def _floor(requirement: Requirement) -> Version:
    [specifier] = requirement.specifier
    assert specifier.operator == ">=", "runtime requirements have a floor and no ceiling"
    return Version(specifier.version)
