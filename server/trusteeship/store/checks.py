"""Queries that look at all rows, for ``checking``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, func, select

from server.trusteeship.store.grants import GrantRow, read_grant
from server.trusteeship.store.tables import trust_grants, trust_orders, trust_uses
from server.trusteeship.store.uses import UseRow

_use = trust_uses.c
_ROWS_AT_A_TIME: Final = 500


def count_rows(connection: Connection) -> tuple[int, int, int]:
    """How many grants, orders and recorded uses there are."""
    recorded = select(func.count(_use.log_index))
    counts = [select(func.count()).select_from(table) for table in (trust_grants, trust_orders)]
    found, orders, uses = (connection.execute(query).scalar_one() for query in (*counts, recorded))
    return found, orders, uses


def count_uses(connection: Connection) -> dict[str, int]:
    """How many uses each grant counts: those that were not refused when they began."""
    query = select(_use.grant_id, func.count().label("uses")).where(_use.refusal == "").group_by(_use.grant_id)
    return {row.grant_id: row.uses for row in connection.execute(query)}


def list_gaps(connection: Connection) -> Iterator[str]:
    """Keys, and users at them, whose records are not numbered from 1 to as many as there are."""
    for number, groups in ((_use.number, (_use.key_id,)), (_use.user_number, (_use.key_id, _use.user))):
        query = select(*groups).where(number.is_not(None)).group_by(*groups)
        for row in connection.execute(query.having(func.max(number) != func.count(number))):
            yield " of ".join(reversed(row))


def find_by_number(connection: Connection, key_id: str, number: int) -> UseRow | None:
    """The use with that record."""
    query = select(trust_uses).where(_use.key_id == key_id, _use.number == number)
    row = connection.execute(query).one_or_none()
    return None if row is None else UseRow(*row)


def all_grants(connection: Connection) -> Iterator[GrantRow]:
    """Every grant."""
    query = select(trust_grants).order_by(trust_grants.c.grant_id)
    for row in connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield read_grant(row)
