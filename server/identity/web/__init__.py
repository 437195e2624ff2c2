"""The face of certificates for everybody: HTTP, as verifiers of certificates ask, without TLS and without a login."""

from server.identity.web.listener import StatusListener

__all__ = ["StatusListener"]
