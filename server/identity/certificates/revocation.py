"""The list of revoked certificates: made outside the writer, and never handed out without what was revoked before.

Every revocation has a number, which rises; both certificates of a pair share one. How a list is made:

1. Writer, one transaction: the next list number, and the number of the newest revocation. So a list with a higher
   number knows at least as much, whoever makes it: the operator's commands do beside a running server. Commit.
2. Reader: the revocations that the list before does not know, up to that number.
3. Thread: their entries are encoded, and the list is signed.
4. Event loop: it is the newest one.

The list itself is kept in memory: it can be made again from the certificates. What asks for it is first told by the
database which revocation is the newest (one look into an index), and a list that does not know that one is made anew.
So a crash, or a revocation by another process, leaves no list that is taken for the newest. Whoever comes while a list
is made waits for it, and makes another only if that one is not new enough: many revocations share one.

Entries stay when their certificates have expired: evidence is verified long after, as of the time of signing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from sqlalchemy import Connection

from server.clock import Clock
from server.identity.authority import Authority
from server.identity.certificates.list_encoding import encode_entry
from server.identity.store import certificates as store
from server.identity.store.certificates import RevocationReason, RevokedCertificate
from server.storage import Database
from wire.catalogue import ServiceError

REASONS: Final = {
    RevocationReason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    RevocationReason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    RevocationReason.SUPERSEDED: x509.ReasonFlags.superseded,
    RevocationReason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
    RevocationReason.PRIVILEGE_WITHDRAWN: x509.ReasonFlags.privilege_withdrawn,
}


@dataclass(frozen=True, slots=True)
class IssuedList:
    """A list of revoked certificates.

    Args:
        number: rises from list to list.
        newest: number of the newest revocation that it knows; 0 for none.
        der: X.509 CRL.
        create_time: when it was made.
        end_time: until when it is good.
    """

    number: int
    newest: int
    der: bytes
    create_time: datetime
    end_time: datetime


class RevocationLists:
    """Makes and keeps the list.

    Args:
        database: where revocations are.
        authority: signs it.
        clock: the time.
        lifetime: from one list to the next at the latest; a new one is made when half of it is over.
    """

    def __init__(self, database: Database, authority: Authority, clock: Clock, *, lifetime: timedelta) -> None:
        self._database = database
        self._authority = authority
        self._clock = clock
        self._lifetime = lifetime
        self._known: IssuedList | None = None
        self._entries: list[bytes] = []
        self._making = asyncio.Lock()

    async def current(self, since: datetime | None = None) -> IssuedList:
        """The list that knows every revocation until now. Arguments and errors are those of ``covering``."""
        return await self.covering(await self._database.read(store.newest_revocation), since)

    async def covering(self, newest: int, since: datetime | None = None) -> IssuedList:
        """A list that knows every revocation up to a number, and whose time is not half over, if one can be made.

        Args:
            newest: number of a revocation.
            since: when it must have been made at the earliest, if that matters.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE, CUSTODY_UNAVAILABLE.
        """
        async with self._making:
            known = self._known
            if known is None or known.newest < newest or (since is not None and known.create_time < since):
                return await self._renew()
            if self._is_due(known):
                try:
                    return await self._renew()
                except ServiceError:  # such as that a token with the authority's key is away
                    if not known.create_time <= self._clock() < known.end_time:
                        raise
            return known

    async def _renew(self) -> IssuedList:
        before = 0 if self._known is None else self._known.newest
        made = self._known = await self._make(before)
        return made

    async def _make(self, before: int) -> IssuedList:
        def begin(connection: Connection) -> tuple[int, int, datetime]:
            return store.next_list_number(connection), store.newest_revocation(connection), self._clock()

        number, newest, now = await self._database.write(begin)  # 1
        added = await self._database.read(lambda connection: store.list_revoked(connection, before, newest))  # 2
        entries, der = await asyncio.to_thread(self._sign, added, number, now)  # 3
        self._entries = entries
        return IssuedList(number, newest, der, now, now + self._lifetime)

    def _sign(self, added: list[RevokedCertificate], number: int, now: datetime) -> tuple[list[bytes], bytes]:
        entries = self._entries + [
            encode_entry(each.serial_number, each.revoke_time, REASONS[each.reason]) for each in added
        ]
        return entries, self._authority.issue_revocation_list(entries, number, now, self._lifetime)

    def _is_due(self, known: IssuedList) -> bool:
        """Whether half of a list's time is over, or has not begun."""
        return not known.create_time <= self._clock() < known.create_time + self._lifetime / 2
