"""The key that confirmation codes are sealed for: made in custody, certified by the authority for that alone.

It is made again, with another certificate, well before that ends. Earlier ones stay: what was sealed for one of them is
taken until its certificate ends, and can be opened ever after, by whoever verifies a transaction.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint, load_certificate
from contract.sealing import unseal
from contract.transactions.binding import Opener
from mpc.engines import Random
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import KeyKind, NamedKeys, NamedRsaKey, SealBroken, try_named_keys
from server.identity import Authority
from server.storage import Database
from server.transactions.store import keys as store
from server.transactions.store.keys import BackEndKeyRow
from wire.catalogue import ServiceError

LIFETIME: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=60)
_PREFIX: Final = "backend-"
_ID_BYTES: Final = 16


class BackEndKeys:
    """The keys of a back end.

    Args:
        database: where their certificates are.
        keys: custody.
        authority: certifies them.
        random: randomness for their names in custody.
        clock: the time.
        name: of the back end.
    """

    def __init__(
        self, database: Database, keys: NamedKeys, authority: Authority, random: Random, clock: Clock, *, name: str
    ) -> None:
        self._database = database
        self._keys = keys
        self._authority = authority
        self._random = random
        self._clock = clock
        self._name = name
        self._opened: dict[bytes, NamedRsaKey] = {}

    async def ensure(self) -> bool:
        """Make a key if there is none, it is of another authority, or its certificate ends soon; whether one was made.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL, STORAGE_UNAVAILABLE.
        """
        return await asyncio.to_thread(self.ensure_now)

    def ensure_now(self) -> bool:
        """As ``ensure``, for a caller without an event loop. Waits, for up to some seconds."""
        newest = self._database.read_now(self._find_newest)
        if newest is not None and not self._is_due(newest):
            return False
        return self._make(None if newest is None else newest.fingerprint)

    def newest(self, connection: Connection) -> BackEndKeyRow:
        """The key that codes are sealed for now.

        Raises:
            ServiceError: BACK_END_NOT_READY: none was made yet.
        """
        found = self._find_newest(connection)
        if found is None:
            raise ServiceError("BACK_END_NOT_READY")
        return found

    def accepts(self, connection: Connection, certificate: bytes) -> bool:
        """Whether codes are taken that were sealed for the certificate with that fingerprint."""
        found = store.find_key(connection, certificate)
        return found is not None and found.name == self._name and self._clock() < _end_of(found)

    def opener(self, connection: Connection, certificate: bytes) -> Opener:
        """Opens what was sealed for a certificate; to be called outside the transaction, in a worker.

        It raises DecryptionFailed, and ServiceError: CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.

        Raises:
            ServiceError: NAMED_KEY_DAMAGED: the key's row is.
            OperatorError: custody is elsewhere than the configuration says.
        """
        key = self._opened.get(certificate)
        if key is None:
            found = store.find_key(connection, certificate)
            if found is None:
                raise ServiceError("NAMED_KEY_DAMAGED", name=f"with the certificate {certificate.hex()}")
            key = self._opened[certificate] = open_key(connection, self._keys, found)
        return partial(unseal, key)

    def _find_newest(self, connection: Connection) -> BackEndKeyRow | None:
        return store.find_newest(connection, self._name)

    def _is_due(self, row: BackEndKeyRow) -> bool:
        certificate = load_certificate(row.certificate)
        try:
            certificate.verify_directly_issued_by(self._authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return True
        return self._clock() >= _end_of(row) - RENEW_BEFORE

    def _make(self, before: bytes | None) -> bool:
        """Make a key in place of the one ``before``; False if somebody else did meanwhile."""
        now = self._clock()
        key = self._keys.make(_PREFIX + self._random(_ID_BYTES).hex(), KeyKind.RSA_3072, Purpose.DECRYPT)
        public_key = key.public_key()
        assert isinstance(public_key, rsa.RSAPublicKey)  # noqa: S101  # it was asked for
        certificate = self._authority.issue_back_end_certificate(self._name, public_key, now, LIFETIME)
        der = certificate.public_bytes(Encoding.DER)

        def unit(connection: Connection) -> bool:
            newest = self._find_newest(connection)
            if newest is not None and newest.fingerprint != before:
                return False
            sealed = self._keys.keep(connection, key, (der,), now)
            row = BackEndKeyRow(fingerprint(certificate), key.name, self._name, der, sealed, now)
            store.add_key(connection, row)
            return True

        return self._database.write_now(unit)


def open_key(connection: Connection, keys: NamedKeys, row: BackEndKeyRow) -> NamedRsaKey:
    """The private key, to be used outside the transaction.

    Raises:
        OperatorError: custody is elsewhere than the configuration says.
        ServiceError: NAMED_KEY_DAMAGED: its row is.
    """
    try:
        public_key = load_certificate(row.certificate).public_key()
        assert isinstance(public_key, rsa.RSAPublicKey)  # noqa: S101  # no other was certified
        key = keys.open(connection, row.key_id, Purpose.DECRYPT, public_key, (row.certificate,), row.sealed)
    except (SealBroken, MalformedInput):
        raise ServiceError("NAMED_KEY_DAMAGED", name=row.key_id) from None
    assert isinstance(key, NamedRsaKey)  # noqa: S101  # as its public key is
    return key


def list_keys(connection: Connection) -> list[tuple[str, datetime]]:
    """Every key of a back end that there is: its name in custody, and when it was made."""
    return [(row.key_id, row.create_time) for row in store.all_keys(connection)]


def find_broken_keys(database: Database, keys: NamedKeys) -> tuple[int, list[str]]:
    """Try every key; how many work, and the names of those that do not.

    Raises:
        OperatorError: custody is elsewhere than the configuration says.
        ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
    """
    rows = database.read_now(store.all_keys)
    return try_named_keys(database, ((each.key_id, partial(open_key, keys=keys, row=each)) for each in rows))


def _end_of(row: BackEndKeyRow) -> datetime:
    return load_certificate(row.certificate).not_valid_after_utc
