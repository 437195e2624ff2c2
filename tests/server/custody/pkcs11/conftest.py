"""A token for tests, and workers that hold it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.custody.pkcs11 import TokenAddress, WorkerPool
from tests.server.custody.pkcs11.softhsm import LABEL, PIN, SoftToken, new_token
from tests.server.harness import silent_log


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    """A new token, which this process and those that it starts find."""
    made = new_token(tmp_path_factory.mktemp("softhsm"))
    monkeypatch.setenv("SOFTHSM2_CONF", made.environment["SOFTHSM2_CONF"])
    return made


@pytest.fixture
def pool(token: SoftToken) -> Iterator[WorkerPool]:
    """Two workers at it."""
    opened = WorkerPool(TokenAddress(str(token.module), LABEL, PIN), 2, 30.0, silent_log())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """One token for a module."""
    return new_token(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture
def in_token(shared_token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    """Servers that are set up and started now keep their keys in that token: the environment beats their configuration.

    To be named before their folder, or by ``usefixtures``.
    """
    for name, value in shared_token.settings.items():
        monkeypatch.setenv(name, value)
    return shared_token
