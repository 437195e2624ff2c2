"""How the benchmark runs the product's command lines."""

from __future__ import annotations

import pytest

from bench.errors import BenchFailed
from bench.rig.command import SERVER, environment, operate


def test_settings_of_whoever_runs_it_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that somebody uses is never measured with; what else the environment says stays."""
    monkeypatch.setenv("FOURSEAL_DATABASE_URL", "sqlite:////precious.db")
    monkeypatch.setenv("LANGUAGE", "en")
    found = environment(FOURSEAL_LISTEN="127.0.0.1:0")
    assert (found["FOURSEAL_LISTEN"], found["LANGUAGE"]) == ("127.0.0.1:0", "en")
    assert "FOURSEAL_DATABASE_URL" not in found


def test_refused_command_is_told_in_its_own_words() -> None:
    """Not only that it failed."""
    with pytest.raises(BenchFailed, match="No such option"):
        operate(SERVER, ["init", "--nonsense"], environment())
