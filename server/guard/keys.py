"""The key that signs the guard's control messages: made in custody when first a gateway asks, for that alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from contract.announcements.control import Issuer, IssuerRole
from contract.signer_keys import SignerPrivateKey
from mpc.engines import Random
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import KeyKind, NamedKeys, PublicKey
from server.guard.store.tables import guard_keys
from server.identity import Authority, CertifiedKeys, KeySort
from server.storage import Database


def _issue(
    authority: Authority, name: str, public_key: PublicKey, now: datetime, lifetime: timedelta
) -> x509.Certificate:
    return authority.issue_guard_certificate(name, _on_curve(public_key), now, lifetime)


def _on_curve(key: PublicKey) -> ec.EllipticCurvePublicKey:
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101  # it was asked for
    return key


GUARD_KEYS: Final = KeySort("guard-", KeyKind.ECDSA_P256, Purpose.SIGN, guard_keys, _issue)


class GuardKeys(CertifiedKeys):
    """The keys of a guard. Arguments as of ``CertifiedKeys``."""

    def __init__(
        self, database: Database, keys: NamedKeys, authority: Authority, random: Random, clock: Clock, *, name: str
    ) -> None:
        super().__init__(GUARD_KEYS, database, keys, authority, random, clock, name=name)

    async def certificates(self) -> list[bytes]:
        """Of every key that has not ended, DER, the newest first. The first key is made, if there is none.

        Raises:
            ServiceError: as ``ensure``.
        """
        await self.ensure()
        return await self._database.read(lambda connection: [row.certificate for row in self.list_valid(connection)])

    async def renew(self) -> bool:
        """As ``ensure``, if there is a key. Whether one was made."""
        return await self._database.read(self.find_newest) is not None and await self.ensure()

    def signer(self, connection: Connection) -> tuple[Issuer, SignerPrivateKey] | None:
        """As whom the guard signs, and the key, to be used outside the transaction; None: none was made yet.

        Raises:
            OperatorError: custody is elsewhere than the configuration says.
            ServiceError: NAMED_KEY_DAMAGED: the key's row is.
        """
        newest = self.find_newest(connection)
        if newest is None:
            return None
        key = self.open(connection, newest)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # as its public key is
        return Issuer(IssuerRole.GUARD, self.name, newest.fingerprint), key
