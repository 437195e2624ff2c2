"""Programs look for garbage rarely while they import, and as usual when they serve."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import gc, sys
from wire.collection import collect_as_usual, collect_rarely
class Loop:
    def __init__(self):
        self.me = self
if "rarely" in sys.argv:
    collect_rarely()
if "usual" in sys.argv:
    collect_as_usual()
gc.callbacks.append(lambda phase, info: phase == "stop" and found.append(info["collected"]))
found = []
for _ in range(20_000):
    Loop()
print(sum(found) > 0, gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("steps", "is_collected", "is_frozen"),
    [([], True, False), (["rarely"], False, False), (["rarely", "usual"], True, True)],
)
def test_garbage_is_looked_for(steps: list[str], *, is_collected: bool, is_frozen: bool) -> None:
    """As by default; not after some thousand objects; again, but not through what was there."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, *steps], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(is_collected), str(is_frozen)]
