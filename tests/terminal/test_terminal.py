"""The library, from a proposal to what was executed; every way of the code, and what is refused on the way."""

from __future__ import annotations

import asyncio
import io
import secrets
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import segno
from PIL import Image

from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transfer
from terminal import Home, Kept, Terminal
from terminal.store import TerminalStore
from terminal.terminal import enrol_terminal
from tests.signer_agent.refusals import refused
from tests.terminal.shop import RENT, Shop, made_up, photograph, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_payment_from_its_proposal_to_its_execution(shop: Shop) -> None:
    """Typed in small letters; the ledger has it once, and each step answers the same again."""
    before = shop.bobs_balance()
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        kept = await terminal.prepare("alice", [RENT], text="Rent for May")
        name = kept.transaction_id
        with refused("TRANSACTION_NOT_PROPOSED", transaction_id=name):
            await terminal.get(name)
        assert (await terminal.propose(name)).state is TransactionState.PROPOSED
        with refused("NOT_PRESENTED"):
            await terminal.sign(name)
        binding = await terminal.present(name, shop.socket)
        assert (await terminal.sign(name)).state is TransactionState.SIGNED
        code = await user.confirm()
        assert {"  1.25 EUR", "> Rent for May"} <= set(user.seen)
        done = await terminal.confirm(name, code.lower())
        assert (done.state, done.transaction) == (TransactionState.EXECUTED, kept.transaction)
        assert await terminal.present(name, None) == binding, "no device is asked again"
        assert (await terminal.propose(name)).state is TransactionState.EXECUTED
        with refused("CODE_USED"):
            await terminal.confirm(name, code)
        assert await terminal.get(name) == replace(done, steps=(await terminal.get(name)).steps)
        assert (await terminal.all())[0].transaction_id == name
    assert shop.bobs_balance() == before + RENT.amount.units


