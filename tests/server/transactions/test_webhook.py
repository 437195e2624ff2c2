"""The webhook: what a receiver can check, and what becomes of an order whatever it answers, or does not."""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import pytest
import standardwebhooks
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import WebhookVerificationError
from structlog.testing import capture_logs

from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer, transaction_id
from server.config import Settings
from server.errors import OperatorError
from server.transactions.executors import ExecutorMeans, make_executors
from server.transactions.executors.interface import Done, Executor, Impossible, Later, Order, Outcome
from server.transactions.executors.webhook import WebhookExecutor
from server.transactions.executors.webhook.answers import FIRST_WAIT, MAX_WAIT, judge_answer, wait_before
from server.webhook import Webhook, WebhookSecrets, read_webhook_secrets
from tests.architecture.source import ROOT
from tests.docs.pages import blocks
from tests.server.harness import MovableClock, silent_log
from tests.server.receiver import Receiver, Reply, receiving
from tests.wire.certificates import Authority
from wire.http_post import HttpAnswer

KEY: Final = b"0123456789abcdef0123456789abcdef"
OLDER: Final = b"fedcba9876543210fedcba98"
NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
TRANSACTION: Final = Transaction(
    back_end="bank",
    kind="transfer",
    signer="alice",
    transfers=(Transfer("alice", "bob", Amount("EUR", 123450)), Transfer("alice", "carol", Amount("JPY", 7))),
    text="Miete für Mai, 五月",
    request_id="rent-for-may-2026",
    create_time=NOW,
    end=NOW + timedelta(minutes=15),
)
ORDER: Final = Order(TRANSACTION, transaction_id(TRANSACTION.digest), 0)
NOT_ANSWERED: Final = "WEBHOOK_NOT_ANSWERED"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """One that runs."""
    with receiving(Receiver()) as running:
        yield running


def executor(receiver: Receiver, *keys: bytes, seconds: float = 20.0, authorities: str = "") -> WebhookExecutor:
    """Posts to it."""
    clock = MovableClock()
    signing = WebhookSecrets(keys or [KEY])
    webhook = Webhook(receiver.url, signing, clock, seconds=seconds, authorities=authorities)
    return WebhookExecutor(webhook, clock, secrets.token_bytes, silent_log())


async def outcome(made: WebhookExecutor, order: Order = ORDER) -> Outcome:
    """What becomes of an order; the webhook does nothing in the database."""
    settle = await made.execute(order)
    return settle(None)  # type: ignore[arg-type]


async def answered(receiver: Receiver, reply: Reply, seconds: float = 20.0) -> Outcome:
    """What becomes of it, if that is answered."""
    receiver.replies = [reply]
    return await outcome(executor(receiver, seconds=seconds))


async def test_what_is_posted(receiver: Receiver) -> None:
    """All of the transaction, signed by each secret, as the authors of the specification verify it."""
    await outcome(executor(receiver, KEY, OLDER))
    delivery = receiver.deliveries[-1]
    for key in (KEY, OLDER):
        assert standardwebhooks.Webhook(key).verify(delivery.content, delivery.headers) == {
            "type": "transaction.confirmed",
            "data": {
                "id": ORDER.key,
                "state": "confirmed",
                "digest": TRANSACTION.digest.hex(),
                "back_end": "bank",
                "kind": "transfer",
                "signer": "alice",
                "transfers": [
                    {"payer": "alice", "payee": "bob", "currency": "EUR", "decimals": 2, "units": 123450},
                    {"payer": "alice", "payee": "carol", "currency": "JPY", "decimals": 0, "units": 7},
                ],
                "text": "Miete für Mai, 五月",
                "request_id": "rent-for-may-2026",
                "create_time": "2026-11-29T12:00:00Z",
                "end": "2026-11-29T12:15:00Z",
            },
        }
    assert delivery.headers["webhook-id"] == ORDER.key
    assert delivery.headers["Content-Type"] == "application/json"
    assert delivery.path == "/orders?from=fourseal"
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        standardwebhooks.Webhook(secrets.token_bytes(32)).verify(delivery.content, delivery.headers)


