"""The desk: no code before all was read and confirmed, none after its use, its minute or a refusal; in no other way."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from contract.transactions.picture import REFRESHED, STILL, read_picture
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import transaction_id
from mpc.errors import FoursealError
from signer_agent.signing_device.model import Ending, Stage, View
from tests.contract.transactions.examples import TRANSACTION
from tests.signer_agent.refusals import refused
from tests.signer_agent.signing_device.desks import PIN, Table, another, new_table

DIGEST = TRANSACTION.digest
WAITED_FOR = (TransactionState.PROPOSED, TransactionState.SIGNED)
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{3}-?[0-9A-HJKMNP-TV-Z]{3}-?[0-9A-HJKMNP-TV-Z]{3}\b")


def nothing_is_shown(table: Table, ending: Ending) -> View:
    """The transaction is over, and its code cannot be had any more."""
    view = table.desk.view
    assert view.stage is Stage.WAITING
    assert view.ended is not None
    assert view.ended.ending is ending
    for ask in (table.desk.code, table.desk.picture, table.desk.hand_over, table.desk.put_away):
        with refused("DISPLAY_CHANGED"):
            ask(view.revision)
    return view


async def test_a_code_is_shown_after_all_was_read_and_confirmed() -> None:
    """It is the one in the binding, and a back end takes it."""
    table = new_table()
    binding = await table.present()
    assert table.desk.view.count > 1
    assert table.hint == ""
    for ask in (table.desk.code, table.desk.picture, table.desk.hand_over, table.desk.put_away):
        with refused("CODE_GONE"):
            ask(table.revision)
    while table.desk.view.number < table.desk.view.count:
        with refused("TRANSACTION_UNREAD"):
            await table.confirm()
        table.desk.forward(table.revision)
    table.desk.back(table.revision)
    assert table.hint == "confirm", "every page was shown"
    await table.confirm()
    assert table.stage == "showing"
    assert table.office.opens(TRANSACTION, binding, table.desk.code(table.revision))
    assert table.desk.view.end == table.clock.now + timedelta(minutes=1)


async def test_nothing_but_a_display_says_the_code() -> None:
    """Neither what is shown of the desk, nor its errors, nor what a terminal gets."""
    table = new_table()
    binding = await table.shown()
    code = table.desk.code(table.revision).to_secret_text()
    told = [repr(table.desk.view), repr(vars(table.desk)), repr(vars(table.desk._case)), repr(table.desk._case)]
    assert not any(CODE.search(each) or code in each for each in told)
    assert code.encode() not in binding.to_der()
    with pytest.raises(FoursealError) as caught:
        await table.desk.present(another(1).to_der())
    assert caught.value.reason == "DEVICE_BUSY"
    assert code not in f"{caught.value} {caught.value.metadata}"


async def test_the_code_is_gone_after_a_minute() -> None:
    """Also before anybody looked at the clock."""
    table = new_table()
    await table.shown()
    revision = table.revision
    table.clock.pass_by(59.9)
    table.desk.look_at_clock()
    table.desk.code(revision)
    table.clock.pass_by(0.1)
    with refused("CODE_GONE"):
        table.desk.code(revision)
    table.desk.look_at_clock()
    nothing_is_shown(table, Ending.GONE)
    with refused("CODE_GONE"):
        await table.desk.present(TRANSACTION.to_der())


async def test_a_clock_that_is_set_back_shows_no_code_longer() -> None:
    """A minute is a minute."""
    table = new_table()
    await table.shown()
    table.clock.set_back(3600)
    table.clock.pass_by(59.9)
    table.desk.look_at_clock()
    table.desk.code(table.revision)
    table.clock.pass_by(0.2)
    table.desk.look_at_clock()
    nothing_is_shown(table, Ending.GONE)


@pytest.mark.parametrize("state", [each for each in TransactionState if each not in WAITED_FOR])
async def test_the_code_is_gone_after_use(state: TransactionState) -> None:
    """The back end says so; one that knows nothing, waits, or cannot be asked, changes nothing."""
    table = new_table()
    await table.shown()
    name, case = transaction_id(DIGEST), table.desk._case
    assert case is not None
    await table.desk.look_at_back_end()
    table.office.states[name] = TransactionState.SIGNED
    await table.desk.look_at_back_end()
    table.office.unreachable = True
    await table.desk.look_at_back_end()
    table.desk.code(table.revision)
    table.office.unreachable, table.office.states[name] = False, state
    await table.desk.look_at_back_end()
    used = state not in {TransactionState.REJECTED, TransactionState.EXPIRED}
    view = nothing_is_shown(table, Ending.USED if used else Ending.CLOSED)
    assert view.ended is not None
    assert view.ended.state is state
    with refused("CODE_GONE"):
        case.code(table.clock.now)


async def test_a_refusal_is_told_to_the_back_end() -> None:
    """While reading, and while the code is shown; if it cannot be told, the user hears so, and the code is gone."""
    for number, read in enumerate((False, True)):
        table = new_table()
        transaction = another(number)
        await (table.shown(transaction) if read else table.present(transaction))
        await table.desk.refuse(table.revision)
        nothing_is_shown(table, Ending.REFUSED)
        assert table.office.refused == [transaction_id(transaction.digest)]
        with refused("REFUSED_AT_DEVICE"):
            await table.desk.present(transaction.to_der())
    table = new_table()
    await table.shown()
    table.office.unreachable = True
    await table.desk.refuse(table.revision)
    view = nothing_is_shown(table, Ending.REFUSED)
    assert view.ended is not None
    assert view.ended.problem is not None
    assert view.ended.problem.reason == "SERVER_UNAVAILABLE"


async def test_who_confirms_too_late_sees_no_code() -> None:
    """Whether the clock was looked at before or not."""
    for looks in (True, False):
        table = new_table()
        await table.present()
        table.read()
        revision = table.revision
        table.clock.pass_by(300)
        if looks:
            table.desk.look_at_clock()
        with refused("DISPLAY_CHANGED" if looks else "TRANSACTION_EXPIRED"):
            await table.desk.confirm(revision)
        nothing_is_shown(table, Ending.EXPIRED)
        with refused("TRANSACTION_EXPIRED"):
            await table.desk.collect(DIGEST)


async def test_another_size_begins_the_reading_anew() -> None:
    """Pages are other ones then; while the display is too small, nothing can be confirmed."""
    table = new_table()
    await table.present()
    table.read()
    assert table.hint == "confirm"
    table.desk.resize((60, 9))
    assert table.desk.view.number == 1
    with refused("TRANSACTION_UNREAD"):
        await table.confirm()
    table.desk.resize((25, 9))
    view = table.desk.view
    assert (view.page, view.may_confirm) == ((), False)
    assert view.problem is not None
    assert view.problem.reason == "DISPLAY_TOO_SMALL"
    with refused("DISPLAY_CHANGED"):
        await table.confirm()
    table.desk.resize((60, 100))
    with refused("DISPLAY_CHANGED"):  # all on one page, and not shown for a second
        await table.confirm()
    table.settle()
    await table.confirm()
    table.desk.resize((40, 8))
    assert table.stage == "showing"


async def test_a_key_does_nothing_to_what_was_not_looked_at() -> None:
    """A terminal that times its transaction to a key gets nothing confirmed, refused or turned."""
    table = new_table(size=(60, 100))
    await table.shown(another(1))
    revision = table.revision
    table.desk.put_away(revision)
    await table.desk.present(TRANSACTION.to_der())
    assert table.desk.view.count == 1
    for old in (revision, revision + 1):
        for act in (table.desk.confirm, table.desk.refuse):
            with refused("DISPLAY_CHANGED"):
                await act(old)
        for turn in (table.desk.forward, table.desk.back):
            with refused("DISPLAY_CHANGED"):
                turn(old)
    with refused("DISPLAY_CHANGED"):  # the right view, too soon
        await table.confirm()
    assert table.hint == ""
    table.settle()
    assert table.hint == "confirm"
    await table.confirm()


async def test_one_transaction_at_a_time() -> None:
    """Others are told that the device is busy; the same one gets the same answer and costs no signature."""
    table = new_table()
    first, *again = await asyncio.gather(*(table.desk.present(TRANSACTION.to_der()) for _ in range(5)))
    table.settle()
    again.append(await table.present())
    assert {each.to_der() for each in again} == {first.to_der()}
    assert table.office.signed == 1
    with refused("DEVICE_BUSY"):
        await table.desk.present(another(1).to_der())
    answers = await asyncio.gather(
        *(new.desk.present(another(n).to_der()) for new in [new_table()] for n in range(3)), return_exceptions=True
    )
    assert [getattr(each, "reason", "signed") for each in answers] == ["signed", "DEVICE_BUSY", "DEVICE_BUSY"]


async def test_what_is_not_taken_is_not_signed() -> None:
    """For others to sign, over, malformed, parties without a verified name, more than the display can show."""
    table = new_table()
    table.office.account = "bob"
    with refused("SIGNER_WRONG"):
        await table.present()
    table.office.account = "alice"
    with refused("TRANSACTION_MALFORMED"):
        await table.desk.present(b"")
    del table.office.names["carol"]
    with refused("PARTY_UNVERIFIED"):
        await table.present()
    table.office.names["carol"] = "Carol"
    table.desk.resize((25, 9))
    with refused("DISPLAY_TOO_SMALL"):
        await table.present()
    table.desk.resize((40, 8))
    table.clock.pass_by(24 * 3600)
    with refused("TRANSACTION_EXPIRED"):
        await table.present()
    assert table.office.signed == 0
    table.clock.pass_by(-24 * 3600)
    await table.present()  # a refusal leaves nothing behind


async def test_terminals_collect_after_the_code_was_handed_over() -> None:
    """They wait before; and only for the transaction that is shown."""
    table = new_table()
    with refused("TRANSACTION_NOT_SHOWN"):
        await table.desk.collect(DIGEST)
    binding = await table.present()
    with refused("TRANSACTION_NOT_SHOWN"):
        await table.desk.collect(another(1).digest)
    waiting = [asyncio.create_task(table.desk.collect(DIGEST)) for _ in range(2)]
    table.read()
    await table.confirm()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    table.desk.hand_over(table.revision)
    for each in await asyncio.gather(*waiting):
        assert table.office.opens(TRANSACTION, binding, each)
    table.desk.put_away(table.revision)
    with refused("CODE_GONE"):
        await table.desk.collect(DIGEST)
    await table.present(another(1))  # the way was opened for one code alone
    table.read()
    await table.confirm()
    assert not table.desk.view.handed_over


async def test_terminals_that_wait_hear_of_a_refusal() -> None:
    """At once."""
    table = new_table()
    await table.present()
    waiting = asyncio.create_task(table.desk.collect(DIGEST))
    await asyncio.sleep(0)
    await table.desk.refuse(table.revision)
    with refused("REFUSED_AT_DEVICE"):
        await waiting


async def test_the_pin_is_asked_for_before_the_code_is_shown() -> None:
    """A wrong one changes nothing, and is in no view and no error."""
    table = new_table(asks_pin=True)
    await table.present()
    table.read()
    assert table.desk.view.asks_pin
    for wrong in ("", "2581"):
        with refused("PASSPHRASE_WRONG"):
            await table.confirm(wrong)
    assert table.stage == "reading"
    await table.confirm(PIN)
    assert table.stage == "showing"
    assert PIN not in repr(vars(table.desk))


async def test_a_pin_confirms_nothing_that_came_while_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking takes a while; what is shown may have ended."""
    table = new_table(asks_pin=True)
    await table.present()
    table.read()

    async def slow(_: str) -> None:
        await table.desk.refuse(table.revision)
        await table.present(another(1))

    monkeypatch.setattr(table.office, "check_pin", slow)
    with refused("DISPLAY_CHANGED"):
        await table.confirm(PIN)
    assert table.stage == "reading"


async def test_pictures_say_when_they_were_drawn_if_they_refresh() -> None:
    """Else, when the code was confirmed."""
    for refreshing, oldest, after in ((True, REFRESHED, 30), (False, STILL, 30)):
        table = new_table(refreshing=refreshing)
        await table.shown()
        old = table.desk.picture(table.revision)
        table.clock.pass_by(after)
        new = table.desk.picture(table.revision)
        code = table.desk.code(table.revision)
        assert read_picture(new, DIGEST, table.clock.now, oldest).is_same_as(code)
        if refreshing:
            with refused("PICTURE_TOO_OLD"):
                read_picture(old, DIGEST, table.clock.now, oldest)
        else:
            assert old == new


async def test_displays_wait_for_changes() -> None:
    """Each is told, and what is over ends by itself while ``run`` runs."""
    table = new_table()
    waiting = [asyncio.create_task(table.desk.changed(table.revision)) for _ in range(3)]
    await table.desk.present(TRANSACTION.to_der())
    assert {(await each).stage for each in waiting} == {Stage.READING}
    table.clock.pass_by(1000)
    running = asyncio.create_task(table.desk.run())
    view = table.desk.view
    while view.stage is not Stage.WAITING:
        view = await table.desk.changed(view.revision)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
