"""What ``python -m MODULE ARGUMENTS`` does, in a process that was forked."""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Run the module that the first argument names."""
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