def test_the_example_of_the_specification() -> None:
    """That its libraries are tested with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = WebhookSecrets([key]).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_altered_and_old_deliveries_are_refused(receiver: Receiver) -> None:
    """By the verifier: a byte of the content, another name, another time; and what is repeated later."""
    await outcome(executor(receiver))
    delivery, verifier = receiver.deliveries[-1], standardwebhooks.Webhook(KEY)
    verifier.verify(delivery.content, delivery.headers)
    assert b"123450" in delivery.content
    later = str(int(delivery.headers["webhook-timestamp"]) + 1)
    altered = [
        (delivery.content.replace(b"123450", b"923450"), {}),
        (delivery.content, {"webhook-id": "transaction-" + "0" * 32}),
        (delivery.content, {"webhook-timestamp": later}),
    ]
    for content, headers in altered:
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verifier.verify(content, delivery.headers | headers)
    made = executor(receiver)
    made._webhook._clock = lambda: datetime.now(UTC) - timedelta(minutes=6)
    await outcome(made)
    old = receiver.deliveries[-1]
    with pytest.raises(WebhookVerificationError, match="too old"):
        verifier.verify(old.content, old.headers)


async def test_it_is_posted_again_as_it_was(receiver: Receiver) -> None:
    """With its name and its words: only the time is another."""
    made = executor(receiver)
    made._webhook._clock = lambda: NOW
    await outcome(made)
    await outcome(made, replace(ORDER, attempt=3))
    first, second = receiver.deliveries[-2:]
    assert first == second


@pytest.mark.parametrize(
    ("content", "reference"),
    [
        (b"", ORDER.key),
        (b'{"reference": "booking-7"}', "booking-7"),
        (b'{"reference": "' + b"x" * 128 + b'"}', "x" * 128),
        (b'{"reference": "' + b"x" * 129 + b'"}', ORDER.key),
        (b'{"reference": "two words"}', ORDER.key),
        (b'{"reference": "line\\n"}', ORDER.key),
        ('{"reference": "Büro"}'.encode(), ORDER.key),
        (b'{"reference": ""}', ORDER.key),
        (b'{"reference": 7}', ORDER.key),
        (b'["reference"]', ORDER.key),
        (b"\xff\xfe", ORDER.key),
        (b"[" * 60_000, ORDER.key),
        (b'{"reference": ' + b"9" * 5000 + b"}", ORDER.key),
    ],
)
async def test_done(receiver: Receiver, content: bytes, reference: str) -> None:
    """With the receiver's reference if it can be printed, or else by the order's own name."""
    assert await answered(receiver, Reply(201, content)) == Done(reference)


@pytest.mark.parametrize("status", [400, 402, 410, 413, 422, 451, 499])
async def test_impossible(receiver: Receiver, status: int) -> None:
    """Refused for good."""
    assert await answered(receiver, Reply(status)) == Impossible(f"WEBHOOK_STATUS_{status}")


@pytest.mark.parametrize("status", [300, 304, 401, 403, 404, 405, 407, 408, 409, 421, 425, 429, 500, 502, 503, 999])
async def test_later(receiver: Receiver, status: int) -> None:
    """Whatever says nothing of the transaction: it may have been done before."""
    later = await answered(receiver, Reply(status))
    assert isinstance(later, Later)
    assert later.cause == f"WEBHOOK_STATUS_{status}"
    assert FIRST_WAIT / 2 <= later.after <= FIRST_WAIT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    """Nobody else gets it."""
    with receiving(Receiver()) as other:
        later = await answered(receiver, Reply(status, headers={"Location": other.url}))
    assert isinstance(later, Later)
    assert (later.cause, other.deliveries) == (f"WEBHOOK_STATUS_{status}", [])


SPOILT: Final = {
    "closed": Reply(0),
    "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
    "cut off": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
    "chunks cut off": Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    "endless head": Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000),
    "another protocol": Reply(raw=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
    "only to be continued": Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_what_is_no_answer(receiver: Receiver, how: str) -> None:
    """Nobody knows whether it was taken."""
    later = await answered(receiver, SPOILT[how])
    assert isinstance(later, Later)
    assert later.cause == NOT_ANSWERED


async def test_an_endless_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    """Its head says that it is done."""
    assert await answered(receiver, Reply(200, endless=True)) == Done(ORDER.key)


async def test_slow_answers_are_not_waited_for(receiver: Receiver) -> None:
    """All of it has a time."""
    hold = threading.Event()
    try:
        later = await answered(receiver, Reply(hold=hold), seconds=0.2)
    finally:
        hold.set()
    assert isinstance(later, Later)
    assert later.cause == NOT_ANSWERED


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("999999999", MAX_WAIT),
        ("9" * 400, timedelta(0)),
        ("-5", timedelta(0)),
        ("soon", timedelta(0)),
        (format_datetime(NOW + timedelta(minutes=7), usegmt=True), timedelta(minutes=7)),
        (format_datetime(NOW - timedelta(days=7), usegmt=True), timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
        ("Mon, 01 Jan 0001 00:00:00 -0000", timedelta(0)),
    ],
)
def test_retry_after(text: str, wait: timedelta) -> None:
    """Not before the receiver asks for it, within bounds; and never sooner than without it."""
    answer = HttpAnswer(429, {"retry-after": text}, b"")
    later = judge_answer(answer, ORDER.key, 0, bytes, NOW)
    assert later == Later(max(wait, FIRST_WAIT / 2), "WEBHOOK_STATUS_429")


@given(text=st.text(st.characters(codec="latin-1")) | st.from_regex(r"\d+ Jan \d+ \d+:\d+:\d+ [+-]\d+"))
def test_retry_after_of_whatever_form(text: str) -> None:
    """Nothing of a header is an error."""
    later = judge_answer(HttpAnswer(503, {"retry-after": text}, b""), ORDER.key, 0, bytes, NOW)
    assert isinstance(later, Later)
    assert FIRST_WAIT / 2 <= later.after <= MAX_WAIT


@given(attempt=st.integers(0, 10**6), chance=st.binary(min_size=4, max_size=4))
def test_waits_grow_and_have_a_bound(attempt: int, chance: bytes) -> None:
    """Twice as long each time, half to all of it at random, an hour at most."""
    whole = min(2.0 ** min(attempt, 100) * 2, 3600)
    wait = wait_before(attempt, lambda _: chance).total_seconds()
    assert whole / 2 <= wait <= whole
    assert wait_before(attempt, lambda _: b"\0" * 4).total_seconds() == whole / 2


async def test_tls(tmp_path: Path) -> None:
    """By a certificate of the authorities that were configured, for the URL's host; nobody else gets anything."""
    authority, stranger = Authority("Receivers"), Authority("Strangers")
    for each in (authority, stranger):
        (tmp_path / each.name).write_bytes(each.certificate)
    own = authority.identity("localhost")
    (tmp_path / "own").write_bytes(own.key + own.chain)
    cases = [
        ("localhost", str(tmp_path / authority.name), True),
        ("localhost", str(tmp_path / stranger.name), False),
        ("localhost", "", False),  # the system's authorities
        ("127.0.0.1", str(tmp_path / authority.name), False),  # not whom the certificate names
    ]
    for host, authorities, trusted in cases:
        with receiving(Receiver(), certificate=tmp_path / "own", host=host) as receiver:
            found = await outcome(executor(receiver, authorities=authorities))
        assert isinstance(found, Done) == trusted
        assert len(receiver.deliveries) == trusted


