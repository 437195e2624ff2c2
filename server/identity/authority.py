"""The development certificate authority: one ECDSA P-256 key, sealed in custody, that signs for this server alone.

It signs two sorts of certificates: the server's own (extended key usage serverAuth) and the agents' (clientAuth, with
the agent's name as ``urn:fourseal:agent:<name>`` in the subject alternative name). Keys for TLS have nothing to do with
key shares.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import Connection

from server.custody import Context, Sealer
from server.custody.sealing import SealBroken
from server.errors import OperatorError
from server.identity import store

AGENT_URI_PREFIX: Final = "urn:fourseal:agent:"
AUTHORITY_LIFETIME: Final = timedelta(days=3650)
AGENT_LIFETIME: Final = timedelta(days=397)
BACKDATE: Final = timedelta(minutes=10)
"""Certificates begin this long before they are made: clocks may differ by that much."""
_NAME: Final = "authority"
_SERVER_COMMON_NAME: Final = "Fourseal server"  # a host may not fit here; clients look at the alternative names


class Authority:
    """An authority that is ready to sign. From ``load`` or ``ensure``."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    @classmethod
    def load(cls, connection: Connection, sealer: Sealer) -> Authority:
        """The authority of this database.

        Raises:
            OperatorError: there is none, or its key does not open.
        """
        credential = store.find_credential(connection, _NAME)
        if credential is None:
            raise _no_authority()
        key = open_key(sealer, _NAME, credential)
        return cls(x509.load_der_x509_certificate(credential.certificate), key)

    @classmethod
    def ensure(cls, connection: Connection, sealer: Sealer, now: datetime) -> bool:
        """Make an authority unless there is one; whether one was made."""
        if store.find_credential(connection, _NAME) is not None:
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fourseal development authority")])
        certificate = (
            _builder(name, name, key.public_key(), now, AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        store.put_credential(connection, _NAME, seal_key(sealer, _NAME, certificate, key))
        return True

    @staticmethod
    def find_certificate_pem(connection: Connection) -> bytes:
        """The authority's certificate, without its key.

        Raises:
            OperatorError: the database has no authority.
        """
        credential = store.find_credential(connection, _NAME)
        if credential is None:
            raise _no_authority()
        return x509.load_der_x509_certificate(credential.certificate).public_bytes(Encoding.PEM)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    def issue_for_server(
        self, public_key: ec.EllipticCurvePublicKey, names: list[str], now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for this server under host names and IP addresses."""
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        return self._issue(
            _SERVER_COMMON_NAME, public_key, alternatives, ExtendedKeyUsageOID.SERVER_AUTH, now, lifetime
        )

    def issue_for_agent(self, public_key: ec.EllipticCurvePublicKey, agent_id: str, now: datetime) -> x509.Certificate:
        """A client certificate for an agent."""
        alternatives = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(AGENT_URI_PREFIX + agent_id)])
        return self._issue(agent_id, public_key, alternatives, ExtendedKeyUsageOID.CLIENT_AUTH, now, AGENT_LIFETIME)

    def _issue(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        alternatives: x509.SubjectAlternativeName,
        usage: x509.ObjectIdentifier,
        now: datetime,
        lifetime: timedelta,
    ) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            _builder(name, self.certificate.subject, public_key, now, lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(alternatives, critical=False)
            .add_extension(authority_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def seal_key(
    sealer: Sealer, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> store.Credential:
    """A credential to keep: the key sealed for this name and certificate."""
    der = certificate.public_bytes(Encoding.DER)
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return store.Credential(der, sealer.seal(_context(name, der), secret), certificate.not_valid_after_utc)


def open_key(sealer: Sealer, name: str, credential: store.Credential) -> ec.EllipticCurvePrivateKey:
    """The private key of a credential.

    Raises:
        OperatorError: it does not open as what it is said to be.
    """
    try:
        secret = sealer.open(_context(name, credential.certificate), credential.sealed_key)
    except SealBroken:
        raise OperatorError(
            f"the {name}'s private key does not open", "Restore database and master key from one backup."
        ) from None
    key = load_der_private_key(secret, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OperatorError(f"the {name}'s private key is of another kind", "Restore the database from a backup.")
    return key


def _no_authority() -> OperatorError:
    return OperatorError("the database has no certificate authority", "Run fourseal-server init.")


def _context(name: str, certificate_der: bytes) -> Context:
    return Context("private-key", name, (certificate_der,))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
