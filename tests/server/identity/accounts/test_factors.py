"""Second factors: registered, repeated, confirmed, added, removed; text messages; security keys."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
import standardwebhooks
from fourseal.v1 import account_pb2

from server.identity import FileSms, WebhookSms
from server.identity.accounts import registration
from server.identity.factors.sms import MessageNotSent
from server.root.application import Server
from server.root.home import Home
from server.webhook import Webhook, WebhookSecrets
from tests.server.harness import Client, MovableClock, call, query
from tests.server.identity.accounts.people import Authenticator, Person, pb
from tests.server.identity.accounts.security_key import SecurityKey
from tests.server.receiver import Receiver, Reply, receiving
from wire.ids import new_request_id
from wire.status import RemoteError

NUMBER = "+15550100"
SMS = pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_SMS, phone_number=NUMBER)
SECURITY_KEY = pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_WEBAUTHN, hint="blue key")
WRONG = "wrong password"
KEY = b"0123456789abcdef0123456789abcdef"


async def reason_of(attempt: object) -> str:
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await attempt  # type: ignore[misc]  # a coroutine
    return refused.value.reason


async def register(person: Person, request: pb.RegisterAccountRequest) -> pb.RegisterAccountResponse:
    """Register."""
    made = await call(person.accounts.RegisterAccount, request)
    person.factor_id = made.setup.factor.factor_id
    return made


def sent_code(messages: Path) -> str:
    """The code in the last message."""
    message = json.loads(messages.read_text().splitlines()[-1])
    assert message["to"] == NUMBER
    code: str = message["text"].split()[0]
    return code


def mode_of(path: Path) -> int:
    """Who may use a file."""
    return path.stat().st_mode


@pytest.fixture
def bob(laptop: Client, clock: MovableClock) -> Person:
    """Bob has not registered."""
    return Person("bob", laptop, clock)


async def test_repeat_of_a_registration_has_the_same_setup_until_it_is_confirmed(
    bob: Person, account_home: Home
) -> None:
    """With the same password: with another it is another request; and no secret is shown after confirmation."""
    request = bob.registration()
    first = await register(bob, request)
    assert first.setup.totp_uri.startswith("otpauth://totp/Fourseal:bob?secret=")
    assert await register(bob, request) == first
    ((kept,),) = query(account_home, "SELECT body_sha256 FROM operations")
    assert kept != hashlib.sha256(request.SerializeToString(deterministic=True)).digest()  # no fast hash of a password
    request.password = "another good password"  # noqa: S105
    assert await reason_of(register(bob, request)) == "REQUEST_ID_REUSED"
    request.password = bob.password
    assert await reason_of(register(bob, bob.registration())) == "ACCOUNT_EXISTS"
    bob.app = Authenticator(first.setup.totp_uri, bob.clock)
    confirmation = bob.confirmation(bob.app.code())
    for _ in range(2):
        confirmed = await call(bob.accounts.ConfirmSecondFactor, confirmation)
        assert confirmed.account.state == account_pb2.ACCOUNT_STATE_ACTIVE
    assert not (await register(bob, request)).setup.totp_uri


async def test_nobody_logs_in_before_the_factor_is_confirmed(bob: Person) -> None:
    """The password alone is as good as a wrong one."""
    await register(bob, bob.registration())
    assert await reason_of(bob.begin()) == "LOGIN_FAILED"
    assert await reason_of(call(bob.accounts.ConfirmSecondFactor, bob.confirmation("000000"))) == "LOGIN_FAILED"
    bob.factor_id = "a" * 16
    assert await reason_of(call(bob.accounts.ConfirmSecondFactor, bob.confirmation("000000"))) == "FACTOR_NOT_FOUND"


WRONG_REGISTRATIONS: tuple[tuple[dict[str, object], str], ...] = (
    ({"name": "Bob"}, "ACCOUNT_NAME_MALFORMED"),
    ({"name": "b" * 64}, "ACCOUNT_NAME_MALFORMED"),
    ({"display_name": ""}, "DISPLAY_NAME_MALFORMED"),
    ({"display_name": "署" * 22}, "DISPLAY_NAME_MALFORMED"),
    ({"password": "short"}, "PASSWORD_UNSUITABLE"),
    ({"request_id": ""}, "REQUEST_ID_MALFORMED"),
    ({"second_factor": pb.NewSecondFactor()}, "FIELD_INVALID"),
    ({"second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_SMS)}, "FIELD_INVALID"),
    (
        {"second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_SMS, phone_number="0123")},
        "FIELD_INVALID",
    ),
    (
        {"second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP, phone_number=NUMBER)},
        "FIELD_INVALID",
    ),
    (
        {"second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP, hint="x" * 65)},
        "FIELD_INVALID",
    ),
    ({"second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP, hint="a\nb")}, "FIELD_INVALID"),
)


async def test_wrong_registrations(bob: Person) -> None:
    """Each is refused with its reason."""
    for changed, reason in WRONG_REGISTRATIONS:
        assert await reason_of(register(bob, bob.registration(**changed))) == reason, changed


async def test_unconfirmed_accounts_are_bounded_and_dropped(
    bob: Person, account_server: Server, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One agent cannot take all names; what is abandoned is free again after a day."""
    monkeypatch.setattr(registration, "MOST_AWAITING", 2)
    for number in range(2):
        await register(bob, bob.registration(name=f"bob{number}"))
    assert await reason_of(register(bob, bob.registration())) == "TOO_MANY_REGISTRATIONS"
    clock.move(timedelta(days=1, seconds=1))
    await account_server._keep_house_once()
    await register(bob, bob.registration(name="bob0"))


