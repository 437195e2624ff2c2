"""What both ends of a gRPC line share: the catalogue of errors, statuses, conversions, limits, TLS, the interceptor.

And a small HTTP server, for what browsers and verifiers of certificates ask of either.

The server uses it towards agents, and the agent's local service towards back ends. It knows no rules and no storage.
Import it before gRPC (``cipher_suites``).
"""

from wire import cipher_suites  # before any module of this package imports gRPC

__all__ = ["cipher_suites"]
