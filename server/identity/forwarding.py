"""Calls that a gateway hands on: whose they are.

A gateway ends the TLS connection of an agent, and calls with its own certificate. It names the agent's in the
metadata. Its word is taken for that alone: that the caller had the key of this certificate. Of anybody but a gateway
such metadata is passed over.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from contract.oids import Arc
from wire.catalogue import ServiceError
from wire.peer import forwarded_certificate, peer_certificate

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    from wire.interceptor import Context

_CAPACITY: Final = 4096
_Value = TypeVar("_Value")


class Forwarding:
    """Tells the certificate of whoever makes a call; each is looked at once, as long as it is among the last 4096.

    Args:
        authority: of agents and gateways.
        arc: the installation's arc.
    """

    def __init__(self, authority: x509.Certificate, arc: Arc) -> None:
        self._authority = authority
        self._usage = arc.gateway
        self._gateways: OrderedDict[bytes, bool] = OrderedDict()
        self._agents: OrderedDict[bytes, bytes] = OrderedDict()

    def certificate_of(self, context: Context) -> bytes | None:
        """The caller's certificate, PEM: the peer's, or the one that a gateway names. None if it shows none.

        Raises:
            ServiceError: CALLER_UNKNOWN: a gateway names one of another authority.
        """
        shown, named = peer_certificate(context), forwarded_certificate(context)
        if shown is None or named is None or not self._is_gateway(shown):
            return shown
        known = self._agents.get(named)
        if known is None:
            known = self._read(named)
            _keep(self._agents, named, known)
        return known

    def _is_gateway(self, pem: bytes) -> bool:
        known = self._gateways.get(pem)
        if known is None:
            known = _has_usage(pem, self._usage)
            _keep(self._gateways, pem, known)
        return known

    def _read(self, der: bytes) -> bytes:
        """TLS has checked who issued the certificates of its peers; this one came as metadata."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            certificate.verify_directly_issued_by(self._authority)
        except (ValueError, TypeError, x509.InvalidVersion, InvalidSignature):
            raise ServiceError("CALLER_UNKNOWN") from None
        return certificate.public_bytes(Encoding.PEM)


def _has_usage(pem: bytes, usage: x509.ObjectIdentifier) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        return usage in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, x509.ExtensionNotFound):
        return False


def _keep(known: OrderedDict[bytes, _Value], key: bytes, value: _Value) -> None:
    known[key] = value
    if len(known) > _CAPACITY:
        known.popitem(last=False)
