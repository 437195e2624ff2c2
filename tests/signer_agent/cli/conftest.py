"""Shared by the tests of the command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from signer_agent.blocking import Agent
from signer_agent.home import Home
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import RealServer, running_daemon


@pytest.fixture(scope="module")
def signer(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    """A signer with an unlocked daemon, a key for signing, ``contracts``, and one for decryption, ``letters``."""
    folder = tmp_path_factory.mktemp("signer")
    home = Home.find(folder / "agent")
    server.enrolled(home)
    with running_daemon(home):
        with Agent.connect(home=home.folder) as agent:
            agent.generate_key("sign", half_bits=2048, label="contracts")
            agent.generate_key("decrypt", half_bits=2048, label="letters")
        yield Signer(home, folder)


@pytest.fixture
def alone(signer: Signer, tmp_path: Path) -> Iterator[Signer]:
    """The same with a copy of the key store, and no daemon. It hands the baton back: the server must find no copy."""
    home = Home.find(tmp_path / "copy")
    shutil.copytree(signer.home.folder, home.folder, ignore=shutil.ignore_patterns("run"))
    yield Signer(home, tmp_path)
    shutil.copy(home.folder / "baton.json", signer.home.folder)
