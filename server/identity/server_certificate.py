"""The server's own TLS certificate: made by its authority, made again when its names change or its end is near.

A running server shows the new one to new connections: it need not be restarted for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import Connection

from server.custody import Sealer
from server.identity.authority import Authority
from server.identity.credentials import open_key, seal_key
from server.identity.store import agents as store

LIFETIME: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=60)
_NAME: Final = "server"


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What a TLS listener needs, as PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    expire_time: datetime


class CurrentCertificate:
    """The certificate that the listeners show now. Read by gRPC's threads, replaced by housekeeping."""

    def __init__(self, certificate: ServerCertificate) -> None:
        self._certificate = certificate

    def is_due(self, now: datetime) -> bool:
        """Whether its end is near."""
        return self._certificate.expire_time - RENEW_BEFORE <= now

    def replace(self, certificate: ServerCertificate) -> None:
        """Show another one to every new connection."""
        self._certificate = certificate

    def pair(self) -> tuple[bytes, bytes]:
        """Private key and certificate, PEM."""
        certificate = self._certificate
        return certificate.key_pem, certificate.certificate_pem

    def possession_key(self) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        """Certificate (DER) and private key, by which the server proves to a signer who it is."""
        key_pem, certificate_pem = self.pair()
        key = load_pem_private_key(key_pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError  # ensure_server_certificate makes no other
        return x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER), key


def ensure_server_certificate(
    connection: Connection, sealer: Sealer, authority: Authority, names: list[str], now: datetime
) -> ServerCertificate:
    """The certificate that is kept, or a new one if that is missing, near its end, or for other names.

    Args:
        connection: a transaction that may write.
        sealer: for the private key.
        authority: issues it.
        names: host names and IP addresses, at least one.
        now: the present time.
    """
    kept = store.find_credential(connection, _NAME)
    if kept is not None and kept.expire_time - RENEW_BEFORE > now:
        certificate = x509.load_der_x509_certificate(kept.certificate)
        if _names(certificate) == names and certificate.issuer == authority.certificate.subject:
            return _pem(certificate, open_key(sealer, _NAME, kept))
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue_for_server(key.public_key(), names, now, LIFETIME)
    store.put_credential(connection, _NAME, seal_key(sealer, _NAME, certificate, key))
    return _pem(certificate, key)


def find_server_certificate_end(connection: Connection) -> datetime | None:
    """When the certificate that is kept expires; None before the first start."""
    kept = store.find_credential(connection, _NAME)
    return None if kept is None else kept.expire_time


def _names(certificate: x509.Certificate) -> list[str]:
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in alternatives]


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ServerCertificate:
    return ServerCertificate(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.not_valid_after_utc,
    )
