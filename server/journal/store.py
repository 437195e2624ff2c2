"""The table of operations. A result is recorded here alone, and with its entry in the transparency log.

``log_index`` is that entry's; missing of what is pending, and of what was recorded before there was a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from server.journal.operation_log import log_result
from server.journal.records import (
    Caller,
    Intent,
    Operation,
    OperationRecord,
    Outcome,
    Request,
    Result,
    refusal_from_text,
    refusal_to_text,
)
from server.storage import Instant, Lookup, metadata
from server.storage.tables import Sequence as Counted


class FinishedMeanwhile(Exception):
    """An operation that was begun here was finished elsewhere: by another process, or with a renewed certificate."""


operations = Table(
    "operations",
    metadata,
    Column("sequence", Counted, primary_key=True, autoincrement=True),
    Column("agent_id", Text, nullable=False),
    Column("account", Text),
    Column("certificate_sha256", LargeBinary, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("body_sha256", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("algorithm", Text),
    Column("digest", LargeBinary),
    Column("salt", LargeBinary),
    Column("client_partial", LargeBinary),
    Column("intent_time", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("refusal", Text),
    Column("result_sha256", LargeBinary),
    Column("result_time", Instant),
    Column("answer", LargeBinary),
    Column("log_index", BigInteger),
    UniqueConstraint("agent_id", "request_id"),
    CheckConstraint("outcome IN ('pending', 'done', 'refused')", name="outcome"),
    Index(None, "key_id", "sequence"),
)

_column = operations.c
_seen = select(
    _column.agent_id,
    _column.request_id,
    _column.method,
    _column.body_sha256,
    _column.key_id,
    _column.outcome,
    _column.reason,
    _column.refusal,
    _column.answer,
)
_of_agent = Lookup(_seen.where(_column.agent_id == bindparam("of_agent")), _column.request_id)
_of_agents = _seen.where(
    _column.agent_id.in_(bindparam("agent_ids", expanding=True)),
    _column.request_id.in_(bindparam("request_ids", expanding=True)),
)
_add = insert(operations)
_finish = (
    update(operations)
    .where(
        _column.agent_id == bindparam("of_agent"),
        _column.request_id == bindparam("of_request"),
        _column.outcome == Outcome.PENDING.value,
    )
    .values(
        outcome=bindparam("new_outcome"),
        reason=bindparam("new_reason"),
        refusal=bindparam("new_refusal"),
        result_sha256=bindparam("new_result_sha256"),
        result_time=bindparam("new_result_time"),
        answer=bindparam("new_answer"),
        log_index=bindparam("new_log_index"),
    )
)
_list = select(
    _column.sequence,
    _column.agent_id,
    _column.account,
    _column.request_id,
    _column.method,
    _column.key_id,
    _column.algorithm,
    _column.digest,
    _column.salt,
    _column.client_partial,
    _column.intent_time,
    _column.outcome,
    _column.reason,
    _column.result_sha256,
    _column.result_time,
).order_by(_column.sequence)


def find_operations(connection: Connection, identities: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Operation]:
    """The operations that there are of these (agent_id, request_id)."""
    wanted = set(identities)
    agent_ids, request_ids = {agent for agent, _ in wanted}, [request for _, request in wanted]
    if len(agent_ids) == 1:
        rows = _of_agent.rows(connection, request_ids, of_agent=agent_ids.pop())
    else:
        rows = connection.execute(_of_agents, {"agent_ids": list(agent_ids), "request_ids": request_ids}).all()
    found = (_operation(row) for row in rows if (row.agent_id, row.request_id) in wanted)
    return {(operation.agent_id, operation.request_id): operation for operation in found}


def add_intents(connection: Connection, intents: Sequence[Intent], now: datetime) -> None:
    """Record intents; their operations are pending."""
    connection.execute(_add, [_intent_values(intent, now) for intent in intents])


def add_finished(connection: Connection, intent: Intent, result: Result, now: datetime) -> None:
    """Record an operation that was done in this very transaction."""
    values = _result_values(connection, intent, result, now)
    finished = {name.removeprefix("new_"): value for name, value in values.items()}
    connection.execute(_add, _intent_values(intent, now) | finished)


def finish(connection: Connection, results: Sequence[tuple[Intent, Result]], now: datetime) -> None:
    """Record results of pending operations.

    Raises:
        FinishedMeanwhile: one was not pending any more.
    """
    values = [
        {"of_agent": intent.request.caller.agent_id, "of_request": intent.request.request_id}
        | _result_values(connection, intent, result, now)
        for intent, result in results
    ]
    if connection.execute(_finish, values).rowcount != len(results):
        raise FinishedMeanwhile


def list_operations(
    connection: Connection, *, after: int, limit: int, key_id: str | None = None
) -> list[OperationRecord]:
    """At most ``limit`` records with a sequence above ``after``, oldest first, of all keys or of one."""
    query = _list.where(_column.sequence > after).limit(limit)
    if key_id is not None:
        query = query.where(_column.key_id == key_id)
    return [OperationRecord(**(row._asdict() | {"outcome": Outcome(row.outcome)})) for row in connection.execute(query)]


def is_done(connection: Connection, agent_id: str, request_id: str) -> bool:
    """Whether an operation was done."""
    identity = (agent_id, request_id)
    found = find_operations(connection, [identity]).get(identity)
    return found is not None and found.outcome is Outcome.DONE


def probe(connection: Connection, now: datetime) -> None:
    """Write a record and delete it: shows that operations could be recorded now."""
    request = Request(Caller("-", b""), f"probe.{now.isoformat()}", "Probe", b"")  # no agent has that name
    add_intents(connection, [Intent(request, "-")], now)
    connection.execute(delete(operations).where(_column.agent_id == request.caller.agent_id, _column.method == "Probe"))


def _operation(row: Row[*tuple[Any, ...]]) -> Operation:
    refusal = refusal_from_text(row.reason, row.refusal) if row.reason is not None else None
    return Operation(
        row.agent_id,
        row.request_id,
        row.method,
        row.body_sha256,
        row.key_id,
        Outcome(row.outcome),
        refusal,
        row.answer,
    )


def _intent_values(intent: Intent, now: datetime) -> dict[str, Any]:
    request = intent.request
    return {
        "agent_id": request.caller.agent_id,
        "account": request.account,
        "certificate_sha256": request.caller.certificate_sha256,
        "request_id": request.request_id,
        "method": request.method,
        "body_sha256": request.body_sha256,
        "key_id": intent.key_id,
        "algorithm": intent.algorithm,
        "digest": intent.digest,
        "salt": intent.salt,
        "client_partial": intent.client_partial,
        "intent_time": now,
        "outcome": Outcome.PENDING.value,
    }


def _result_values(connection: Connection, intent: Intent, result: Result, now: datetime) -> dict[str, Any]:
    refusal = result.refusal
    return {
        "new_outcome": result.outcome.value,
        "new_reason": None if refusal is None else refusal.reason,
        "new_refusal": None if refusal is None else refusal_to_text(refusal),
        "new_result_sha256": result.sha256,
        "new_result_time": now,
        "new_answer": result.answer,
        "new_log_index": log_result(connection, intent, result, now),
    }


def list_records(
    connection: Connection, identities: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[OperationRecord, int | None]]:
    """The operations that there are of these (agent_id, request_id), each with the index of its entry."""
    wanted = set(identities)
    query = _list.add_columns(_column.log_index).where(
        _column.agent_id.in_({agent for agent, _ in wanted}),
        _column.request_id.in_({request for _, request in wanted}),
    )
    found = {}
    for row in connection.execute(query):
        values = row._asdict()
        log_index = values.pop("log_index")
        record = OperationRecord(**(values | {"outcome": Outcome(row.outcome)}))
        found[record.agent_id, record.request_id] = record, log_index
    return {identity: each for identity, each in found.items() if identity in wanted}


def count_logged(connection: Connection) -> int:
    """How many operations name an entry of the log. Looks at all of them."""
    return int(connection.execute(select(func.count(_column.log_index))).scalar_one())


def list_unlogged(connection: Connection) -> list[int]:
    """Sequences of operations with a result and no entry, but those from before the first that has one."""
    first = select(func.min(_column.result_time)).where(_column.log_index.is_not(None)).scalar_subquery()
    query = select(_column.sequence).where(
        _column.outcome != Outcome.PENDING.value, _column.log_index.is_(None), _column.result_time >= first
    )
    return [row[0] for row in connection.execute(query)]
