"""Deposits: a message's record comes into the log, once, from its author.

What is checked, in this order:

1. the record is well-formed, and the caller is its author;
2. author and session have the certificates that it names, its parts belong together, and the signature holds
   (``contract.evidence_record.check_record``): in a worker, for it costs time and changes with nothing;

and in the transaction that puts it into the log:

3. the caller may call, and its login has proved possession;
4. no other record of the same statement is here; the same one is answered as it was the first time;
5. this server made its half of the signature: so time, members and sequence were judged when it was made;
6. the content with that digest and length was uploaded for that message by the same account.

It does not matter whether the session is still open: evidence may come late.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.evidence_record import EvidenceRecord, check_record
from contract.log_entry import EntryKind
from mpc.errors import FoursealError
from server.clock import Clock
from server.evidence.store import contents, records, uploads
from server.evidence.store.records import RecordRow
from server.evidence.store.uploads import ContentUpload
from server.identity import Login, Logins, check_callers
from server.journal.log import LogReader, StagedEntry, stage
from server.sessions import MessageCertificatesFinder, signed_statements
from server.storage import Database, Handover, Threads
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Deposited:
    """What the depositor keeps: its record as it stands here, the entry, and the receipt for it."""

    row: RecordRow
    entry_der: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True)
class _Deposit:
    """A record that holds, on its way into the log."""

    login: Login
    record: EvidenceRecord
    record_der: bytes
    record_digest: bytes
    statement_digest: bytes


UNDER_WAY_OF_ACCOUNT: Final = 512
"""Deposits of an account at a time: their checks take turns with everybody's signatures, and a batch has many."""

_Entered = tuple[RecordRow, StagedEntry | None]
"""A record as it stands here, and its entry if it came into the log just now."""


