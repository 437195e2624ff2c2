"""The key that signs answers about certificates: made by this server, certified by its authority for that alone.

The authority's own key answers nobody from outside. The certificate lives shortly, for nobody can ask whether it was
revoked; it is made again, with another key, when half of its life is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from server.custody import Sealer
from server.identity.authority import Authority
from server.identity.credentials import open_key, seal_key
from server.identity.store import agents as store

LIFETIME: Final = timedelta(days=30)
_NAME: Final = "responder"


@dataclass(frozen=True, slots=True)
class ResponderKey:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def is_due(self, now: datetime) -> bool:
        """Whether another one should take its place."""
        return now >= self.certificate.not_valid_after_utc - LIFETIME / 2


def ensure_responder_key(connection: Connection, sealer: Sealer, authority: Authority, now: datetime) -> ResponderKey:
    """The key that is kept, or a new one if that is missing, due, or certified by another authority.

    Args:
        connection: a transaction that may write.
        sealer: for the private key.
        authority: certifies it.
        now: the present time.

    Raises:
        OperatorError: the key does not open.
    """
    kept = store.find_credential(connection, _NAME)
    if kept is not None:
        certificate = x509.load_der_x509_certificate(kept.certificate)
        found = ResponderKey(certificate, open_key(sealer, _NAME, kept))
        if not found.is_due(now) and _is_of(authority, certificate):
            return found
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue_responder_certificate(key.public_key(), now, LIFETIME)
    store.put_credential(connection, _NAME, seal_key(sealer, _NAME, certificate, key))
    return ResponderKey(certificate, key)


def _is_of(authority: Authority, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
