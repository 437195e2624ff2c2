"""The key that confirmation codes are sealed for: made in custody, certified by the authority for that alone.

Earlier ones stay: what was sealed for one of them is taken until its certificate ends, and can be opened ever after,
by whoever verifies a transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection

from contract.sealing import unseal
from contract.transactions.binding import Opener
from mpc.engines import Random
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import KeyKind, NamedKeys, NamedRsaKey, PublicKey
from server.identity import Authority, CertifiedKeyRow, CertifiedKeys, KeySort
from server.storage import Database
from server.transactions.store.tables import back_end_keys
from wire.catalogue import ServiceError


def _issue(
    authority: Authority, name: str, public_key: PublicKey, now: datetime, lifetime: timedelta
) -> x509.Certificate:
    assert isinstance(public_key, rsa.RSAPublicKey)  # noqa: S101  # it was asked for
    return authority.issue_back_end_certificate(name, public_key, now, lifetime)


BACK_END_KEYS: Final = KeySort("backend-", KeyKind.RSA_3072, Purpose.DECRYPT, back_end_keys, _issue)


class BackEndKeys(CertifiedKeys):
    """The keys of a back end. Arguments as of ``CertifiedKeys``."""

    def __init__(
        self, database: Database, keys: NamedKeys, authority: Authority, random: Random, clock: Clock, *, name: str
    ) -> None:
        super().__init__(BACK_END_KEYS, database, keys, authority, random, clock, name=name)
        self._opened: dict[bytes, NamedRsaKey] = {}

    def newest(self, connection: Connection) -> CertifiedKeyRow:
        """The key that codes are sealed for now.

        Raises:
            ServiceError: BACK_END_NOT_READY: none was made yet.
        """
        found = self.find_newest(connection)
        if found is None:
            raise ServiceError("BACK_END_NOT_READY")
        return found

    def accepts(self, connection: Connection, certificate: bytes) -> bool:
        """Whether codes are taken that were sealed for the certificate with that fingerprint."""
        return any(row.fingerprint == certificate for row in self.list_valid(connection))

    def opener(self, connection: Connection, certificate: bytes) -> Opener:
        """Opens what was sealed for a certificate; to be called outside the transaction, in a worker.

        It raises DecryptionFailed, and ServiceError: CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.

        Raises:
            ServiceError: NAMED_KEY_DAMAGED: the key's row is.
            OperatorError: custody is elsewhere than the configuration says.
        """
        key = self._opened.get(certificate)
        if key is None:
            found = back_end_keys.find(connection, certificate)
            if found is None:
                raise ServiceError("NAMED_KEY_DAMAGED", name=f"with the certificate {certificate.hex()}")
            key = self._opened[certificate] = open_key(connection, self._keys, found)
        return partial(unseal, key)


def open_key(connection: Connection, keys: NamedKeys, row: CertifiedKeyRow) -> NamedRsaKey:
    """The private key of a row. See ``KeySort.open``."""
    key = BACK_END_KEYS.open(connection, keys, row)
    assert isinstance(key, NamedRsaKey)  # noqa: S101  # as its public key is
    return key
