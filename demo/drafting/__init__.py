"""The fourth demo: two people negotiate a contract, sign it, and have it with a watermark; then others alter it."""

import wire

assert wire.cipher_suites.IN_FORCE  # noqa: S101  # gRPC was not imported before: its channels speak TLS 1.3
