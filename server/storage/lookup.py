"""Finding rows by the values of one column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam


class Lookup:
    """A query for rows by one column, prepared twice: for one value, and for several.

    SQLAlchemy writes a list of values into its statement anew each time. That takes several times as long as the whole
    query for one value, which is what nearly every call wants.

    Args:
        query: what to select, from where.
        column: whose values are given.
    """

    def __init__(self, query: Select[*tuple[Any, ...]], column: ColumnElement[Any]) -> None:
        self._one = query.where(column == bindparam("of_value"))
        self._several = query.where(column.in_(bindparam("of_values", expanding=True)))

    def rows(self, connection: Connection, values: Iterable[Any], **more: Any) -> Sequence[Row[*tuple[Any, ...]]]:  # noqa: ANN401  # as the columns are
        """The rows with any of these values; ``more``: other parameters of the query."""
        wanted = set(values)
        if len(wanted) == 1:
            return connection.execute(self._one, {"of_value": wanted.pop(), **more}).all()
        return connection.execute(self._several, {"of_values": list(wanted), **more}).all()
