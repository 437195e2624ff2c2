"""The fonts that contracts are set in."""

from __future__ import annotations

import pytest

from contract.documents.fonts import Fonts
from wire.fonts import find_fonts


@pytest.fixture(scope="session")
def fonts() -> Fonts:
    """The files of all faces, read once."""
    return find_fonts()
