"""Tokens for tests. Where SoftHSM2 is not installed the tests are skipped; ``.ci/run`` fails then."""

from __future__ import annotations

from pathlib import Path

import pytest

import softhsm
from softhsm import LABEL, PIN, SoftHsmMissing, SoftToken

__all__ = ["LABEL", "PIN", "SoftToken", "new_token"]


def new_token(folder: Path) -> SoftToken:
    """Make a token, or skip the test."""
    try:
        return softhsm.new_token(folder)
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
