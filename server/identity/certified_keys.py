"""Keys of the server that are made in custody, and certified by the authority for one sort of use alone.

A key is made again, with another certificate, well before that ends. Earlier ones stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint, load_certificate
from mpc.engines import Random
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import KeyKind, NamedKey, NamedKeys, PublicKey, SealBroken, try_named_keys
from server.identity.authority import Authority
from server.identity.store.certified_keys import CertifiedKeyRow, CertifiedKeyTable
from server.storage import Database
from wire.catalogue import ServiceError

LIFETIME: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=60)
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class KeySort:
    """What keys are for.

    Args:
        prefix: of their names in custody.
        kind: of each.
        purpose: of each.
        table: where their certificates are.
        issue: certifies one; takes authority, name of whoever has it, public key, the present time and a lifetime.
    """

    prefix: str
    kind: KeyKind
    purpose: Purpose
    table: CertifiedKeyTable
    issue: Callable[[Authority, str, PublicKey, datetime, timedelta], x509.Certificate]

    def open(self, connection: Connection, keys: NamedKeys, row: CertifiedKeyRow) -> NamedKey:
        """The private key, to be used outside the transaction.

        Raises:
            OperatorError: custody is elsewhere than the configuration says.
            ServiceError: NAMED_KEY_DAMAGED: its row is.
        """
        try:
            public_key = cast("PublicKey", load_certificate(row.certificate).public_key())  # no other was certified
            return keys.open(connection, row.key_id, self.purpose, public_key, (row.certificate,), row.sealed)
        except (SealBroken, MalformedInput):
            raise ServiceError("NAMED_KEY_DAMAGED", name=row.key_id) from None

    def list_keys(self, connection: Connection) -> list[tuple[str, datetime]]:
        """Every key that there is: its name in custody, and when it was made."""
        return [(row.key_id, row.create_time) for row in self.table.all(connection)]

    def find_broken_keys(self, database: Database, keys: NamedKeys) -> tuple[int, list[str]]:
        """Try every key; how many work, and the names of those that do not.

        Raises:
            OperatorError: custody is elsewhere than the configuration says.
            ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
        """
        rows = database.read_now(self.table.all)
        return try_named_keys(database, ((each.key_id, partial(self.open, keys=keys, row=each)) for each in rows))


class CertifiedKeys:
    """The keys of one sort that somebody has.

    Args:
        sort: of them.
        database: where their certificates are.
        keys: custody.
        authority: certifies them.
        random: randomness for their names in custody.
        clock: the time.
        name: of whoever has them, in the certificates.
    """

    def __init__(
        self,
        sort: KeySort,
        database: Database,
        keys: NamedKeys,
        authority: Authority,
        random: Random,
        clock: Clock,
        *,
        name: str,
    ) -> None:
        self.name = name
        self._sort = sort
        self._database = database
        self._keys = keys
        self._authority = authority
        self._random = random
        self._clock = clock

    async def ensure(self) -> bool:
        """Make a key if there is none, it is of another authority, or its certificate ends soon; whether one was made.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL, STORAGE_UNAVAILABLE.
        """
        return await asyncio.to_thread(self.ensure_now)

    def ensure_now(self) -> bool:
        """As ``ensure``, for a caller without an event loop. Waits, for up to some seconds."""
        newest = self._database.read_now(self.find_newest)
        if newest is not None and not self._is_due(newest):
            return False
        return self._make(None if newest is None else newest.fingerprint)

    def find_newest(self, connection: Connection) -> CertifiedKeyRow | None:
        """The newest key; None: none was made yet."""
        return next(iter(self._sort.table.of_name(connection, self.name)), None)

    def list_valid(self, connection: Connection) -> list[CertifiedKeyRow]:
        """Those whose certificates have not ended, newest first."""
        now = self._clock()
        return [row for row in self._sort.table.of_name(connection, self.name) if now < _end_of(row)]

    def open(self, connection: Connection, row: CertifiedKeyRow) -> NamedKey:
        """See ``KeySort.open``."""
        return self._sort.open(connection, self._keys, row)

    def _is_due(self, row: CertifiedKeyRow) -> bool:
        certificate = load_certificate(row.certificate)
        try:
            certificate.verify_directly_issued_by(self._authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return True
        return self._clock() >= _end_of(row) - RENEW_BEFORE

    def _make(self, before: bytes | None) -> bool:
        """Make a key in place of the one ``before``; False if somebody else did meanwhile."""
        now, sort = self._clock(), self._sort
        key = self._keys.make(sort.prefix + self._random(_ID_BYTES).hex(), sort.kind, sort.purpose)
        certificate = sort.issue(self._authority, self.name, key.public_key(), now, LIFETIME)
        der = certificate.public_bytes(Encoding.DER)

        def unit(connection: Connection) -> bool:
            newest = self.find_newest(connection)
            if newest is not None and newest.fingerprint != before:
                return False
            sealed = self._keys.keep(connection, key, (der,), now)
            row = CertifiedKeyRow(fingerprint(certificate), key.name, self.name, der, sealed, now)
            sort.table.add(connection, row)
            return True

        return self._database.write_now(unit)


def _end_of(row: CertifiedKeyRow) -> datetime:
    return load_certificate(row.certificate).not_valid_after_utc
