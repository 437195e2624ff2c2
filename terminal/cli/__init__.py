"""The command line of a terminal, ``fourseal-terminal``."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what went wrong is said once, in our words

from terminal.cli.main import main  # the variable must stand before gRPC looks at it

__all__ = ["main"]
