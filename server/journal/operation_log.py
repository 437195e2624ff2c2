"""The entry of the transparency log that every result of an operation has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.log_entry import EntryKind, OperationBody
from server.journal.log import stage
from server.journal.records import Intent, Result


def log_result(connection: Connection, intent: Intent, result: Result, now: datetime) -> int:
    """Stage the entry of a result, in the transaction that records it; returns the entry's index."""
    request = intent.request
    body = OperationBody(
        agent=request.caller.agent_id,
        request_id=request.request_id,
        method=request.method,
        account=request.account or "",
        key_id=intent.key_id,
        digest=intent.digest or b"",
        result=result.sha256 or b"",
        refusal="" if result.refusal is None else result.refusal.reason,
    )
    return stage(connection, EntryKind.OPERATION, body.to_der(), now).index
