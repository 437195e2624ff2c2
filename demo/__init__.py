"""The demo: everything that the joint key does, on real processes, with a real contract. ``python -m demo``."""

import wire

assert wire.cipher_suites.IN_FORCE  # noqa: S101  # gRPC was not imported before: its channels speak TLS 1.3
