"""The page against those who speak HTTP: without the token, as another origin, too slowly, too much, too late."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urlsplit

import pytest

from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transaction, transaction_id
from signer_agent.signing_device.page import face, open_page
from signer_agent.signing_device.page.asked import MAX_CONTENT
from tests.contract.transactions.examples import TRANSACTION
from tests.signer_agent.refusals import refused
from tests.signer_agent.signing_device.desks import PIN, another, new_table
from tests.signer_agent.signing_device.page_user import Served, served
from wire import http

CODE = re.compile(rb"[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}")
ACTIONS = ("view", "forward", "back", "confirm", "refuse", "hand-over", "put-away", "code")


async def ready_to_confirm(page: Served, transaction: Transaction = TRANSACTION) -> int:
    """A transaction was read to its end; returns the revision."""
    await page.table.present(transaction)
    page.table.read()
    return page.table.revision


def nothing_was_done(page: Served, revision: int) -> None:
    """The transaction is read still."""
    assert page.table.revision == revision
    assert page.table.stage == "reading"


async def test_a_transaction_is_confirmed() -> None:
    """Its code is told to nobody but who asks for it, after it was confirmed, and until it was used."""
    async with served() as page:
        table = page.table
        binding = await table.present()
        shown = (await page.act("view", -1)).told
        assert (shown["stage"], shown["number"], shown["account"]) == ("reading", 1, "alice")
        lines = shown["lines"]
        while shown["number"] < shown["count"]:
            early = await page.act("confirm", shown["revision"])
            assert (early.status, list(early.told)) == (409, ["problem"])
            assert (await page.act("code", shown["revision"])).status == 409
            shown = (await page.act("forward", shown["revision"])).told
            lines += shown["lines"]
        assert ["label", "Transfer 1 of 2:"] in lines
        assert ["value", "  1 234.50 EUR"] in lines
        assert ["text", "> Rent for May"] in lines
        confirmed = await page.act("confirm", shown["revision"])
        assert (confirmed.told["stage"], confirmed.told["lines"], confirmed.told["seconds_left"]) == ("showing", [], 60)
        assert not CODE.search(confirmed.content)
        told = await page.act("code", confirmed.told["revision"])
        assert told.told["code"] == table.desk.code(table.revision).to_secret_groups()
        assert table.office.opens(TRANSACTION, binding, table.desk.code(table.revision))
        table.office.states[transaction_id(TRANSACTION.digest)] = TransactionState.EXECUTED
        await table.desk.look_at_back_end()
        after = await page.act("code", confirmed.told["revision"])
        assert (after.status, CODE.search(after.content)) == (409, None)
        ended = (await page.act("view", confirmed.told["revision"])).told
        assert (ended["stage"], ended["ending"]) == ("waiting", "used")
        assert page.log.getvalue() == ""


async def test_who_has_not_the_token_finds_nothing() -> None:
    """Neither page nor action, nor whether there is one: to whatever is asked the answer is the same."""
    async with served() as page:
        revision = await ready_to_confirm(page)
        content = json.dumps({"revision": revision}).encode()
        assert len(page.token) == 22, "128 bits"
        wrong = ["", page.token[:-1], page.token + "A", page.token.swapcase(), "A" * 22, "%00", "../" + page.token]
        answers = [
            await page.ask(method, f"/{token}/{name}", content if method == "POST" else b"")
            for token in wrong
            for method, name in (("GET", ""), ("GET", "page.js"), ("POST", "confirm"), ("POST", "view"), ("PUT", "x"))
        ]
        answers += [await page.ask("GET", each) for each in ("/", "*", "/favicon.ico", page.path.rstrip("/") + "x")]
        assert {(each.status, each.content, tuple(each.headers.items())) for each in answers} == {
            (404, b"", tuple(answers[0].headers.items()))
        }
        nothing_was_done(page, revision)


@pytest.mark.parametrize("host", ["rebound.example", "localhost", "127.0.0.1", "127.1", None])
async def test_another_name_for_this_machine_is_refused(host: str | None) -> None:
    """A stranger's name that was made to point here would make his page ours: DNS rebinding."""
    async with served() as page:
        revision = await ready_to_confirm(page)
        port = page.host.partition(":")[2]
        name = None if host is None else host if host == "127.0.0.1" else f"{host}:{port}"
        origin = f"http://{name}"
        content = json.dumps({"revision": revision}).encode()
        wanted = 400 if host is None else 421
        assert (await page.ask("GET", page.path, Host=name)).status == wanted
        assert (await page.ask("POST", page.path + "confirm", content, Host=name, Origin=origin)).status == wanted
        nothing_was_done(page, revision)
        old = await page.send(f"GET {page.path} HTTP/1.0\r\n\r\n".encode())
        assert old is not None
        assert old.status == 421


