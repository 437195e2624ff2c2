"""Tokens for tests. Where SoftHSM2 is not installed the tests are skipped; ``.ci/run`` fails then."""

from __future__ import annotations

from pathlib import Path

import pytest

import softhsm
from softhsm import LABEL, PIN, SoftHsmMissing, SoftToken

__all__ = ["LABEL", "PIN", "SoftToken", "new_token", "require_softhsm"]


def require_softhsm() -> None:
    """Skip the test where it is not installed."""
    try:
        softhsm.find_module()
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))


def new_token(folder: Path) -> SoftToken:
    """Make a token, or skip the test."""
    require_softhsm()
    return softhsm.new_token(folder)
