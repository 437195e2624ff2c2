"""The list of revoked certificates: made anew with every revocation, in its transaction, and before it is outdated.

Reading it costs one row. Making it costs a pass over all that were ever revoked: entries stay when their certificates
have expired, because evidence is verified long after, as of the time of signing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cryptography import x509
from sqlalchemy import Connection

from server.clock import Clock
from server.identity.authority import Authority, RevokedCertificate
from server.identity.store import certificates as store
from server.identity.store.certificates import IssuedList, RevocationReason

REASONS: Final = {
    RevocationReason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    RevocationReason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    RevocationReason.SUPERSEDED: x509.ReasonFlags.superseded,
    RevocationReason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
}


class RevocationLists:
    """Makes and keeps the list.

    Args:
        authority: signs it.
        clock: the time.
        lifetime: from one list to the next at the latest; a new one is made when half of it is over.
    """

    def __init__(self, authority: Authority, clock: Clock, *, lifetime: timedelta) -> None:
        self._authority = authority
        self._clock = clock
        self._lifetime = lifetime

    def make(self, connection: Connection) -> IssuedList:
        """Make the list anew, with the next number, in a transaction that may write."""
        now = self._clock()
        known = store.find_list(connection)
        number = 1 if known is None else known.number + 1
        entries = (
            RevokedCertificate(serial_number, revoke_time, REASONS[reason])
            for serial_number, revoke_time, reason in store.revoked(connection)
        )
        der = self._authority.issue_revocation_list(entries, number, now, self._lifetime)
        made = IssuedList(number, der, now, now + self._lifetime)
        store.put_list(connection, made)
        return made

    def ensure(self, connection: Connection) -> IssuedList:
        """The list, made anew if there is none or half its time is over, in a transaction that may write."""
        known = store.find_list(connection)
        if known is not None and not self.is_due(known):
            return known
        return self.make(connection)

    def is_due(self, known: IssuedList) -> bool:
        """Whether half of a list's time is over, or has not begun."""
        return not known.create_time <= self._clock() < known.create_time + self._lifetime / 2
