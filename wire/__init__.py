"""What both ends of a gRPC line share: the catalogue of errors, statuses, conversions, limits, TLS, the interceptor.

The server uses it towards agents, and the agent's local service towards back ends; both have a small HTTP server of it
for those who do not speak gRPC. It knows no rules and no storage.
Import it before gRPC (``cipher_suites``).
"""

from wire import cipher_suites  # before any module of this package imports gRPC

__all__ = ["cipher_suites"]
