"""Keys of organisations: made in custody, and used there; see ``server.custody.named_keys``.

Each is bound to its organisation: a row that is moved to another one does not open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from sqlalchemy import Connection

from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind, NamedKey, NamedKeys, SealBroken, try_named_keys
from server.errors import OperatorError
from server.identity.names import new_id
from server.organisations import store
from server.organisations.register import require_organisation
from server.organisations.store import OrganisationKey
from server.storage import Database
from wire.catalogue import ServiceError

_PREFIX: Final = "orgkey-"


def make_key(
    database: Database,
    keys: NamedKeys,
    organisation: str,
    purpose: Purpose,
    kind: KeyKind,
    random: Callable[[int], bytes],
    now: datetime,
) -> OrganisationKey:
    """Make a key in custody. Waits, for up to some seconds.

    Args:
        database: where organisations are.
        keys: custody.
        organisation: whose.
        purpose: what it will do.
        kind: algorithm and size; only RSA keys decrypt.
        random: randomness for its name.
        now: the present time.

    Raises:
        OperatorError: no such organisation; a key of that kind is not for that purpose.
        ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
    """
    _check_kind(purpose, kind)
    database.read_now(lambda connection: require_organisation(connection, organisation))
    key = keys.make(_PREFIX + new_id(random), kind, purpose)
    key_der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return database.write_now(partial(_keep, keys, key, organisation, kind, key_der, now))


def open_key(connection: Connection, keys: NamedKeys, key: OrganisationKey) -> NamedKey:
    """The private key, to be used outside the transaction.

    Raises:
        OperatorError: custody is elsewhere than the configuration says.
        ServiceError: NAMED_KEY_DAMAGED: its row is.
    """
    try:
        public_key = load_der_public_key(key.key_der)
    except ValueError:
        raise ServiceError("NAMED_KEY_DAMAGED", name=key.key_id) from None
    if not isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise ServiceError("NAMED_KEY_DAMAGED", name=key.key_id)
    facts = _facts(key.organisation, key.purpose, key.kind, key.key_der)
    try:
        return keys.open(connection, key.key_id, key.purpose, public_key, facts, key.sealed)
    except SealBroken:
        raise ServiceError("NAMED_KEY_DAMAGED", name=key.key_id) from None


def find_broken_keys(database: Database, keys: NamedKeys) -> tuple[int, list[str]]:
    """Try every key; how many work, and the names of those that do not.

    Raises:
        OperatorError: custody is elsewhere than the configuration says.
        ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
    """
    rows = database.read_now(store.all_keys)
    return try_named_keys(database, ((each.key_id, partial(open_key, keys=keys, key=each)) for each in rows))


def _check_kind(purpose: Purpose, kind: KeyKind) -> None:
    if purpose is Purpose.DECRYPT and kind.rsa_bits is None:
        raise OperatorError(f"a key of kind {kind} does not decrypt", "Take rsa-3072 or rsa-4096.")


def _keep(
    keys: NamedKeys,
    key: NamedKey,
    organisation: str,
    kind: KeyKind,
    key_der: bytes,
    now: datetime,
    connection: Connection,
) -> OrganisationKey:
    facts = _facts(organisation, key.purpose, kind, key_der)
    sealed = keys.keep(connection, key, facts, now)
    made = OrganisationKey(key.name, organisation, key.purpose, kind, key_der, sealed, now)
    store.add_key(connection, made)
    return made


def _facts(organisation: str, purpose: Purpose, kind: KeyKind, key_der: bytes) -> tuple[bytes, ...]:
    return organisation.encode(), purpose.value.encode(), kind.value.encode(), key_der
