"""What our programs import, for ``tests.forked``: imported once, by the process that is forked."""

from __future__ import annotations

import gc
import pkgutil
from importlib import import_module
from pathlib import Path

import server.cli
import signer_agent.cli
import terminal.cli
from tests import cheap

for _package in (server.cli, signer_agent.cli, terminal.cli):
    for _module in pkgutil.iter_modules(_package.__path__):
        import_module(f"{_package.__name__}.{_module.name}")
for _name in ("server.root.application", "server.root.media", "signer_agent.client.agent"):  # imported by functions
    import_module(_name)

cheap.take_what_is_cheap()

assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread does not come along into a fork"
gc.freeze()