async def test_the_folder_is_the_terminals_alone(shop: Shop) -> None:
    """And has no code in it."""
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        kept = await signed(terminal, shop.socket)
        code = (await user.confirm()).replace("-", "")
        await terminal.confirm(kept.transaction_id, code)
    for path in (shop.home.folder, *shop.home.folder.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
        assert path.is_dir() or code.encode() not in path.read_bytes()
    shop.home.requests.chmod(0o755)
    with refused("STORE_PERMISSIONS"):
        async with Terminal.open(shop.home):
            pass
    shop.home.requests.chmod(0o700)


async def test_a_request_id_is_one_payment(shop: Shop) -> None:
    """Also later, when its times would be others; and no other payment."""
    request_id = secrets.token_urlsafe()
    async with Terminal.open(shop.home) as terminal:
        kept = await terminal.prepare("alice", [RENT], request_id=request_id)
    async with Terminal.open(shop.home, lambda: datetime.now(UTC) + timedelta(minutes=1)) as terminal:
        assert await terminal.prepare("alice", [RENT], request_id=request_id, life=timedelta(hours=1)) == kept
        with refused("REQUEST_ID_REUSED"):
            await terminal.prepare("alice", [RENT], request_id=request_id, text="Rent for June")
        with refused("REQUEST_ID_MALFORMED"):
            await terminal.prepare("alice", [RENT], request_id="../../../identity")


async def test_the_channel(shop: Shop) -> None:
    """The code comes when the user lets it, and not before; a device that was refused says so."""
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        kept = await signed(terminal, shop.socket)
        waiting = asyncio.create_task(terminal.confirm_by_channel(kept.transaction_id, shop.socket))
        await user.confirm()
        await asyncio.sleep(0)
        assert not waiting.done()
        user.desk.hand_over(user.desk.view.revision)
        assert (await waiting).state is TransactionState.EXECUTED
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        kept = await signed(terminal, shop.socket)
        waiting = asyncio.create_task(terminal.confirm_by_channel(kept.transaction_id, shop.socket))
        await asyncio.sleep(0)
        await user.desk.refuse(user.desk.view.revision)
        with refused("REFUSED_AT_DEVICE"):
            await waiting
        found = await terminal.get(kept.transaction_id)
        assert (found.state, found.cause) == (TransactionState.REJECTED, "REFUSED_BY_USER")


async def test_a_picture(shop: Shop) -> None:
    """Photographed askew; with another code beside it; and none that is old, of another payment, or no picture."""
    async with shop.device(refreshing=True) as user, Terminal.open(shop.home) as terminal:
        first, second = [await terminal.prepare("alice", [RENT]) for _ in range(2)]
        for kept in (first, second):
            await terminal.propose(kept.transaction_id)
        await terminal.present(first.transaction_id, shop.socket)
        await terminal.sign(first.transaction_id)
        await user.confirm()
        of_first = user.photograph()
        user.desk.put_away(user.desk.view.revision)
        await terminal.present(second.transaction_id, shop.socket)
        await terminal.sign(second.transaction_id)
        await user.confirm()
        name, taken, now = second.transaction_id, user.photograph(), datetime.now(UTC)
        at_once, later = (
            Terminal(terminal._store, terminal._line, partial(lambda time: time, now + wait))
            for wait in (timedelta(), timedelta(seconds=4))
        )
        with refused("PICTURE_TOO_OLD", seconds="3"):
            await later.confirm_by_picture(name, taken, "photo.jpg", refreshing=True)
        with refused("PICTURE_OF_OTHER_TRANSACTION"):
            await terminal.confirm_by_picture(name, of_first, "photo.jpg")
        for content, reason in (
            (photograph(_png("https://example.com")), "PICTURE_MALFORMED"),
            (photograph(_png("FS1:")), "PICTURE_MALFORMED"),
            (_blank(100, 100), "PICTURE_MALFORMED"),
            (_blank(10_000, 5_001), "FILE_UNUSABLE"),
            (taken[:2000], "FILE_UNUSABLE"),
            (b"", "FILE_UNUSABLE"),
            (b"<svg/>", "FILE_UNUSABLE"),
        ):
            with refused(reason):
                await terminal.confirm_by_picture(name, content, "photo.jpg")
        assert (await terminal.get(name)).wrong_codes == 0
        beside = _beside(_blank(300, 300, _png("https://example.com")), taken)
        done = await at_once.confirm_by_picture(name, beside, "photo.jpg", refreshing=True)
        assert done.state is TransactionState.EXECUTED


async def test_no_reader_of_pictures(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not installed."""
    async with shop.device(), Terminal.open(shop.home) as terminal:
        kept = await signed(terminal, shop.socket)
        monkeypatch.setitem(sys.modules, "zxingcpp", None)
        with refused("PICTURE_READER_MISSING"):
            await terminal.confirm_by_picture(kept.transaction_id, b"", "photo.jpg")


async def test_wrong_codes(shop: Shop) -> None:
    """Of another payment, made up, mistyped: three wrong ones are the end, and what is mistyped is none."""
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        first = await signed(terminal, shop.socket)
        of_first = await user.confirm()
        user.desk.put_away(user.desk.view.revision)
        name = (await signed(terminal, shop.socket)).transaction_id
        code = await user.confirm()
        with refused("CODE_MISTYPED"):
            await terminal.confirm(name, code[:-1])
        for left, wrong in (("2", of_first), ("1", made_up()), ("0", made_up())):
            with refused("CODE_WRONG", left=left):
                await terminal.confirm(name, wrong)
        with refused("TRANSACTION_CLOSED"):
            await terminal.confirm(name, code)
        assert (await terminal.confirm(first.transaction_id, of_first)).state is TransactionState.EXECUTED


async def test_what_devices_and_back_end_refuse(shop: Shop) -> None:
    """In their words; and nothing of it is kept as signed."""
    async with Terminal.open(shop.home) as terminal:
        kept = await terminal.prepare("alice", [RENT])
        name = kept.transaction_id
        with refused("DEVICE_NOT_NAMED"):
            await terminal.present(name, None)
        for socket in (shop.socket, Path("/"), Path("x" * 200), Path("relative.sock")):
            with refused("DEVICE_UNREACHABLE", device=str(socket)):
                await terminal.present(name, socket)
        async with shop.device() as user:
            bobs = await terminal.prepare("bob", [Transfer("bob", "alice", RENT.amount)])
            with refused("SIGNER_WRONG"):
                await terminal.present(bobs.transaction_id, shop.socket)
            await terminal.present(name, shop.socket)
            another = await terminal.prepare("alice", [RENT])
            with refused("DEVICE_BUSY"):
                await terminal.present(another.transaction_id, shop.socket)
            await user.desk.refuse(user.desk.view.revision)
        assert (await terminal.kept(another.transaction_id)).binding is None
        with refused("TRANSACTION_KIND_UNKNOWN"):
            await terminal.propose((await terminal.prepare("alice", [RENT], kind="loan")).transaction_id)
        with refused("PAYER_NOT_SIGNER"):
            stolen = await terminal.prepare("bob", [RENT])
            await terminal.propose(stolen.transaction_id)
        await terminal.propose(another.transaction_id)
        taken_back = await terminal.refuse(another.transaction_id)
        assert (taken_back.state, taken_back.cause) == (TransactionState.REJECTED, "REFUSED_BY_USER")
        for unknown in ("transaction-" + "0" * 32, "../identity", ""):
            with refused("TRANSACTION_NOT_FOUND"):
                await terminal.propose(unknown)
        for strange in ("transaction-" + "0" * 32, "nonsense"):
            with refused("TRANSACTION_NOT_FOUND"):
                await terminal.get(strange)


async def test_what_a_device_signed_is_of_this_payment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that signs another one is told at once, and nothing of it is kept."""
    async with shop.device() as user, Terminal.open(shop.home) as terminal:
        other = await signed(terminal, shop.socket)
        binding = (await terminal.kept(other.transaction_id)).binding
        kept = await terminal.prepare("alice", [RENT])

        async def lies(_: bytes) -> object:
            return binding

        monkeypatch.setattr(user.desk, "present", lies)
        with refused("BINDING_OF_OTHER_TRANSACTION"):
            await terminal.present(kept.transaction_id, shop.socket)
        assert (await terminal.kept(kept.transaction_id)).binding is None


async def test_enrolment_and_damage(shop: Shop, tmp_path: Path) -> None:
    """No identity, a ticket twice, files that were changed: each is told, and none ends in a fault."""
    home = Home(tmp_path / "till")
    with refused("NOT_ENROLLED"):
        async with Terminal.open(home):
            pass
    ticket = await asyncio.to_thread(shop.ticket, "second-till")
    identity, secret = await enrol_terminal(home, ticket)
    assert identity.agent_id == "second-till"
    assert TerminalStore(home).pending_enrolment() is None
    assert secret.to_text().replace(" ", "").encode() not in (home.folder / "identity.json").read_bytes()
    with refused("ENROLMENT_TOKEN_INVALID"):
        await enrol_terminal(home, ticket)  # with another key
    async with Terminal.open(home) as terminal:
        assert await terminal.all() == []
        kept, other = [await terminal.prepare("alice", [RENT]) for _ in range(2)]
        for path, content in (
            (home.transactions / f"{kept.transaction_id}.json", b"{}\n"),
            (home.transactions / f"{kept.transaction_id}.json", _file(home, other).read_bytes()),
            (
                home.transactions / f"{kept.transaction_id}.json",
                _file(home, kept).read_bytes().replace(b'": "', b'": "A'),
            ),
        ):
            path.write_bytes(content)
            with refused("STORE_DAMAGED"):
                await terminal.propose(kept.transaction_id)
    (home.folder / "identity.json").write_bytes(b"\xff")
    with refused("STORE_DAMAGED"):
        async with Terminal.open(home):
            pass


def _file(home: Home, kept: Kept) -> Path:
    return home.transactions / f"{kept.transaction_id}.json"


def _png(text: str) -> bytes:
    drawn = io.BytesIO()
    segno.make_qr(text).save(drawn, kind="png", scale=5, border=4)
    return drawn.getvalue()


def _blank(width: int, height: int, pasted: bytes = b"") -> bytes:
    drawn = io.BytesIO()
    image = Image.new("L", (width, height), 255)
    if pasted:
        with Image.open(io.BytesIO(pasted)) as picture:
            image.paste(picture.convert("L"), (20, 20))
    image.save(drawn, "PNG")
    return drawn.getvalue()


def _beside(left: bytes, right: bytes) -> bytes:
    drawn = io.BytesIO()
    with Image.open(io.BytesIO(left)) as one, Image.open(io.BytesIO(right)) as other:
        both = Image.new("L", (one.width + other.width, max(one.height, other.height)), 255)
        both.paste(one, (0, 0))
        both.paste(other, (one.width, 0))
    both.save(drawn, "PNG")
    return drawn.getvalue()
