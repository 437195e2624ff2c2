"""Key changes that the registration authority decides: for who has lost a key that could have signed the change.

An officer decides, by command, after making sure of the person. That a pair was issued decides nothing: whoever is in
somebody's login has one issued, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.key_change import KeyChange
from contract.announcements.window import MAX_APART
from server.errors import OperatorError
from server.guard.account_alarms import take_proof
from server.guard.store.entries import GuardEntryKind, add_entry, list_about, list_since
from server.identity import Event, IssuedCertificate, ListedKind, find_listed, list_signing_certificates, record
from server.registration import Office

_EXCUSED_FOR: Final = MAX_APART + CLOCK_DIFFERENCE
"""After which no announcement of the old key is in any window."""
_BEGIN: Final = "Look at the keys, and name each by how it begins."


def decide_key_change(
    connection: Connection, office: Office, account: str, old_begin: str, new_begin: str, officer: str, now: datetime
) -> KeyChange:
    """Decide that a key of an account takes the place of an earlier one; the same once more changes nothing.

    Args:
        connection: the transaction.
        office: who may decide.
        account: whose keys.
        old_begin: how the fingerprint begins, in hex, of the key until now; its certificate must be revoked.
        new_begin: of the new one; its certificate must hold.
        officer: who decides. One is enough.
        now: the present time.

    Raises:
        OperatorError: no officer; no such keys; a certificate that is not as it must be; a key on the black list; the
            new key took another's place.
    """
    office.require(officer)
    known = list_signing_certificates(connection, account)
    old, new = _chosen(known, account, old_begin), _chosen(known, account, new_begin)
    for before in changes_to(connection, [new.key_sha256]):
        if before.old_key == old.key_sha256:
            return before
        raise OperatorError("it was decided before that this key took another's place", "Have a new pair issued.")
    _require_fit(connection, old, new, now)
    time = now.replace(microsecond=0)
    change = KeyChange(account, old.key_sha256, new.key_sha256, new.fingerprint, time)
    add_entry(connection, GuardEntryKind.KEY_CHANGE, new.key_sha256.hex(), change.to_der(), now)
    take_proof(connection, change, now)
    detail = f"{old.key_sha256.hex()} {new.key_sha256.hex()} by officer {officer}"
    record(connection, now, account, None, Event.KEY_CHANGE_DECIDED, detail)
    return change


def changes_to(connection: Connection, keys: Iterable[bytes]) -> list[KeyChange]:
    """Which decided changes lead to some keys, whenever that was."""
    names = [key.hex() for key in keys]
    return [KeyChange.from_der(each.body) for each in list_about(connection, GuardEntryKind.KEY_CHANGE, names)]


def recent_changes(connection: Connection, now: datetime) -> dict[bytes, KeyChange]:
    """Decided changes that excuse an old key yet, by the new key."""
    found = list_since(connection, GuardEntryKind.KEY_CHANGE, now - _EXCUSED_FOR - timedelta(seconds=1))
    return {change.new_key: change for each in found for change in [KeyChange.from_der(each.body)]}


def _chosen(known: Iterable[IssuedCertificate], account: str, begin: str) -> IssuedCertificate:
    found = [each for each in known if begin and each.key_sha256.hex().startswith(begin.lower())]
    if len(found) != 1:
        raise OperatorError(f"{account} has not exactly one key that signs and begins with {begin!r}", _BEGIN)
    return found[0]


def _require_fit(connection: Connection, old: IssuedCertificate, new: IssuedCertificate, now: datetime) -> None:
    if old.key_sha256 == new.key_sha256:
        raise OperatorError("a key does not take its own place", _BEGIN)
    if old.holds(now):
        raise OperatorError("the old key's certificate holds", "Have it revoked, or the old key sign the change.")
    if not new.holds(now):
        raise OperatorError("the new key's certificate holds no more", "Have a new pair issued.")
    listed = find_listed(connection, ListedKind.KEY, [old.key_sha256.hex(), new.key_sha256.hex()])
    if listed:
        raise OperatorError(f"{listed[0].value} is on the black list", "See fourseal-server guard blacklist list.")
