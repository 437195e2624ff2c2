"""Who is at the other end of a server's line: as far as TLS knows, and with which login or pass."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    from wire.interceptor import Context

LOGIN_KEY: Final = "fourseal-login"
"""Metadata with the token of a login."""
RELAY_KEY: Final = "fourseal-pass-bin"
"""Metadata with a relay pass."""
LEASE_KEY: Final = "fourseal-lease-bin"
"""Metadata with a lease."""
FORWARDED_KEY: Final = "fourseal-forwarded-bin"
"""Metadata with the client certificate, DER, of an agent whose call a gateway hands on."""


def peer_certificate(context: Context) -> bytes | None:
    """The client certificate of a call, PEM, which TLS has checked; None where the listener asks for none."""
    (pem,) = context.auth_context().get("x509_pem_cert") or (None,)
    return pem


def peer_address(context: Context) -> str:
    """The IP address that a call came from, in its one spelling: IPv4 also where the listener is of IPv6."""
    host = unquote(context.peer()).partition(":")[2].rpartition(":")[0].strip("[]").partition("%")[0]
    address = ip_address(host)
    return str(getattr(address, "ipv4_mapped", None) or address)


def login_token(context: Context) -> str | None:
    """The token of the login that a call came with; None if it came with none, or with several."""
    found = [value for key, value in context.invocation_metadata() or () if key == LOGIN_KEY]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def relay_pass(context: Context) -> bytes | None:
    """The relay pass that a call came with; None if it came with none, or with several."""
    return _only(context, RELAY_KEY)


def lease_of(context: Context) -> bytes | None:
    """The lease that a call came with; None if it came with none, or with several."""
    return _only(context, LEASE_KEY)


def forwarded_certificate(context: Context) -> bytes | None:
    """The certificate that a call was handed on with, DER; None if it came with none, or with several."""
    return _only(context, FORWARDED_KEY)


def _only(context: Context, wanted: str) -> bytes | None:
    found = [value for key, value in context.invocation_metadata() or () if key == wanted]
    return found[0] if len(found) == 1 and isinstance(found[0], bytes) else None
