"""How the record of a use comes into being, and into the log.

A number is taken in the transaction that keeps the record: so every number that there is has one, and a crash before
leaves no gap. Times never fall while numbers rise: records of a time are numbered without gaps too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from server.journal.log import StagedEntry, stage
from server.trusteeship.store import uses as store
from server.trusteeship.store.uses import UseRow
from wire.catalogue import ServiceError

LIFETIME: Final = timedelta(minutes=10)
"""In which a use is finished, and in which its result is given again."""


@dataclass(frozen=True, slots=True)
class UseFacts:
    """What a record says of a use.

    Args:
        asked: the request.
        signed: the same, signed.
        outcome: what became of it.
        detail: why, unless it was done.
        result: SHA-256 of what came of it, or empty.
    """

    asked: UseRequest
    signed: JointStatement
    outcome: UseOutcome
    detail: str = ""
    result: bytes = b""


def make_record(connection: Connection, row: UseRow, facts: UseFacts, now: datetime) -> tuple[UseRow, UseRecord]:
    """The record of a use with the next numbers, and the row with it; nothing is kept.

    Args:
        connection: the transaction that keeps it.
        row: without a record.
        facts: what the record says.
        now: the present time.
    """
    signed_der = facts.signed.to_der()
    last = store.find_last(connection, row.key_id, row.user)
    time = now if last.time is None else max(now, last.time)
    record = UseRecord(
        request=sha256(signed_der).digest(),
        organisation=row.organisation,
        key_id=row.key_id,
        number=last.number + 1,
        user=row.user,
        user_certificate=facts.asked.user_certificate,
        user_number=last.user_number + 1,
        outcome=facts.outcome,
        detail=facts.detail,
        result=facts.result,
        time=time.replace(microsecond=0),
    )
    made = replace(
        row,
        request=signed_der,
        number=record.number,
        user_number=record.user_number,
        record=record.to_der(),
        record_time=time,
    )
    return made, record


def record_use(
    connection: Connection,
    row: UseRow,
    record: UseRecord,
    now: datetime,
    *,
    signature: bytes = b"",
    keep_until: datetime | None = None,
) -> tuple[UseRow, StagedEntry]:
    """Have a record stand in the log, and with its use. Returns the use as it is then, and the record's entry.

    Args:
        connection: the transaction.
        row: with its request.
        record: of that use, with the numbers that it has.
        now: the present time.
        signature: the user's, of the record; empty where users do not sign.
        keep_until: how long the result is kept; None: it is erased.

    Raises:
        ServiceError: USE_ENDED: there is no such use any more.
    """
    assert row.request is not None  # noqa: S101  # no record without
    recorded = RecordedUse(JointStatement.from_der(row.request), record, signature)
    entry = stage(connection, EntryKind.USE, recorded.to_der(), now)
    result = None if keep_until is None else row.result
    kept = replace(row, record=record.to_der(), log_index=entry.index, end_time=keep_until, result=result)
    if not store.put_use(connection, kept):  # it was given up meanwhile
        raise use_ended("it was not made in time")
    return kept, entry


def end_without_result(record: UseRecord, outcome: UseOutcome, cause: str) -> UseRecord:
    """The record that takes the place of one that its user did not come to sign."""
    return replace(record, outcome=outcome, detail=cause, result=b"")


def require_signable(row: UseRow | None) -> tuple[UseRow, UseRecord]:
    """A use that has a record which its user signs, or has signed; and that.

    Raises:
        ServiceError: USE_NOT_FOUND: there is none; USE_REFUSED; USE_ENDED: it was abandoned.
    """
    if row is None or row.record is None:
        raise ServiceError("USE_NOT_FOUND")
    record = UseRecord.from_der(row.record)
    if record.outcome is UseOutcome.REFUSED:
        raise ServiceError("USE_REFUSED", cause=record.detail, number=record.number)
    if not record.outcome.signed:
        raise use_ended("its record was not signed in time")
    return row, record


def use_ended(problem: str) -> ServiceError:
    """That nothing more comes of a use."""
    return ServiceError("USE_ENDED", problem=problem)
