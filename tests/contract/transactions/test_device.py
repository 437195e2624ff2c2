"""The device: no code before the user confirmed what was read, none after a minute, none twice; and its picture."""

from __future__ import annotations

import copy
import pickle
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import x25519
from hypothesis import given
from hypothesis import strategies as st

from contract.transactions.binding import CodeVariant
from contract.transactions.code import ConfirmationCode
from contract.transactions.device import HeldCode, begin_binding, check_proposal
from contract.transactions.pages import Confirmation, Reading
from contract.transactions.picture import REFRESHED, STILL, read_picture, write_picture
from tests.contract.refusals import refused
from tests.contract.transactions.examples import NAMES, TRANSACTION
from tests.contract.transactions.parties import BACK_END, CERTIFICATE, LATER, read_and_confirm
from tests.contract.world import NOW
from tests.mpc.parties import RANDOM
from tests.mpc.refusals import malformed

READ = Confirmation(Reading.begin(TRANSACTION, NAMES, (80, 200), {}))
CODE = ConfirmationCode("0000016JD")
TICK = timedelta(microseconds=1)


def held() -> HeldCode:
    """As a device holds it after signing at ``NOW``."""
    core = begin_binding(TRANSACTION, CodeVariant.CODE, BACK_END.certificate, CERTIFICATE, NOW)
    return HeldCode(core, ConfirmationCode.new(RANDOM))


def test_a_code_lives_as_long_as_it_may() -> None:
    """Five minutes, and not longer than the transaction; in whole seconds."""
    for before_end, expected in ((timedelta(minutes=10), timedelta(minutes=5)), (timedelta(minutes=2),) * 2):
        now = TRANSACTION.end - before_end
        core = begin_binding(TRANSACTION, CodeVariant.CODE, bytes(32), CERTIFICATE, now + 7 * TICK)
        assert (core.time, core.end) == (now, now + expected)
        assert core.transaction == TRANSACTION.digest
    with refused("TRANSACTION_EXPIRED"):
        begin_binding(TRANSACTION, CodeVariant.CODE, bytes(32), CERTIFICATE, TRANSACTION.end)


def test_proposals_that_a_device_does_not_take() -> None:
    """For another signer, from yesterday, from tomorrow."""
    check_proposal(TRANSACTION, "alice", NOW)
    with refused("SIGNER_WRONG"):
        check_proposal(TRANSACTION, "bob", NOW)
    with refused("TRANSACTION_EXPIRED"):
        check_proposal(TRANSACTION, "alice", NOW + timedelta(days=1))
    with refused("CLOCKS_DIFFER"):
        check_proposal(TRANSACTION, "alice", NOW - timedelta(days=1))


def test_a_code_is_shown_for_a_minute() -> None:
    """And then it is gone, also if the clock is set back."""
    shown = held().confirm(READ, LATER)
    code = shown.code(LATER)
    assert shown.code(LATER + timedelta(minutes=1) - TICK) is code
    with refused("CODE_GONE"):
        shown.code(LATER + timedelta(minutes=1))
    with refused("CODE_GONE"):
        shown.code(LATER)


def test_a_code_is_gone_after_use() -> None:
    """And it is given out once: whoever confirms again does not get another minute."""
    kept = held()
    shown = kept.confirm(READ, LATER)
    shown.forget()
    with refused("CODE_GONE"):
        shown.code(LATER)
    with refused("CODE_GONE"):
        kept.confirm(READ, LATER)
    with refused("CODE_GONE"):
        kept.seal(x25519.X25519PrivateKey.generate().public_key(), RANDOM)


def test_a_user_who_confirms_too_late() -> None:
    """The code has ended, and is not shown then or later; before, it is not shown beyond its end."""
    end = NOW + timedelta(minutes=5)
    shown = held().confirm(READ, end - timedelta(seconds=5))
    assert shown.end == end
    kept = held()
    with refused("TRANSACTION_EXPIRED"):
        kept.confirm(READ, end)
    with refused("CODE_GONE"):
        kept.confirm(READ, LATER)


def test_a_code_is_for_what_was_read() -> None:
    """To the last letter."""
    other = replace(TRANSACTION, text="Rent for june")
    with refused("TRANSACTION_UNREAD"):
        held().confirm(Confirmation(Reading.begin(other, NAMES, (80, 200), {})), LATER)
    read_and_confirm(TRANSACTION, held())


def test_codes_are_secret() -> None:
    """None of the objects that have one prints, copies or pickles it."""
    kept = held()
    for secret in (kept, kept.confirm(READ, LATER)):
        assert "redacted" in repr(secret)
        for leak in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                leak(secret)


@given(st.datetimes(min_value=NOW.replace(tzinfo=None), max_value=NOW.replace(year=2200, tzinfo=None)))
def test_a_picture_is_read(time: datetime) -> None:
    """At once, and it is as small as QR codes get: of their alphanumeric set."""
    drawn = time.replace(tzinfo=UTC)
    code = ConfirmationCode.new(secrets.token_bytes)
    picture = write_picture(code, TRANSACTION.digest, drawn)
    assert read_picture(picture, TRANSACTION.digest, drawn, REFRESHED).is_same_as(code)
    assert re.fullmatch(r"[0-9A-Z $%*+./:-]+", picture)
    made = segno.make(picture, micro=False)
    assert (made.mode, made.version) <= ("alphanumeric", 3)


@pytest.mark.parametrize("oldest", [REFRESHED, STILL])
def test_pictures_are_fresh(oldest: timedelta) -> None:
    """Three seconds in the refreshing mode, a minute else; nor may they be from later than now."""
    picture = write_picture(CODE, TRANSACTION.digest, NOW)
    read_picture(picture, TRANSACTION.digest, NOW + oldest, oldest)
    with refused("PICTURE_TOO_OLD"):
        read_picture(picture, TRANSACTION.digest, NOW + oldest + TICK, oldest)
    read_picture(picture, TRANSACTION.digest, NOW - oldest, oldest)
    with refused("CLOCKS_DIFFER"):
        read_picture(picture, TRANSACTION.digest, NOW - oldest - TICK, oldest)


def test_a_picture_of_another_transaction() -> None:
    """It is told at once, and is no try."""
    with refused("PICTURE_OF_OTHER_TRANSACTION"):
        read_picture(write_picture(CODE, bytes(32), NOW), TRANSACTION.digest, NOW, STILL)


def test_what_is_no_picture() -> None:
    """Cut, changed in case or form, with a code that is none, with a time in another form."""
    picture = write_picture(CODE, TRANSACTION.digest, NOW)
    head, name, code, time = picture.split(":")
    for wrong in (
        "",
        picture.lower(),
        picture + " ",
        picture + "\n",
        picture[:-14],
        f"FS2:{name}:{code}:{time}",
        f"{head}:{name}:{code}:0{time}",
        f"{head}:{name}:{code}:-1",
        f"{head}:{name}:{code}:{'9' * 15}",
        f"{head}:{name}:{code}:\u0661",
        f"{head}:{name}:{code[:8]}:{time}",
    ):
        with malformed("PICTURE_MALFORMED"):
            read_picture(wrong, TRANSACTION.digest, NOW, STILL)
    for mistyped in ("0000016JE", "UUUUUUUUU"):
        with malformed("CODE_MISTYPED"):
            read_picture(f"{head}:{name}:{mistyped}:{time}", TRANSACTION.digest, NOW, STILL)
