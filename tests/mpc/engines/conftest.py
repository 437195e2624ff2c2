"""The engines that are tested."""

from __future__ import annotations

import pytest

from mpc.engines import Engine, Gmpy2Engine


@pytest.fixture(scope="session", params=[Gmpy2Engine], ids=["gmpy2"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine."""
    engine: Engine = request.param()
    return engine