@dataclass(slots=True)
class _Group:
    """What is known of deposits that are entered together."""

    known: dict[bytes, RecordRow]
    signed: set[bytes]
    uploads: dict[str, ContentUpload]
    proven: set[bytes] = field(default_factory=set)
    entries: dict[bytes, StagedEntry] = field(default_factory=dict)
    new: list[tuple[RecordRow, _Deposit]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    def add(self, row: RecordRow, entry: StagedEntry, deposit: _Deposit) -> None:
        """One more, which later ones of the group meet."""
        self.known[row.statement_digest] = row
        self.entries[row.statement_digest] = entry
        self.new.append((row, deposit))

    def use_upload(self, record: EvidenceRecord) -> bool:
        """Whether what the record names was uploaded. It is used up."""
        envelope_id = record.header.envelope_id
        upload = self.uploads.get(envelope_id)
        if upload is None or (upload.account, upload.content_digest, upload.content_length) != (
            record.statement.author,
            record.content_digest,
            record.content_length,
        ):
            return False
        del self.uploads[envelope_id]
        self.used.append(envelope_id)
        return True


class Deposits:
    """Takes records.

    Args:
        database: where log and records are.
        log: proves that they are there.
        logins: says what a login has proved.
        workers: threads that verify.
        certificates: finds those of authors and sessions.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        log: LogReader,
        logins: Logins,
        workers: Threads,
        certificates: MessageCertificatesFinder,
        clock: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._logins = logins
        self._workers = workers
        self._certificates = certificates
        self._clock = clock
        self._handover = Handover()
        self._under_way: Counter[str] = Counter()

    async def deposit(self, login: Login, record_der: bytes) -> Deposited:
        """Put a record into the log. Returns when it is durable.

        Raises:
            MalformedInput: what ``EvidenceRecord`` and ``check_record`` raise.
            VerificationFailed: what ``check_record`` raises.
            ServiceError: NOT_THE_AUTHOR; those of ``MessageCertificatesFinder``; CALLER_UNKNOWN, LOGIN_REQUIRED,
                PROOF_REQUIRED; OVERLOADED; EVIDENCE_DIFFERS, STATEMENT_NOT_SIGNED_HERE, EVIDENCE_CONTENT_MISSING;
                STORAGE_UNAVAILABLE.
        """
        return await self._deposited(self._begin(login, record_der))

    async def deposit_all(self, login: Login, records_der: Sequence[bytes]) -> list[Deposited | FoursealError]:
        """Put records into the log, each as if alone. Returns one outcome a record, when all are known."""
        begun = [self._begin(login, each) for each in records_der]
        outcomes: list[Deposited | FoursealError] = []
        for each in begun:
            try:
                outcomes.append(await self._deposited(each))
            except FoursealError as error:
                outcomes.append(error)
        return outcomes

    def _begin(self, login: Login, record_der: bytes) -> asyncio.Future[_Entered]:
        future: asyncio.Future[_Entered] = asyncio.get_running_loop().create_future()
        if self._under_way[login.account] >= UNDER_WAY_OF_ACCOUNT:
            future.set_exception(ServiceError("OVERLOADED"))
            return future
        self._under_way[login.account] += 1
        future.add_done_callback(partial(self._ended, login.account))
        then = partial(self._handover.hand_over, future)

        def check_and_enter() -> None:
            deposit = self._check(login, record_der)
            agent_id = login.caller.agent_id
            self._database.post_grouped(self._enter, [deposit], lambda outcomes: then(outcomes[0]), agent_id)

        self._workers.post(check_and_enter, then)
        return future

    def _ended(self, account: str, begun: asyncio.Future[_Entered]) -> None:
        self._under_way[account] -= 1
        if not self._under_way[account]:
            del self._under_way[account]
        if not begun.cancelled():
            begun.exception()  # it may be that nobody is left to hear of it

    async def _deposited(self, begun: asyncio.Future[_Entered]) -> Deposited:
        row, entry = await begun
        if entry is None:
            return await self._database.read(partial(self._show, row=row))
        return Deposited(row, entry.der, entry.receipt().to_bytes())

    def _check(self, login: Login, record_der: bytes) -> _Deposit:
        record = EvidenceRecord.from_der(record_der)  # 1
        if record.statement.author != login.account:
            raise ServiceError("NOT_THE_AUTHOR", name=record.statement.author)
        found = self._certificates.find(self._database.read_now, record.statement, record.header)
        check_record(record, found.author, found.signing, found.encrypting)  # 2
        return _Deposit(login, record, record_der, sha256(record_der).digest(), record.statement.digest)

    def _enter(self, connection: Connection, deposits: Sequence[_Deposit]) -> list[_Entered | FoursealError]:
        refused = check_callers(connection, [each.login.caller for each in deposits])  # 3
        group = _Group(
            known=records.find_records(connection, (each.statement_digest for each in deposits)),
            signed=signed_statements(
                connection, ((each.record.statement.session_id, each.statement_digest) for each in deposits)
            ),
            uploads=uploads.find_uploads(connection, (each.record.header.envelope_id for each in deposits)),
        )
        outcomes: list[_Entered | FoursealError] = []
        for deposit, refusal in zip(deposits, refused, strict=True):
            try:
                if refusal is not None:
                    raise refusal
                outcomes.append(self._enter_one(connection, deposit, group))
            except FoursealError as error:
                outcomes.append(error)
        if group.new:
            records.add_records(connection, [(row, _concerned(deposit)) for row, deposit in group.new])
            sizes: Counter[str] = Counter()
            for row, _ in group.new:
                sizes[row.author] += row.content_length
            for author, count in sizes.items():
                contents.add_bytes(connection, author, count)
        if group.used:
            uploads.drop_uploads(connection, group.used)
        return outcomes

    def _enter_one(self, connection: Connection, deposit: _Deposit, group: _Group) -> _Entered:
        login, record, statement, digest = (
            deposit.login,
            deposit.record,
            deposit.record.statement,
            deposit.statement_digest,
        )
        if login.token_sha256 not in group.proven:
            self._logins.require_proven(connection, login)  # 3
            group.proven.add(login.token_sha256)
        earlier = group.known.get(digest)
        if earlier is not None:  # 4
            if earlier.record_digest != deposit.record_digest:
                raise ServiceError("EVIDENCE_DIFFERS", log_index=earlier.log_index)
            group.use_upload(record)  # who did not hear of the deposit may have uploaded once more
            return earlier, group.entries.get(digest)
        if digest not in group.signed:  # 5
            raise ServiceError("STATEMENT_NOT_SIGNED_HERE")
        if not group.use_upload(record):  # 6
            raise ServiceError("EVIDENCE_CONTENT_MISSING")
        now = self._clock()
        entry = stage(connection, EntryKind.EVIDENCE, deposit.record_der, now)
        row = RecordRow(
            statement_digest=digest,
            record_digest=deposit.record_digest,
            log_index=entry.index,
            session_id=statement.session_id,
            author=statement.author,
            answered_digest=None if statement.answer is None else statement.answer.statement.digest,
            content_digest=record.content_digest,
            content_length=record.content_length,
            content_kept=True,
            deposit_time=now,
        )
        group.add(row, entry, deposit)
        return row, entry

    def _show(self, connection: Connection, row: RecordRow) -> Deposited:
        entry = self._log.entry(connection, row.log_index)
        receipt = self._log.receipt(connection, row.log_index)
        return Deposited(row, entry, receipt.to_bytes())


def _concerned(deposit: _Deposit) -> tuple[str, ...]:
    header = deposit.record.header
    return header.author, *(each.name for each in header.keys)