async def test_factors_are_added_and_removed(logged_in: Person) -> None:
    """With the password; a new one works after confirmation; the last one stays."""
    wish = pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP, hint="tablet")
    request = pb.AddSecondFactorRequest(request_id=new_request_id(), password=WRONG, second_factor=wish)
    assert await reason_of(logged_in.call(logged_in.accounts.AddSecondFactor, request)) == "LOGIN_FAILED"
    request.password = logged_in.password
    added = (await logged_in.call(logged_in.accounts.AddSecondFactor, request)).setup
    first_id, first_app = logged_in.factor_id, logged_in.app
    logged_in.factor_id = added.factor.factor_id
    logged_in.app = Authenticator(added.totp_uri, logged_in.clock)
    early = logged_in.finish(await logged_in.begin(), logged_in.app.code())
    assert await reason_of(early) == "LOGIN_FAILED"
    await call(logged_in.accounts.ConfirmSecondFactor, logged_in.confirmation(logged_in.app.code()))
    await logged_in.log_in()
    remove = pb.RemoveSecondFactorRequest(password=logged_in.password, factor_id=first_id)
    for _ in range(2):
        left = (await logged_in.call(logged_in.accounts.RemoveSecondFactor, remove)).account.second_factors
        assert [factor.hint for factor in left] == ["tablet"]
    remove.factor_id = logged_in.factor_id
    assert await reason_of(logged_in.call(logged_in.accounts.RemoveSecondFactor, remove)) == "LAST_FACTOR"
    assert first_app is not None
    logged_in.factor_id = first_id
    assert await reason_of(logged_in.finish(await logged_in.begin(), first_app.code())) == "LOGIN_FAILED"


async def test_text_messages(bob: Person, messages: Path, clock: MovableClock) -> None:
    """Registered and logged in by codes: each once, for what it was sent for, five minutes, once a minute."""
    made = await register(bob, bob.registration(second_factor=SMS))
    assert made.setup.factor.hint == "•" * 7 + "00"
    confirmation = sent_code(messages)
    assert await reason_of(call(bob.accounts.ConfirmSecondFactor, bob.confirmation("x"))) == "LOGIN_FAILED"
    await call(bob.accounts.ConfirmSecondFactor, bob.confirmation(confirmation))
    assert mode_of(messages) & 0o077 == 0
    clock.move(timedelta(minutes=1))
    challenge, other = await bob.begin(), await bob.begin()
    send = pb.SendLoginCodeRequest(challenge=challenge, factor_id=bob.factor_id)
    await call(bob.accounts.SendLoginCode, send)
    code = sent_code(messages)
    assert await reason_of(call(bob.accounts.SendLoginCode, send)) == "CODE_SENT_RECENTLY"
    assert await reason_of(bob.finish(other, code)) == "LOGIN_FAILED"
    attempts = [bob.finish(challenge, code) for _ in range(3)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in outcomes) == 1
    clock.move(timedelta(minutes=1))
    await call(bob.accounts.SendLoginCode, pb.SendLoginCodeRequest(challenge=other, factor_id=bob.factor_id))
    clock.move(timedelta(minutes=5))
    assert await reason_of(bob.finish(other, sent_code(messages))) == "LOGIN_FAILED"
    send.factor_id = "a" * 16
    send.challenge = await bob.begin()
    assert await reason_of(call(bob.accounts.SendLoginCode, send)) == "FACTOR_NOT_FOUND"


async def test_code_that_was_guessed_at_five_times_is_dead(bob: Person, messages: Path, clock: MovableClock) -> None:
    """Even where the lock has ended by then."""
    await register(bob, bob.registration(second_factor=SMS))
    code = sent_code(messages)
    for _ in range(5):
        assert await reason_of(call(bob.accounts.ConfirmSecondFactor, bob.confirmation("x"))) == "LOGIN_FAILED"
    clock.move(timedelta(seconds=31))
    assert await reason_of(call(bob.accounts.ConfirmSecondFactor, bob.confirmation(code))) == "LOGIN_FAILED"


