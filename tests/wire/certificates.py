"""An authority of its own for tests of TLS, with keys of either kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

KEYS: dict[str, Callable[[], Key]] = {
    "ECDSA": partial(ec.generate_private_key, ec.SECP256R1()),
    "RSA": partial(rsa.generate_private_key, 65537, 2048),
}


@dataclass(frozen=True)
class Identity:
    """A private key with its certificate, both PEM."""

    key: bytes
    chain: bytes


@dataclass
class Authority:
    """Issues certificates."""

    name: str
    _key: Key = field(default_factory=KEYS["ECDSA"], repr=False)

    def __post_init__(self) -> None:
        self.certificate = _certificate(self.name, self._key, self.name, self._key, authority=True)

    def identity(self, host: str, kind: str = "ECDSA") -> Identity:
        """A new key with a certificate for a host."""
        key = KEYS[kind]()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Identity(secret, _certificate(host, key, self.name, self._key, authority=False))


def _certificate(name: str, key: Key, issuer: str, issuer_key: Key, *, authority: bool) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.PEM)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
