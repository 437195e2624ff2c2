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
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from contract.evidence_record import EvidenceRecord, check_record
from contract.log_entry import EntryKind
from contract.oids import Arc
from mpc.errors import FoursealError
from server.clock import Clock
from server.evidence import store
from server.evidence.store import ContentUpload, RecordRow
from server.identity import Login, Logins, check_callers
from server.journal.log import LogReader, stage
from server.sessions import find_message_certificates, is_statement_signed
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


class Deposits:
    """Takes records.

    Args:
        database: where log and records are.
        log: proves that they are there.
        logins: says what a login has proved.
        workers: threads that verify.
        arc: of the object identifiers in certificates.
        clock: the time.
    """

    def __init__(
        self, database: Database, log: LogReader, logins: Logins, workers: Threads, arc: Arc, clock: Clock
    ) -> None:
        self._database = database
        self._log = log
        self._logins = logins
        self._workers = workers
        self._arc = arc
        self._clock = clock
        self._handover = Handover()

    async def deposit(self, login: Login, record_der: bytes) -> Deposited:
        """Put a record into the log. Returns when it is durable.

        Raises:
            MalformedInput: what ``EvidenceRecord`` and ``check_record`` raise.
            VerificationFailed: what ``check_record`` raises.
            ServiceError: NOT_THE_AUTHOR; those of ``find_message_certificates``; CALLER_UNKNOWN, LOGIN_REQUIRED,
                PROOF_REQUIRED; EVIDENCE_DIFFERS, STATEMENT_NOT_SIGNED_HERE, EVIDENCE_CONTENT_MISSING;
                STORAGE_UNAVAILABLE.
        """
        future: asyncio.Future[RecordRow] = asyncio.get_running_loop().create_future()
        then = partial(self._handover.hand_over, future)

        def check_and_enter() -> None:
            self._database.post_grouped(self._enter, self._check(login, record_der), then)

        self._workers.post(check_and_enter, then)
        row = await future
        return await self._database.read(partial(self._show, row=row))

    def _check(self, login: Login, record_der: bytes) -> _Deposit:
        record = EvidenceRecord.from_der(record_der)  # 1
        if record.statement.author != login.account:
            raise ServiceError("NOT_THE_AUTHOR", name=record.statement.author)
        found = self._database.read_now(
            lambda connection: find_message_certificates(connection, record.statement, record.header, self._arc)
        )
        check_record(record, found.author, found.signing, found.encrypting)  # 2
        return _Deposit(login, record, record_der, record.digest)

    def _enter(self, connection: Connection, deposits: Sequence[_Deposit]) -> list[RecordRow | FoursealError]:
        refused = check_callers(connection, [each.login.caller for each in deposits])  # 3
        known = store.find_records(connection, (each.record.statement.digest for each in deposits))
        uploads = store.find_uploads(connection, (each.record.header.envelope_id for each in deposits))
        outcomes: list[RecordRow | FoursealError] = []
        new: dict[str, tuple[RecordRow, tuple[str, ...]]] = {}
        for deposit, refusal in zip(deposits, refused, strict=True):
            try:
                if refusal is not None:
                    raise refusal
                row = self._enter_one(connection, deposit, known, uploads)
            except FoursealError as error:
                outcomes.append(error)
                continue
            if row.statement_digest not in known:
                known[row.statement_digest] = row
                header = deposit.record.header
                new[header.envelope_id] = (row, (header.author, *(each.name for each in header.keys)))
            outcomes.append(known[row.statement_digest])
        if new:
            store.add_records(connection, list(new.values()))
            store.drop_uploads(connection, list(new))
            sizes: Counter[str] = Counter()
            for row, _ in new.values():
                sizes[row.author] += row.content_length
            for author, count in sizes.items():
                store.add_bytes(connection, author, count)
        return outcomes

    def _enter_one(
        self,
        connection: Connection,
        deposit: _Deposit,
        known: dict[bytes, RecordRow],
        uploads: dict[str, ContentUpload],
    ) -> RecordRow:
        self._logins.require_proven(connection, deposit.login)  # 3
        record, statement = deposit.record, deposit.record.statement
        earlier = known.get(statement.digest)
        if earlier is not None:  # 4
            if earlier.record_digest != deposit.record_digest:
                raise ServiceError("EVIDENCE_DIFFERS", log_index=earlier.log_index)
            return earlier
        if not is_statement_signed(connection, statement):  # 5
            raise ServiceError("STATEMENT_NOT_SIGNED_HERE")
        upload = uploads.get(record.header.envelope_id)
        if upload is None or (upload.account, upload.content_digest, upload.content_length) != (
            statement.author,
            record.content_digest,
            record.content_length,
        ):  # 6
            raise ServiceError("EVIDENCE_CONTENT_MISSING")
        now = self._clock()
        return RecordRow(
            statement_digest=statement.digest,
            record_digest=deposit.record_digest,
            log_index=stage(connection, EntryKind.EVIDENCE, deposit.record_der, now),
            session_id=statement.session_id,
            author=statement.author,
            answered_digest=None if statement.answer is None else statement.answer.statement.digest,
            content_digest=record.content_digest,
            content_length=record.content_length,
            content_kept=True,
            deposit_time=now,
        )

    def _show(self, connection: Connection, row: RecordRow) -> Deposited:
        entry = self._log.entry(connection, row.log_index)
        receipt = self._log.receipt(connection, row.log_index)
        return Deposited(row, entry, receipt.to_bytes())
