"""Makes ``gen/fourseal`` from ``protos/fourseal``: messages, gRPC stubs and their types.

hatchling calls the hook for wheels, for ``pip install .`` and for editable installs; ``make proto`` runs this file.
Nobody edits what it writes, and git ignores it.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import grpc_tools
from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PACKAGE = Path("fourseal")
MARKER = "py.typed"  # written last: its time is that of the last complete generation


class GenerateHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling leaves its configuration untyped
    """Generates before hatchling collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """See hatchling's BuildHookInterface."""
        generate(Path(self.root))


def generate(root: Path) -> None:
    """Bring ``root/gen/fourseal`` in line with ``root/protos/fourseal``.

    Files that would not change are left alone, and others replaced in one step each, so that a process which imports
    them meanwhile sees whole files.

    Raises:
        RuntimeError: a plugin of protoc is missing, or protoc refused a file and has said why on stderr.
    """
    target = root / "gen" / PACKAGE
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "gen") as scratch:
        fresh = Path(scratch)
        _run_protoc(root / "protos", fresh)
        _add_package_files(fresh / PACKAGE)
        _replace_changed(fresh / PACKAGE, target)
    (target / MARKER).touch()


def _run_protoc(protos: Path, out: Path) -> None:
    every = sorted((protos / PACKAGE).rglob("*.proto"))
    services = [file for file in every if file.stem.endswith("_service")]
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    plugins = [f"--plugin={name}={_find_plugin(name)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    common = ["protoc", f"-I{protos}", f"-I{well_known}", *plugins]
    messages = [f"--python_out={out}", f"--mypy_out=quiet:{out}"]
    stubs = [f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"]
    for options, files in ((messages, every), (stubs, services)):
        if files and protoc.main([*common, *options, *map(str, files)]) != 0:
            raise RuntimeError("protoc failed; see its message above")


def _find_plugin(name: str) -> str:
    # Beside this Python when nothing is isolated and no environment activated; on PATH when pip isolates the build.
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=places)
    if found is None:
        raise RuntimeError(f"{name} is missing; mypy-protobuf brings it")
    return found


def _add_package_files(package: Path) -> None:
    for folder in (package, *(path for path in package.rglob("*") if path.is_dir())):
        (folder / "__init__.py").touch()
    (package / MARKER).touch()


def _replace_changed(fresh: Path, target: Path) -> None:
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for path in [*target.rglob("*.py"), *target.rglob("*.pyi")]:
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        old, new = target / name, fresh / name
        if not old.exists() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            new.replace(old)


if __name__ == "__main__":
    generate(ROOT)
