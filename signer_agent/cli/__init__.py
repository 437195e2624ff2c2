"""The command line of a signer, ``fourseal``."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what went wrong is said once, in our words

import wire.cipher_suites  # noqa: F401  # before anything imports gRPC
from signer_agent.cli.main import main  # the variable must stand before gRPC looks at it

__all__ = ["main"]
