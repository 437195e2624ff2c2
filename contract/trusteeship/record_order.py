"""Whether records of an export follow each other: by their numbers, by those of each user, and by their times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from contract.trusteeship.export import ExportHead
from contract.trusteeship.uses import UseRecord


@dataclass(frozen=True, slots=True)
class Finding:
    """A check of a record that failed.

    Args:
        number: of the record; where records are missing, that of the first one.
        last: the same; where records are missing, that of the last one.
        name: of the check.
        reason: why, UPPER_SNAKE.
    """

    number: int
    last: int
    name: str
    reason: str


class RecordOrder:
    """Takes records in the order in which they stand in an export.

    What is not known is not expected: the first numbers where the export has a begin; a user's next one after records
    of anybody were missing.

    Args:
        head: of the export.

    Attributes:
        first: number of the first record; 0: there was none.
        last: number of the last record.
        missing: how many are missing, before or between them.
    """

    def __init__(self, head: ExportHead) -> None:
        self._one_user = bool(head.user)
        self._from_first = head.whole
        self._next: int | None = 1 if head.whole else None
        self._users: dict[str, int] = {}
        self._time: datetime | None = None
        self.first = self.last = self.missing = 0

    def take(self, record: UseRecord) -> Iterator[Finding]:
        """See the next record."""
        if self._one_user:
            if record.number <= self.last:
                yield _finding(record, "number", "RECORD_REPEATED")
        else:
            yield from self._take_number(record)
        yield from self._take_user_number(record)
        if self._time is not None and record.time < self._time:
            yield _finding(record, "time", "RECORD_TIME_WRONG")
        self._time = record.time
        self._pass(record.number)

    def take_unreadable(self) -> int:
        """See a record that cannot be read. Returns the number that it must have: its user's is not known."""
        number = self._next or self.last + 1
        self._forget_users()
        self._pass(number)
        return number

    def _take_number(self, record: UseRecord) -> Iterator[Finding]:
        expected = self._next or record.number
        if record.number < expected:
            yield _finding(record, "number", "RECORD_REPEATED")
        elif record.number > expected:
            self.missing += record.number - expected
            self._forget_users()
            yield Finding(expected, record.number - 1, "number", "RECORD_MISSING")

    def _take_user_number(self, record: UseRecord) -> Iterator[Finding]:
        expected = self._users.get(record.user, 1 if self._from_first else record.user_number)
        if record.user_number < expected:
            yield _finding(record, "user-number", "RECORD_REPEATED")
        elif record.user_number > expected:
            if self._one_user:
                self.missing += record.user_number - expected
            yield _finding(record, "user-number", "RECORD_OF_USER_MISSING")
        self._users[record.user] = max(expected, record.user_number) + 1

    def _forget_users(self) -> None:
        self._users.clear()
        self._from_first = False

    def _pass(self, number: int) -> None:
        self.first = self.first or number
        self.last = max(self.last, number)
        self._next = self.last + 1


def _finding(record: UseRecord, name: str, reason: str) -> Finding:
    return Finding(record.number, record.number, name, reason)
