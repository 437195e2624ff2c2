"""Records of one key with all that proves them, for administrators to verify offline.

Everything is proven against one checkpoint, that of the beginning; what is recorded later is left out, and so is
everything from the first use on that was under way then: no number is missing that will have a record. Each page is
read when the one before has been sent: a slow reader costs no more memory than a fast one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.log_entry import LogEntry
from contract.trusteeship.grants import GrantOrder
from contract.trusteeship.uses import RecordedUse
from server.clock import Clock
from server.identity import Login, Logins, RevocationLists, find_certificate
from server.journal.log import CheckpointRow, LogReader
from server.storage import Database
from server.trusteeship.grants import Shown
from server.trusteeship.records import require_may_see
from server.trusteeship.store import grants
from server.trusteeship.store.uses import RecordPlace, Wanted, find_exportable, list_recorded
from wire.catalogue import ServiceError

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Head:
    """What all is proven against, and how many records there are."""

    checkpoint: bytes
    log_certificate: bytes
    revocation_list: bytes
    records: int


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """A record's entry, its index, and the proof."""

    entry: bytes
    index: int
    proof: tuple[bytes, ...]


Piece = Head | bytes | Shown | ProvenRecord
"""Bytes are a certificate, DER."""


@dataclass(slots=True)
class _Cursor:
    """How far an export is.

    Args:
        wanted: which records.
        checkpoint: that they are proven against.
        last: number of the last one.
        after: the last one that was read.
        named: digests of certificates and grants that were sent.
    """

    wanted: Wanted
    checkpoint: CheckpointRow
    last: int
    after: RecordPlace | None = None
    named: set[bytes] = field(default_factory=set)


class Exports:
    """Makes exports.

    Args:
        database: where records are.
        logins: say whether a login holds.
        log: has the records.
        lists: of revoked certificates.
        log_certificate: of the log's key, DER.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        logins: Logins,
        log: LogReader,
        lists: RevocationLists,
        log_certificate: bytes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._logins = logins
        self._log = log
        self._lists = lists
        self._log_certificate = log_certificate
        self._clock = clock

    async def pieces(self, login: Login, wanted: Wanted) -> AsyncGenerator[Piece]:
        """The head, then the records in the order of their numbers, each behind what it names.

        Raises:
            ServiceError: FIELD_INVALID: no organisation or key; NOT_AN_ADMINISTRATOR, LOGIN_REQUIRED, also when that
                changes meanwhile; CHECKPOINT_NOT_FOUND; CUSTODY_UNAVAILABLE.
        """
        for name in ("organisation", "key_id"):
            if not getattr(wanted, name):
                raise ServiceError("FIELD_INVALID", field=f"filter.{name}", problem="empty")
        cursor, records = await self._database.read(partial(self._begin, login=login, wanted=wanted))
        revoked = await self._lists.current(self._clock().replace(microsecond=0))  # not older than the last record
        yield Head(cursor.checkpoint.note, self._log_certificate, revoked.der, records)
        while page := await self._database.read(partial(self._page, login=login, cursor=cursor)):
            for piece in page:
                yield piece

    def _begin(self, connection: Connection, login: Login, wanted: Wanted) -> tuple[_Cursor, int]:
        require_may_see(connection, login, wanted)
        found = find_exportable(connection, wanted)
        return _Cursor(wanted, self._log.newest(connection), found.last), found.count

    def _page(self, connection: Connection, login: Login, cursor: _Cursor) -> list[Piece]:
        """The pieces of the next records; empty behind the last."""
        self._logins.require(connection, login)
        require_may_see(connection, login, cursor.wanted)
        after = None if cursor.after is None else (cursor.after.time, cursor.after.key_id, cursor.after.number)
        places = [each for each in list_recorded(connection, cursor.wanted, after, _PAGE) if each.number <= cursor.last]
        if not places:
            return []
        cursor.after = places[-1]
        indexes = [each.log_index for each in places]
        entries = self._log.entries(connection, indexes)
        proofs = self._log.proofs(connection, indexes, cursor.checkpoint.size)
        pieces: list[Piece] = []
        for index, entry, proof in zip(indexes, entries, proofs, strict=True):
            pieces += self._named(connection, RecordedUse.from_der(LogEntry.from_der(entry).body), cursor.named)
            pieces.append(ProvenRecord(entry, index, proof))
        return pieces

    def _named(self, connection: Connection, recorded: RecordedUse, named: set[bytes]) -> Iterator[Piece]:
        """What a record names and those before it did not: certificates, and the grant with its orders."""
        asked = recorded.asked
        certificates, shown = [asked.user_certificate], None
        if asked.grant not in named:
            named.add(asked.grant)
            grant = grants.find_by_digest(connection, asked.grant)
            if grant is not None:
                shown = Shown(grant, grants.list_orders(connection, grant.grant_id))
                signed = (JointStatement.from_der(order.statement).statement for order in shown.orders)
                certificates += [grant.words.user_certificate, grant.words.key_certificate]
                certificates += [GrantOrder.from_der(each).administrator_certificate for each in signed]
        for fingerprint in certificates:
            if fingerprint not in named:
                named.add(fingerprint)
                issued = find_certificate(connection, fingerprint)
                if issued is not None:
                    yield issued.certificate
        if shown is not None:
            yield shown
