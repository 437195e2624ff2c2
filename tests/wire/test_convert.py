"""Enumerations of the protos and of the core: one to one, and nothing else passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from fourseal.v1 import algorithms_pb2, key_pb2

from mpc.four_prime_rsa import HashAlgorithm, Purpose, SignatureAlgorithm
from tests.mpc.refusals import malformed
from wire import convert


@dataclass(frozen=True)
class Table:
    """One enumeration on both sides."""

    ours: type[StrEnum]
    theirs: dict[str, int]
    from_proto: Callable[[Any], Any]
    to_proto: Callable[[Any], int]
    reason: str


TABLES = [
    Table(
        SignatureAlgorithm,
        dict(algorithms_pb2.SignatureAlgorithm.items()),
        convert.signature_algorithm_from_proto,
        convert.signature_algorithm_to_proto,
        "ALGORITHM_UNKNOWN",
    ),
    Table(
        HashAlgorithm,
        dict(algorithms_pb2.HashAlgorithm.items()),
        convert.hash_algorithm_from_proto,
        convert.hash_algorithm_to_proto,
        "ALGORITHM_UNKNOWN",
    ),
    Table(
        Purpose,
        dict(key_pb2.KeyPurpose.items()),
        convert.purpose_from_proto,
        convert.purpose_to_proto,
        "PURPOSE_UNKNOWN",
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.ours.__name__)
def test_every_value_goes_there_and_back(table: Table) -> None:
    """Every value of the core has one of the protos, of the same name; of theirs, only "unspecified" has none."""
    numbers = {value: table.to_proto(value) for value in table.ours}
    assert all(table.from_proto(number) is value for value, number in numbers.items())
    names = {number: name.lower().replace("_", "-") for name, number in table.theirs.items()}
    assert names.keys() == {0, *numbers.values()}
    assert names[0].endswith("-unspecified")
    assert all(names[number].endswith(f"-{value}") for value, number in numbers.items())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.ours.__name__)
@pytest.mark.parametrize("number", [0, -1, 7, 99, 2**31 - 1, -(2**31)])
def test_unspecified_and_unknown_are_refused(table: Table, number: int) -> None:
    """A newer client's value is no value to guess at."""
    with malformed(table.reason):
        table.from_proto(number)
