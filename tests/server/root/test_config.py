"""The configuration: file, environment, and every wrong value refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import load_settings
from server.errors import OperatorError


def write(folder: Path, text: str) -> Path:
    """A folder with a configuration."""
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults(tmp_path: Path) -> None:
    """Nothing need be configured; whoever calls needs TLS and a certificate, and learns nothing by reflection."""
    settings = load_settings(tmp_path)
    assert settings.listen.startswith("127.0.0.1:")
    assert settings.destruction_delay_seconds == 24 * 3600
    assert not settings.reflection
    assert not settings.metrics_listen
    assert settings.threads >= 1


def test_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment counts more than the file."""
    folder = write(tmp_path, 'listen = "0.0.0.0:1"\nworker_threads = 7\nserver_names = ["a.example", "localhost"]\n')
    monkeypatch.setenv("FOURSEAL_LISTEN", "[::1]:2")
    settings = load_settings(folder)
    assert (settings.listen, settings.threads, settings.server_names) == ("[::1]:2", 7, ["a.example", "localhost"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('listen = "nowhere"', "listen"),
        ('listen = "127.0.0.1:65536"', "listen"),
        ('enrolment_listen = "127.0.0.1:"', "enrolment_listen"),
        ("listen = 7443", "listen"),
        ("destruction_delay_seconds = -1", "destruction_delay_seconds"),
        ("max_operations = 0", "max_operations"),
        ("max_operations = 10", "max_operations_per_caller"),
        ('log_level = "chatty"', "log_level"),
        ("health_interval_seconds = 0", "health_interval_seconds"),
        ('metrics_listen = "0.0.0.0:9464"', "metrics_listen"),
        ('metrics_listen = "server.example:9464"', "metrics_listen"),
        ("server_names = []", "server_names"),
        ('server_names = ["localhost", "h\u00f6st"]', "server_names"),
        ('public_host = "elsewhere"', "public_host"),
        ("listne = 1", "listne"),
        ("reflection = 12", "reflection"),
    ],
)
def test_wrong_value(tmp_path: Path, text: str, names: str) -> None:
    """The refusal names the setting and the file."""
    with pytest.raises(OperatorError, match=names) as refused:
        load_settings(write(tmp_path, text))
    assert "config.toml" in refused.value.action


@pytest.mark.parametrize("text", ["listen = ", "[", "listen = \x00", "= 1"])
def test_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    """It is said which file cannot be read."""
    with pytest.raises(OperatorError, match=r"config\.toml cannot be read"):
        load_settings(write(tmp_path, text))


def test_wrong_value_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variable is refused as a wrong line is."""
    monkeypatch.setenv("FOURSEAL_WORKER_THREADS", "many")
    with pytest.raises(OperatorError, match="worker_threads"):
        load_settings(tmp_path)
