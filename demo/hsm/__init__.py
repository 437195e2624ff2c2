"""The second demo: the server's halves live in a token of SoftHSM2, and an officer makes certificates for the keys."""

import wire

assert wire.cipher_suites.IN_FORCE  # noqa: S101  # gRPC was not imported before: its channels speak TLS 1.3