@pytest.mark.parametrize("action", ACTIONS)
async def test_another_origin_is_refused(action: str) -> None:
    """Also one that knows the token; and so is what a form of another page could send without asking first."""
    async with served() as page:
        revision = await ready_to_confirm(page)
        content = json.dumps({"revision": revision}).encode()
        port = page.host.partition(":")[2]
        strangers = [None, "null", "http://127.0.0.1", f"http://localhost:{port}", f"https://{page.host}", page.url]
        for origin in [*strangers, f"{page.origin}, {page.origin}"]:
            assert (await page.ask("POST", page.path + action, content, Origin=origin)).status == 403
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            assert (await page.ask("POST", page.path + action, content, Content_Type=kind)).status == 415
        assert (await page.ask("GET", page.path + action)).status == 404
        assert (await page.ask("OPTIONS", page.path + action)).status == 405
        nothing_was_done(page, revision)


async def test_no_answer_may_be_kept_framed_or_scripted_by_others() -> None:
    """Whatever it says."""
    async with served() as page:
        await ready_to_confirm(page)
        answers = [await page.ask("GET", page.path + name) for name in ("", "page.js", "page.css", "icon.svg", "x")]
        answers += [await page.act("view", -1), await page.act("confirm", -1), await page.act("unknown", -1)]
        answers += [await page.ask("GET", "/"), await page.ask("GET", page.path, Host="other.example")]
        answers += [await page.ask("POST", page.path + "view", b"{", Origin=page.origin)]
        assert [each.status for each in answers] == [200, 200, 200, 200, 404, 200, 409, 404, 404, 421, 400]
        for each in answers:
            policy = dict(part.split(" ", 1) for part in each.headers["content-security-policy"].split("; "))
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
            assert policy["form-action"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
            assert each.headers["cache-control"] == "no-store"
            assert each.headers["referrer-policy"] == "no-referrer"
            assert each.headers["x-content-type-options"] == "nosniff"
            assert each.headers["cross-origin-resource-policy"] == "same-origin"
            assert not any(name.startswith("access-control") for name in each.headers)
        page_itself = answers[0].content.decode()
        assert not re.search(r"<script(?! src=)|\son\w+=|style=|javascript:|https?:|//", page_itself)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"null",
        b"{}",
        b'{"revision": true}',
        b'{"revision": 1.0}',
        b'{"revision": "1"}',
        b'{"revision": 1, "pin": null}',
        b'{"revision": 1, "more": 1}',
        b'{"revision": ' + b"9" * 5000 + b"}",
        b"[" * MAX_CONTENT,
        b'{"revision": ' * 600,
    ],
)
async def test_malformed_content_is_refused(content: bytes) -> None:
    """And breaks nothing."""
    async with served() as page:
        revision = await ready_to_confirm(page)
        for action in ("confirm", "view"):
            answer = await page.ask("POST", page.path + action, content)
            assert (answer.status, answer.content) == (400, b"")
        nothing_was_done(page, revision)
        assert page.log.getvalue() == ""


async def test_too_much_is_refused_before_it_is_read() -> None:
    """Content, path, or headers."""
    async with served() as page:
        revision = await ready_to_confirm(page)
        long = json.dumps({"revision": revision, "pin": "x" * MAX_CONTENT}).encode()
        assert (await page.ask("POST", page.path + "confirm", long)).status == 413
        assert (await page.ask("GET", page.path, Cookie="x" * 40_000)).status == 431
        assert (await page.ask("GET", page.path + "x" * 40_000)).status == 431
        nothing_was_done(page, revision)


