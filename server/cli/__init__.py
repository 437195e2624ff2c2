"""The operator's command line: ``fourseal-server``."""

import wire.cipher_suites  # noqa: F401  # before anything imports gRPC
from server.cli.main import main

__all__ = ["main"]
