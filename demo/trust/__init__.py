"""The third demo: a company's keys in trust, on a token: granted, used, refused, revoked, audited."""

import wire

assert wire.cipher_suites.IN_FORCE  # noqa: S101  # gRPC was not imported before: its channels speak TLS 1.3
