"""Which gateway calls, from the client certificate of the TLS connection, which TLS has checked; or has signed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from contract.announcements.claim import is_party_name
from contract.certificate_parts import fingerprint, load_certificate
from contract.chain import check_issued, check_valid
from contract.oids import Arc
from server.clock import Clock
from server.identity.authority import GATEWAY_URI_PREFIX
from server.storage import NOBODY, current_caller
from wire.catalogue import ServiceError
from wire.peer import peer_certificate

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    from wire.interceptor import Context

_CAPACITY: Final = 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that calls.

    Args:
        name: its first host name.
        certificate: SHA-256 of its certificate.
        public_key: in that; it signs by it, too.
        not_before, not_after: of the certificate.
    """

    name: str
    certificate: bytes
    public_key: ec.EllipticCurvePublicKey
    not_before: datetime
    not_after: datetime


class GatewayReader:
    """Reads gateways' certificates; each is parsed once, as long as it is among the last 1024.

    Args:
        arc: the installation's arc.
        clock: certificates are looked at again for their end, for a connection may outlive it.
    """

    def __init__(self, arc: Arc, clock: Clock) -> None:
        self._usage = arc.gateway
        self._clock = clock
        self._known: OrderedDict[bytes, Gateway] = OrderedDict()

    def is_gateway(self, context: Context) -> bool:
        """Whether a gateway makes a call."""
        try:
            self.of(context)
        except ServiceError:
            return False
        return True

    def of(self, context: Context) -> Gateway:
        """Which gateway makes a call.

        Raises:
            ServiceError: CALLER_UNKNOWN: no certificate, no gateway's, or one whose time has passed;
                GATEWAY_NAME_UNSUITABLE: control messages cannot name it.
        """
        current_caller.set(NOBODY)
        pem = peer_certificate(context)
        if pem is None:
            raise ServiceError("CALLER_UNKNOWN")
        gateway = self._known.get(pem)
        if gateway is None:
            gateway = self._known[pem] = self._read(pem)
            if len(self._known) > _CAPACITY:
                self._known.popitem(last=False)
        if not gateway.not_before <= self._clock() <= gateway.not_after:
            raise ServiceError("CALLER_UNKNOWN")
        current_caller.set(gateway.name)
        return gateway

    def _read(self, pem: bytes) -> Gateway:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise ServiceError("CALLER_UNKNOWN") from None
        return _read(certificate, self._usage)


def read_gateway_certificate(data: bytes, authority: x509.Certificate, arc: Arc, at: datetime) -> Gateway:
    """Read a gateway's certificate that somebody shows outside of TLS, and check it.

    Args:
        data: DER.
        authority: that we know.
        arc: the installation's arc.
        at: when it must have been valid; aware.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
        VerificationFailed: what ``check_issued`` and ``check_valid`` raise.
        ServiceError: CALLER_UNKNOWN, GATEWAY_NAME_UNSUITABLE: it is no gateway's.
    """
    certificate = load_certificate(data)
    check_issued(certificate, authority)
    check_valid(certificate, authority, at)
    return _read(certificate, arc.gateway)


def _read(certificate: x509.Certificate, usage: x509.ObjectIdentifier) -> Gateway:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        raise ServiceError("CALLER_UNKNOWN") from None
    key = certificate.public_key()
    names = [
        uri.removeprefix(GATEWAY_URI_PREFIX)
        for uri in alternatives.get_values_for_type(x509.UniformResourceIdentifier)
        if uri.startswith(GATEWAY_URI_PREFIX)
    ]
    if usage not in usages or len(names) != 1 or not isinstance(key, ec.EllipticCurvePublicKey):
        raise ServiceError("CALLER_UNKNOWN")
    if not is_party_name(names[0]):
        raise ServiceError("GATEWAY_NAME_UNSUITABLE")
    return Gateway(
        names[0],
        fingerprint(certificate),
        key,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
