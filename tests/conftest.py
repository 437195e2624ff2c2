"""Before all tests: ``wire`` must be imported before gRPC, or listeners would speak TLS 1.2 (docs/adr/0004).

Garbage is looked for rarely, as in the programs: the modules of the tests are a lot to look through.

Property tests have no deadline for one example: a machine that others use would fail them at random.
"""

import pytest
from hypothesis import HealthCheck, settings

import wire
from tests import recycled
from wire.collection import collect_rarely

assert wire.cipher_suites.IN_FORCE

collect_rarely()
settings.register_profile("fourseal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fourseal")


def pytest_configure(config: pytest.Config) -> None:
    """Have keys taken again; a plug-in, because a ``conftest.py`` hears nothing of fixtures for the session."""
    config.pluginmanager.register(recycled)