async def test_slow_strangers_do_not_keep_the_user_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may take every place: who comes gets the slowest one's."""
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 4)
    async with served() as page:
        revision = await ready_to_confirm(page)
        lines = [await page.connect() for _ in range(8)]
        for _, writer in lines:
            writer.write(f"POST {page.path}confirm HTTP/1.1\r\nHost: {page.host}\r\nContent-Length: 9\r\n\r\n".encode())
        assert (await page.act("confirm", revision)).told["stage"] == "showing"
        for _, writer in lines:
            writer.transport.abort()


async def test_nobody_confirms_another_transaction_than_was_shown() -> None:
    """Neither by what is old, nor when the other one was read to its end meanwhile."""
    async with served() as page:
        old = await ready_to_confirm(page)
        assert (await page.act("refuse", old)).told["ending"] == "refused"
        new = await ready_to_confirm(page, another(1))
        for action in ACTIONS[1:]:
            answer = await page.act(action, old)
            assert (answer.status, list(answer.told)) == (409, ["problem"])
            assert "shows something else" in answer.told["problem"]
        nothing_was_done(page, new)
        assert page.table.desk.view.transaction == another(1).digest


async def test_a_wrong_pin_shows_no_code() -> None:
    """The right one does; none is told again, nor written down."""
    async with served(new_table(asks_pin=True, size=face.SIZE)) as page:
        revision = await ready_to_confirm(page)
        for pin in ({}, {"pin": ""}, {"pin": "0000"}, {"pin": PIN + "\x00"}):
            answer = await page.act("confirm", revision, **pin)
            assert (answer.status, PIN in answer.content.decode()) == (409, False)
        nothing_was_done(page, revision)
        assert (await page.act("confirm", revision, pin=PIN)).told["stage"] == "showing"
        assert page.log.getvalue() == ""


async def test_what_was_begun_ends_without_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key store that takes longer than a request may is no reason to forget that the user confirmed."""
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.05)
    table, may_go_on = new_table(asks_pin=True, size=face.SIZE), asyncio.Event()
    monkeypatch.setattr(table.office, "check_pin", lambda _: may_go_on.wait())
    async with served(table) as page:
        revision = await ready_to_confirm(page)
        request = f"POST {page.path}confirm HTTP/1.1\r\nHost: {page.host}\r\nOrigin: {page.origin}\r\n"
        request += "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
        content = json.dumps({"revision": revision}).encode().ljust(20)
        assert await page.send(request.encode() + content) is None
        nothing_was_done(page, revision)
        may_go_on.set()
        async with asyncio.timeout(10):
            assert (await table.desk.changed(revision)).stage == "showing"


async def test_a_page_hears_of_a_change_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And after a while that there was none."""
    async with served() as page:
        waiting = asyncio.create_task(page.act("view", page.table.revision))
        reader, writer = await page.connect()  # a later one: the first one waits by the time that this is answered
        writer.write(f"GET {page.path} HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode())
        await reader.readuntil(b"</html>")
        assert not waiting.done()
        await page.table.desk.present(TRANSACTION.to_der())
        assert (await waiting).told["stage"] == "reading"
        monkeypatch.setattr(face, "LONGEST_WAIT_SECONDS", 0.0)
        assert (await page.act("view", page.table.revision)).told["revision"] == page.table.revision
        writer.close()


async def test_a_fault_is_told_without_the_token() -> None:
    """The log says that there was one; whoever asks is told nothing."""
    async with served() as page:
        page.table.desk._case = page  # type: ignore[assignment]
        answer = await page.act("view", -1)
        assert (answer.status, answer.content) == (500, b"")
        assert "http_failed" in page.log.getvalue()
        assert page.token not in page.log.getvalue()


async def test_only_this_machine_is_listened_to() -> None:
    """At a free port, or the one that is named, where nothing else is."""
    async with served() as page:
        port = urlsplit(page.url).port
        assert port is not None
        assert page.host == f"127.0.0.1:{port}"
        with pytest.raises(ConnectionRefusedError):  # another address of this machine
            await asyncio.open_connection("127.0.0.2", port)
        with refused("PAGE_PORT_TAKEN"):
            async with open_page(page.table.desk, "alice", port, None):  # type: ignore[arg-type]
                pass
