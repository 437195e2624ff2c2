"""Rows by the values of one column: those, and no others, however many values there are."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, bindparam, create_engine, insert, select

from server.storage import Lookup

PETS = Table("pets", MetaData(), Column("name", Integer), Column("legs", Integer))


def test_rows_of_the_values_alone() -> None:
    """None, one, one named twice, several, one that is not there; with another parameter."""
    engine = create_engine("sqlite://")
    PETS.metadata.create_all(engine)
    lookup = Lookup(select(PETS.c.name).where(PETS.c.legs == bindparam("legs")), PETS.c.name)
    with engine.connect() as connection:
        connection.execute(insert(PETS), [{"name": name, "legs": name % 2} for name in range(6)])
        for values, expected in (([], []), ([1], [1]), ([3, 3], [3]), ([1, 2, 5], [1, 5]), ([2], []), ([9], [])):
            assert sorted(row.name for row in lookup.rows(connection, values, legs=1)) == expected