async def test_no_proxy_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    with receiving(Receiver()) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(await outcome(executor(receiver)), Done)
        assert proxy.deliveries == []


async def test_nothing_of_a_secret_is_logged() -> None:
    """Nor shown, whatever goes wrong."""
    gone = Receiver()
    with receiving(gone):
        made = executor(gone)
    with capture_logs() as logs:
        made._log = structlog.get_logger()
        assert isinstance(await outcome(made), Later)
    assert [each["event"] for each in logs] == ["webhook_not_answered"]
    assert "refused" in logs[0]["cause"] or "Connect call failed" in logs[0]["cause"]
    shown = repr((logs, made._webhook._secrets, json.dumps(str(vars(made)))))
    assert KEY.decode() not in shown


@pytest.mark.parametrize(
    "url",
    [
        *("http://pay.example/", "http://10.0.0.1/", "http://[::2]/", "http://127.0.0.1.example/", "ftp://localhost/"),
        *(
            "https://",
            "https:///orders",
            "https://user:word@pay.example/",
            "https://pay.example:0/",
            "http://[::1",
            "x",
        ),
        *("https://pay.example/a b", "https://pay.example/\r\nHost: x", "https://bücher.example/", ""),
    ],
)
def test_urls_that_cannot_be_used(url: str) -> None:
    """In the clear it leaves this machine for nobody."""
    with pytest.raises(OperatorError, match="URL cannot be used"):
        Webhook(url, WebhookSecrets([KEY]), MovableClock())


