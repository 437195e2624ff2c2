"""Reads the project's Python as data: modules, and what each imports."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = frozenset({"gen", "build", "dist", "node_modules", "__pycache__"})
"""Folders, besides hidden ones, whose files nobody wrote here."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``from a import b`` counts as ``a.b``, which may be a module or something in one."""

    name: str
    line: int

    def within(self, *packages: str) -> bool:
        """Say whether the name is one of the packages, or lies in one."""
        return within(self.name, *packages)


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file.

    Args:
        name: dotted, as it is imported; a package goes by its own name, without ``__init__``.
        text: the source.
    """

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree of the text."""
        return ast.parse(self.text)

    def within(self, *packages: str) -> bool:
        """Say whether the module is one of the packages, or lies in one."""
        return within(self.name, *packages)

    def has_part(self, *parts: str) -> bool:
        """Say whether one of the parts stands between the dots of the name."""
        return not set(parts).isdisjoint(self.name.split("."))

    def imports(self) -> Iterator[Import]:
        """Yield every import, those inside functions too. Relative ones do not exist here: ruff refuses them."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (Import(f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def within(name: str, *packages: str) -> bool:
    """Say whether a dotted name is one of the packages, or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def files() -> Iterator[Path]:
    """Yield every file of the project, in order."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS and (not f.startswith(".") or f == ".ci"))
        yield from (Path(folder, name) for name in sorted(names))


def modules() -> list[Module]:
    """Return every Python file of the project."""
    return [Module(_name(path), path.read_text(encoding="utf-8")) for path in files() if path.suffix == ".py"]


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
