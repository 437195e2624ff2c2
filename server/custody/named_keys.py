"""Named keys: whole private keys of the server that sign or decrypt, each one of the two; not halves of joint keys.

They are the authority's and those of organisations. Who has their numbers is who has those of the shares: this
process, opened from sealed rows, or a token. Whoever uses one has an object that can be passed wherever
``cryptography`` takes a private key, such as to its builders of certificates and requests, and waits until it is done:
so never on an event loop.

1. ``make`` a key. A token has noted it before it is there.
2. ``keep`` it, in the transaction that makes what it is for: returns what is to be stored with that.
3. ``open`` what was stored, for exactly that name, purpose, public key and whatever else belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from sqlalchemy import Connection

from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import Purpose
from server.custody.key_holder import KeyHolder, KeyKind
from server.custody.pkcs11 import store as tokens
from server.custody.private_keys import NamedKey, NamedRsaKey
from server.custody.sealed_keys import PublicKey
from server.custody.sealing import Context, Sealer
from server.errors import OperatorError
from server.storage import Database
from wire.catalogue import ServiceError

_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_SAMPLE: Final = b"fourseal custody test"


def named_key_works(key: ec.EllipticCurvePrivateKey | NamedRsaKey) -> bool:
    """Use a key once, on something that says nothing, and look at what comes of it with its public key.

    Raises:
        ServiceError: CUSTODY_UNAVAILABLE.
    """
    try:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            signature = key.sign(_SAMPLE, ec.ECDSA(hashes.SHA256()))
            key.public_key().verify(signature, _SAMPLE, ec.ECDSA(hashes.SHA256()))
        elif key.purpose is Purpose.SIGN:
            signature = key.sign(_SAMPLE, padding.PKCS1v15(), hashes.SHA256())
            key.public_key().verify(signature, _SAMPLE, padding.PKCS1v15(), hashes.SHA256())
        else:
            return key.decrypt(key.public_key().encrypt(_SAMPLE, _OAEP), _OAEP) == _SAMPLE
    except (InvalidSignature, ValueError):
        return False
    except ServiceError as error:
        if error.reason == "NAMED_KEY_DAMAGED":
            return False
        raise
    return True


def try_named_keys(
    database: Database, keys: Iterable[tuple[str, Callable[[Connection], NamedKey]]]
) -> tuple[int, list[str]]:
    """Try keys; how many work, and the names of those that do not.

    Args:
        database: where they are.
        keys: name, and what opens it.

    Raises:
        OperatorError: custody is elsewhere than the configuration says.
        ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
    """
    sound, broken = 0, list[str]()
    for name, opened in keys:
        try:
            works = named_key_works(database.read_now(opened))
        except ServiceError as error:
            if error.reason != "NAMED_KEY_DAMAGED":
                raise
            works = False
        if works:
            sound += 1
        else:
            broken.append(name)
    return sound, broken


class NamedKeys:
    """See the module.

    Args:
        sealer: seals what is stored.
        holder: has the keys.
    """

    def __init__(self, sealer: Sealer, holder: KeyHolder) -> None:
        self._sealer = sealer
        self._holder = holder

    @property
    def in_token(self) -> bool:
        """Whether new keys are made in a token."""
        return self._holder.in_token

    def make(self, name: str, kind: KeyKind, purpose: Purpose) -> NamedKey:
        """A new key, which must be kept within an hour. Takes up to some seconds.

        Raises:
            WrongPurpose: a key of this kind does not decrypt.
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """
        if purpose is Purpose.DECRYPT and kind.rsa_bits is None:
            raise WrongPurpose(wanted=Purpose.DECRYPT, found=Purpose.SIGN)
        return self._holder.make(name, kind, purpose)

    def keep(self, connection: Connection, key: NamedKey, facts: tuple[bytes, ...], now: datetime) -> bytes:
        """What is to be stored of a key, for ``open`` under the same facts.

        Args:
            connection: the transaction that stores it.
            key: from ``make``.
            facts: whatever must not be exchanged, the public key at least.
            now: the present time.
        """
        self._holder.kept(connection, key, now)
        return self._sealer.seal(Context(self._holder.kind, key.name, facts), self._holder.to_bytes(key))

    def open(
        self,
        connection: Connection,
        name: str,
        purpose: Purpose,
        public_key: PublicKey,
        facts: tuple[bytes, ...],
        sealed: bytes,
    ) -> NamedKey:
        """The key that was stored. Needs no token: that is asked when the key is used.

        Raises:
            OperatorError: it is not with who is to hold it.
            SealBroken: it does not open as what it is said to be.
        """
        in_token = bool(tokens.find_objects(connection, [name]))
        if in_token is not self._holder.in_token:
            where = "in a token" if in_token else "sealed in the database"
            text = f"the private key of {name} is {where}, the configuration says otherwise"
            raise OperatorError(
                text, "Set custody to what it was: keys can be moved neither into a token nor out of it."
            )
        data = self._sealer.open(Context(self._holder.kind, name, facts), sealed)
        return self._holder.from_bytes(name, purpose, public_key, data)
