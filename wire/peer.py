"""Who is at the other end of a server's TLS line, as far as TLS knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    from wire.interceptor import Context


def peer_certificate(context: Context) -> bytes | None:
    """The client certificate of a call, PEM, which TLS has checked; None where the listener asks for none."""
    (pem,) = context.auth_context().get("x509_pem_cert") or (None,)
    return pem
