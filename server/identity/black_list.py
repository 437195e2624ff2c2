"""The black list: keys and addresses that signed as somebody else, and gateways that lied to the guard.

The guard writes it, and an operator may. A listed key is certified no more, and proves no login: so nothing is done in
a contract session with it, by whoever has it. Nobody below the guard has to look upward. Gateways get the addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from sqlalchemy import Connection

from contract.announcements.claim import is_party_name
from server.errors import OperatorError
from server.identity.store import logins as login_store
from server.identity.store.black_list import (
    Listed,
    ListedKind,
    add_listed,
    find_listed,
    list_values,
    remove_listed,
)
from server.identity.store.certificates import find_by_key
from wire.catalogue import ServiceError

_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_CAUSE: Final = 200


def require_unlisted(connection: Connection, keys_sha256: Iterable[bytes]) -> None:
    """See that none of some keys is listed.

    Args:
        connection: the transaction in which that is to hold.
        keys_sha256: SHA-256 of each SubjectPublicKeyInfo, 32 bytes.

    Raises:
        ServiceError: KEY_BLACK_LISTED.
    """
    if find_listed(connection, ListedKind.KEY, [each.hex() for each in keys_sha256]):
        raise ServiceError("KEY_BLACK_LISTED")


def require_admitted(connection: Connection, gateway: str) -> None:
    """See that a gateway is not shut out.

    Raises:
        ServiceError: GATEWAY_SHUT_OUT.
    """
    if find_listed(connection, ListedKind.GATEWAY, [gateway]):
        raise ServiceError("GATEWAY_SHUT_OUT", gateway=gateway)


def gateways_shut_out(connection: Connection) -> frozenset[str]:
    """Names of the gateways that are shut out."""
    return frozenset(list_values(connection, ListedKind.GATEWAY))


def put_on_list(connection: Connection, kind: ListedKind, value: str, cause: str, now: datetime) -> bool:
    """List something; False if it is listed already. What logins have proved by a new key on it is forgotten.

    Args:
        connection: the transaction.
        kind: of the value.
        value: see ``ListedKind``.
        cause: the alarm, or an operator's words; 1 to 200 characters.
        now: the present time.

    Raises:
        OperatorError: no such value can be, or no cause.
    """
    if not 1 <= len(cause) <= _MAX_CAUSE or not cause.isprintable():
        raise OperatorError("the cause is empty, too long, or not printable", f"Give 1 to {_MAX_CAUSE} characters.")
    new = add_listed(connection, Listed(kind, _checked(kind, value), cause, now))
    certificate = find_by_key(connection, bytes.fromhex(value)) if new and kind is ListedKind.KEY else None
    if certificate is not None and certificate.account:
        login_store.drop_proofs(connection, certificate.account)
    return new


def take_off_list(connection: Connection, kind: ListedKind, value: str) -> None:
    """Take something off the list.

    Raises:
        OperatorError: it is not there.
    """
    if not remove_listed(connection, kind, _checked(kind, value)):
        raise OperatorError(f"this {kind} is not on the black list", "See guard blacklist list.")


def _checked(kind: ListedKind, value: str) -> str:
    if kind is ListedKind.KEY:
        if _KEY.fullmatch(value):
            return value
        raise OperatorError("this is no fingerprint of a key", "Give the SHA-256 of its SubjectPublicKeyInfo, in hex.")
    if kind is ListedKind.GATEWAY:
        if is_party_name(value):
            return value
        raise OperatorError(f"no gateway is called {value}", "See fourseal-server guard gateways list.")
    try:
        return str(ip_address(value))
    except ValueError:
        raise OperatorError(f"{value} is no IP address", "Give one, without a port.") from None
