"""The version of the installed software."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed_version() -> str:
    try:
        return version("fourseal")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "unknown"


VERSION: Final = _installed_version()
"""As in the package's metadata."""
