"""The engines that are tested."""

from __future__ import annotations

import pytest

from mpc.engines import Engine, EngineName, open_engine
from mpc.errors import EngineUnavailable


def opened(name: EngineName) -> Engine:
    """The engine, if this machine has what it needs; else the test is skipped, and says why."""
    try:
        return open_engine(name)
    except EngineUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=EngineName)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine."""
    return opened(request.param)
