"""Compares the table of operations with the log: each entry with its row, and each row with its entry."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from contract.log_entry import EntryKind, LogEntry, OperationBody
from mpc.errors import MalformedInput
from server.journal import store
from server.journal.log import Entries, Finding
from server.journal.records import OperationRecord, Outcome


class OperationCheck:
    """See ``server.journal.log.EntryCheck``."""

    def __init__(self) -> None:
        self._entries = 0

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Every operation in the log has its row, which says the same."""
        bodies: dict[int, tuple[LogEntry, OperationBody]] = {}
        for index, entry in entries:
            if entry.kind is EntryKind.OPERATION:
                self._entries += 1
                try:
                    bodies[index] = (entry, OperationBody.from_der(entry.body))
                except MalformedInput as error:
                    yield Finding(f"entry {index}", f"its body cannot be read: {error}")
        rows = store.list_records(connection, ((body.agent, body.request_id) for _, body in bodies.values()))
        for index, (entry, body) in bodies.items():
            row = rows.get((body.agent, body.request_id))
            if row is None:
                yield Finding(f"entry {index}", f"its operation {body.request_id} of {body.agent} was deleted")
            elif not _says(*row, index, entry, body):
                yield Finding(
                    f"operation {row[0].sequence}", f"it is not what entry {index} of the log says: it was changed"
                )

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """No row has a result without an entry, but those from before the log."""
        for sequence in store.list_unlogged(connection):
            yield Finding(f"operation {sequence}", "it has a result, and no entry in the log")
        if store.count_logged(connection) != self._entries:
            yield Finding("operations", f"there are not exactly {self._entries} that name an entry of the log")


def _says(row: OperationRecord, log_index: int | None, index: int, entry: LogEntry, body: OperationBody) -> bool:
    """Whether a row is what an entry says of it. Nothing of the row is trusted to have a form."""
    told = (
        row.method,
        row.account or "",
        row.key_id,
        row.digest or b"",
        row.result_sha256 or b"",
        row.reason or "",
        row.outcome is Outcome.REFUSED,
        log_index,
        None if row.result_time is None else row.result_time.replace(microsecond=0),
    )
    wanted = (body.method, body.account, body.key_id, body.digest, body.result, body.refusal, body.refusal != "")
    return told == (*wanted, index, entry.time) and row.outcome is not Outcome.PENDING
