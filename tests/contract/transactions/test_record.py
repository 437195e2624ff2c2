"""Records of a transaction's steps: each says what its state asks for, and nothing else is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.transactions.progress import NEXT_STATES, TransactionState
from contract.transactions.record import TransactionRecord, step_number
from mpc.errors import MalformedInput
from tests.contract.transactions.examples import BINDING, TRANSACTION

_S = TransactionState
PROPOSED = TransactionRecord(TRANSACTION.digest, 1, _S.PROPOSED, "", b"", TRANSACTION.to_der())
SIGNED = TransactionRecord(TRANSACTION.digest, 2, _S.SIGNED, "", BINDING.digest, BINDING.to_der())
CONFIRMED = replace(SIGNED, number=3, state=_S.CONFIRMED, detail=b"0000016JD")
EXECUTED = replace(SIGNED, number=4, state=_S.EXECUTED, detail=b"entry-7")
FAILED = replace(SIGNED, number=4, state=_S.FAILED, cause="NO_MONEY", detail=b"")
REJECTED = replace(SIGNED, number=3, state=_S.REJECTED, cause="WRONG_CODES", detail=b"")
TAKEN_BACK = replace(REJECTED, number=2, cause="REFUSED_BY_USER", binding=b"")
EXPIRED = replace(REJECTED, state=_S.EXPIRED, cause="")
RECORDS = (
    PROPOSED,
    SIGNED,
    CONFIRMED,
    EXECUTED,
    FAILED,
    REJECTED,
    TAKEN_BACK,
    EXPIRED,
    replace(EXPIRED, number=2, binding=b""),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record.number}-{record.state}")
def test_each_is_read_as_it_was_written(record: TransactionRecord) -> None:
    """In one encoding, and with no byte more."""
    der = record.to_der()
    assert TransactionRecord.from_der(der) == record
    for wrong in (der + b"\0", der[:-1], b"", b"\x30\x00"):
        with pytest.raises(MalformedInput):
            TransactionRecord.from_der(wrong)


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        (PROPOSED, {"number": 2}),
        (PROPOSED, {"transaction": bytes(32)}),
        (PROPOSED, {"transaction": bytes(31)}),
        (PROPOSED, {"binding": bytes(32)}),
        (PROPOSED, {"cause": "WHY"}),
        (PROPOSED, {"detail": b""}),
        (SIGNED, {"binding": bytes(32)}),
        (SIGNED, {"binding": b""}),
        (SIGNED, {"transaction": bytes(32)}),
        (CONFIRMED, {"detail": b"0000016JE"}),
        (CONFIRMED, {"detail": b"\xff" * 9}),
        (CONFIRMED, {"binding": b""}),
        (EXECUTED, {"detail": b""}),
        (EXECUTED, {"detail": b"with a space"}),
        (EXECUTED, {"detail": b"x" * 129}),
        (EXECUTED, {"number": 3}),
        (FAILED, {"cause": ""}),
        (FAILED, {"cause": "no money"}),
        (FAILED, {"detail": b"x"}),
        (REJECTED, {"number": 4}),
        (REJECTED, {"number": 2}),
        (TAKEN_BACK, {"number": 3}),
        (EXPIRED, {"cause": "LATE"}),
    ],
)
def test_what_does_not_fit_its_state_is_refused(record: TransactionRecord, changed: dict[str, Any]) -> None:
    """Also where it comes as bytes."""
    with pytest.raises(MalformedInput):
        replace(record, **changed)


def test_steps_are_numbered_by_how_they_follow() -> None:
    """From one on; and what does not follow has no number."""
    assert step_number(_S.PROPOSED, None) == 1
    for before, states in NEXT_STATES.items():
        for state in _S:
            if state in states:
                assert 2 <= step_number(state, before) <= 4
            else:
                with pytest.raises(ValueError, match="no step leads"):
                    step_number(state, before)
