"""What every table shares: one metadata with fixed constraint names, and the column types.

A table names nothing for a kind of database that is not used, such as ``postgresql_where``: SQLAlchemy would load all
of that kind's dialect.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Dialect, Integer, MetaData
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the server. Constraints have names, so that a migration can take them away again."""

Sequence = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database counts up. SQLite counts only columns that are called INTEGER."""


def row_values(record: DataclassInstance) -> dict[str, Any]:
    """What a row holds whose columns are called as the fields of a dataclass: the fields, and of an enum its value."""
    fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return {name: field.value if isinstance(field, Enum) else field for name, field in fields.items()}


def microseconds(time: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The time that many microseconds after 1970, in UTC. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + count * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """A time in UTC, kept as microseconds since 1970: the same in every database, and sorted as it reads."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """To microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From microseconds."""
        return None if value is None else from_microseconds(value)
