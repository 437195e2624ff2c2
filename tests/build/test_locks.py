"""The lock files: complete, hashed, and the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("run.txt", "dev.txt", "crypto_mb.txt", "pip.txt")
APART = "crypto-mb"
ENTRY = re.compile(r"([a-z0-9._-]+==[^\\]+?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def _read(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def _locked(name: str) -> set[Requirement]:
    return {Requirement(match[1]) for match in ENTRY.finditer(_read(name))}


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _wanted(name: str) -> list[Requirement]:
    project, build = _pyproject()["project"], _pyproject()["build-system"]
    extras = project["optional-dependencies"]
    if name == "pip.txt":
        return [Requirement("pip")]
    if name == "crypto_mb.txt":
        return [Requirement(text) for text in extras[APART]]
    texts = [*project["dependencies"], *build["requires"]]
    if name == "dev.txt":
        texts += [text for extra in extras.keys() - {APART} for text in extras[extra]]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_versions_and_hashes_and_nothing_else(name: str) -> None:
    """No address, path or option of the machine that made it."""
    assert ENTRY.sub("", _read(name)) == ""


@pytest.mark.parametrize("name", LOCKS)
def test_lock_meets_every_requirement(name: str) -> None:
    """A requirement was changed: make lock."""
    locked = {canonicalize_name(entry.name): next(iter(entry.specifier)).version for entry in _locked(name)}
    for wanted in _wanted(name):
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), str(wanted)


def test_product_is_tested_in_the_versions_that_it_is_run_with() -> None:
    """What run.txt has, dev.txt has too, in the same version."""
    assert {str(entry) for entry in _locked("run.txt")} <= {str(entry) for entry in _locked("dev.txt")}
