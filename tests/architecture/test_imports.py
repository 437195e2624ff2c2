"""What takes long to import is imported where it is used: hundreds of processes are started without a use for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from importlib import import_module
for name in sys.argv[1].split():
    import_module(name)
print(*sys.modules)
"""
_LATER = {
    *("fontTools", "lxml", "markdown_it", "pikepdf", "pyhanko", "rapidfuzz", "reportlab"),
    *("alembic", "segno", "sqlalchemy.dialects.postgresql", "webauthn"),
}


@pytest.mark.parametrize(
    ("program", "used_at_once"),
    [
        ("server.cli.run server.root.application", "sqlalchemy.dialects.sqlite"),
        ("signer_agent.cli signer_agent.client.agent", "grpc"),
    ],
)
def test_start_of_a_program(program: str, used_at_once: str) -> None:
    """Neither a server nor an agent waits for what makes documents, changes schemas, or asks security keys."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert used_at_once in imported
    assert imported & _LATER == set()
