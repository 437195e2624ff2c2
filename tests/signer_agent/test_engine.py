"""Which engine the agent's shares are used with."""

from __future__ import annotations

import pytest

from mpc.engines import EngineName
from mpc.errors import EngineUnavailable
from signer_agent.client.agent import LocalAgent
from signer_agent.engine import chosen_engine
from signer_agent.keystore.store import KeyStore
from tests.mpc.engines.conftest import opened


@pytest.mark.parametrize("name", [*EngineName, ""])
def test_environment_names_it(name: str, monkeypatch: pytest.MonkeyPatch, store: KeyStore) -> None:
    """gmpy2, where it names none; the agent's library uses that one."""
    monkeypatch.setenv("FOURSEAL_ENGINE", name)
    expected = opened(EngineName(name or "gmpy2"))
    assert chosen_engine() is expected
    assert LocalAgent(store)._engine is expected


def test_engine_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the names that there are; nothing else is taken instead."""
    monkeypatch.setenv("FOURSEAL_ENGINE", "abacus")
    with pytest.raises(EngineUnavailable, match=r"abacus.*gmpy2, libcrypto, crypto_mb"):
        chosen_engine()