def _line(length: int) -> bytes:
    return b"whsec_" + base64.b64encode(bytes(range(length))) + b"\n"


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (_line(24), 1),
        (_line(64), 1),
        (_line(32) + b"\n" + _line(24), 2),
        (_line(32) * 4, 4),
        (_line(32) * 5, 0),
        (_line(23), 0),
        (_line(65), 0),
        (_line(32) + _line(23), 0),
        (b"", 0),
        (_line(32)[6:], 0),
        (_line(32)[:-3], 0),
        (b"whsec_" + b"*" * 44, 0),
        (b"\xff" * 60, 0),
        (_line(32) * 2000, 0),
    ],
)
def test_secrets_of_a_file(tmp_path: Path, content: bytes, count: int) -> None:
    """One, or several while they are changed; what is none is refused, and not quoted."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    if count:
        assert repr(read_webhook_secrets(path)) == f"<WebhookSecrets keys={count} redacted>"
        return
    with pytest.raises(OperatorError) as refused:
        read_webhook_secrets(path)
    assert not re.search(r"[A-Za-z0-9+/*]{20}", str(refused.value).replace(str(path), ""))


def test_a_secret_is_its_owners_alone(tmp_path: Path) -> None:
    """Like every file with a secret."""
    path = tmp_path / "secret"
    with pytest.raises(OperatorError, match="cannot be read"):
        read_webhook_secrets(path)
    path.write_bytes(_line(32))
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(OperatorError, match="open to others"):
            read_webhook_secrets(path)


def test_what_has_to_be_configured(tmp_path: Path) -> None:
    """A URL, a file, and authorities that are some; it is said before anything is taken."""
    (tmp_path / "secret").write_bytes(_line(32))
    (tmp_path / "secret").chmod(0o600)
    given: dict[str, object] = {
        "transaction_executors": ["transfer=webhook"],
        "transaction_webhook_url": "https://pay.example/orders",
        "transaction_webhook_secret_file": str(tmp_path / "secret"),
    }
    assert isinstance(made(given)["transfer"], WebhookExecutor)
    for name in ("transaction_webhook_url", "transaction_webhook_secret_file"):
        with pytest.raises(ValidationError, match="the executor webhook needs"):
            made(given | {name: ""})
    for name in ("secret", "missing"):
        with pytest.raises(OperatorError, match="authorities of the webhook's receiver"):
            made(given | {"transaction_webhook_authority_file": str(tmp_path / name)})


def made(settings: dict[str, object]) -> dict[str, Executor]:
    """The executors of a configuration."""
    read = Settings(**settings)  # type: ignore[arg-type]  # pydantic checks them
    return make_executors(ExecutorMeans(read, MovableClock(), secrets.token_bytes, silent_log()))


async def test_the_recipe_of_the_page(receiver: Receiver) -> None:
    """What a receiver is told to do takes what is posted, by any of its secrets, and nothing else."""
    recipe = next(each for each in blocks(ROOT / "docs/transactions.md") if "def is_genuine" in each.text)
    names: dict[str, Any] = {}
    exec(recipe.text, names)  # noqa: S102  # our own page
    is_genuine = names["is_genuine"]
    texts = ["whsec_" + base64.b64encode(each).decode() for each in (KEY, OLDER)]
    await outcome(executor(receiver, OLDER))
    delivery = receiver.deliveries[-1]
    headers, content = delivery.headers, delivery.content
    assert is_genuine(texts, headers, content)
    seconds = int(headers["webhook-timestamp"])
    assert is_genuine(texts, headers, content, now=seconds + 300)
    assert not is_genuine(texts, headers, content, now=seconds + 301)
    assert not is_genuine(texts, headers, content, now=seconds - 301)
    assert not is_genuine(texts[:1], headers, content)
    for place in range(0, len(content), 50):
        altered = bytearray(content)
        altered[place] ^= 1
        assert not is_genuine(texts, headers, bytes(altered))
    for name, value in (("webhook-id", "another"), ("webhook-timestamp", str(seconds + 1)), ("webhook-timestamp", "x")):
        assert not is_genuine(texts, headers | {name: value}, content)
