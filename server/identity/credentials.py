"""Certificates of this server with keys of its own processes: for TLS, and for answers about certificates.

Their keys are sealed in the database, whatever custody says: each process needs their numbers, and they live shortly.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from server.custody import SealBroken, Sealer, context_of_key, open_private_key, seal_private_key
from server.errors import OperatorError
from server.identity.store import agents as store


def seal_key(
    sealer: Sealer, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> store.Credential:
    """A credential to keep: the key sealed for this name and certificate."""
    der = certificate.public_bytes(Encoding.DER)
    sealed = seal_private_key(sealer, context_of_key(name, der), key)
    return store.Credential(der, sealed, certificate.not_valid_after_utc)


def open_key(sealer: Sealer, name: str, credential: store.Credential) -> ec.EllipticCurvePrivateKey:
    """The private key of a credential.

    Raises:
        OperatorError: it does not open as what it is said to be.
    """
    try:
        key = open_private_key(sealer, context_of_key(name, credential.certificate), credential.sealed_key)
    except SealBroken:
        raise damaged_key(name) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise damaged_key(name)
    return key


def damaged_key(name: str) -> OperatorError:
    """What is said of a private key that does not open."""
    return OperatorError(f"the {name}'s private key does not open", "Restore database and master key from one backup.")