async def finish_with_key(person: Person, key: SecurityKey, **spoilt: object) -> pb.FinishLoginResponse:
    """A login by a security key; ``spoilt`` changes the device for this once."""
    request = pb.BeginLoginRequest(name=person.name, password=person.password)
    begun = await call(person.accounts.BeginLogin, request)
    kept = {name: getattr(key, name) for name in spoilt}
    for name, value in spoilt.items():
        setattr(key, name, value)
    response = key.authenticate(begun.webauthn_options_json)
    for name, value in kept.items():
        setattr(key, name, value)
    finish = pb.FinishLoginRequest(
        challenge=begun.challenge, factor_id=person.factor_id, webauthn_response_json=response
    )
    return await call(person.accounts.FinishLogin, finish)


@pytest.mark.parametrize("packed", [False, True])
async def test_security_key(bob: Person, *, packed: bool) -> None:
    """Registered and logged in with; a copy whose counter stands still is refused."""
    key = SecurityKey(packed=packed)
    made = await register(bob, bob.registration(second_factor=SECURITY_KEY))
    response = key.register(made.setup.webauthn_options_json)
    confirmation = bob.confirmation("")
    for wrong in ("", "{}", "[" * 5000, "x" * 40000):
        confirmation.webauthn_response_json = wrong
        assert await reason_of(call(bob.accounts.ConfirmSecondFactor, confirmation)) == "LOGIN_FAILED"
    confirmation.webauthn_response_json = response
    await call(bob.accounts.ConfirmSecondFactor, confirmation)
    assert (await finish_with_key(bob, key)).token
    assert await reason_of(finish_with_key(bob, key, counter=0)) == "LOGIN_FAILED"
    assert (await finish_with_key(bob, key, counter=10)).token


async def test_security_key_without_user_elsewhere_or_another(bob: Person) -> None:
    """Nobody verified, another origin, another key with that name: refused, at registration and at login."""
    key = SecurityKey()
    made = await register(bob, bob.registration(second_factor=SECURITY_KEY))
    confirmation = bob.confirmation("")
    for wrong in (SecurityKey(origin="https://evil.example"), SecurityKey(verifies_user=False)):
        confirmation.webauthn_response_json = wrong.register(made.setup.webauthn_options_json)
        assert await reason_of(call(bob.accounts.ConfirmSecondFactor, confirmation)) == "LOGIN_FAILED"
    confirmation.webauthn_response_json = key.register(made.setup.webauthn_options_json)
    await call(bob.accounts.ConfirmSecondFactor, confirmation)
    other = SecurityKey(credential_id=key.credential_id)
    assert await reason_of(finish_with_key(bob, other)) == "LOGIN_FAILED"
    assert await reason_of(finish_with_key(bob, key, origin="https://evil.example")) == "LOGIN_FAILED"
    assert await reason_of(finish_with_key(bob, key, verifies_user=False)) == "LOGIN_FAILED"
    assert (await finish_with_key(bob, key)).login.login_id


async def test_secrets_moved_to_another_account_do_not_open(
    logged_in: Person, mallory: Person, account_home: Home, account_server: Server
) -> None:
    """Whoever can write the database cannot make Mallory's app that of Alice."""
    ((sealed,),) = query(account_home, "SELECT sealed FROM second_factors WHERE account = 'mallory'")
    await account_server._ground.database.write(
        lambda connection: (
            connection.exec_driver_sql(
                "UPDATE second_factors SET sealed = ? WHERE account = 'alice'", (sealed,)
            ).rowcount
        )
    )
    assert mallory.app is not None
    assert await reason_of(logged_in.finish(await logged_in.begin(), mallory.app.code())) == "FACTOR_DAMAGED"


def test_webhook_gets_messages(clock: MovableClock) -> None:
    """Signed; a redirect, an error or nobody is no success, and what is told of it is not what was to be sent."""
    with receiving(Receiver(Reply(204))) as receiver:
        sms = WebhookSms(Webhook(receiver.url, WebhookSecrets([KEY]), clock))
        sms.send(NUMBER, "123456 is it")
        (delivery,) = receiver.deliveries
        message = standardwebhooks.Webhook(KEY).verify(delivery.content, delivery.headers)
        assert message == {"to": NUMBER, "text": "123456 is it"}
        for status in (302, 500):
            receiver.replies.append(Reply(status))
            with pytest.raises(MessageNotSent, match=str(status)):
                sms.send(NUMBER, "text")
        assert len({each.headers["webhook-id"] for each in receiver.deliveries}) == 3
    with pytest.raises(MessageNotSent) as refused:
        sms.send(NUMBER, "secret text")
    assert "secret" not in str(refused.value)


def test_file_provider_says_when_it_cannot_write(tmp_path: Path) -> None:
    """As the webhook does."""
    with pytest.raises(MessageNotSent):
        FileSms(tmp_path / "missing" / "messages").send(NUMBER, "text")
