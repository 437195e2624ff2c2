"""Logging in over real TLS: what makes a login, what ends it, and what a thief can do with one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fourseal.v1 import account_pb2

from server.identity import disable_account, enable_account
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, call, enrol, make_ticket, query, running_server
from tests.server.identity.accounts.people import Authenticator, Person, pb
from wire.ids import new_request_id
from wire.status import RemoteError

OTHER_PASSWORD = "another correct horse"  # noqa: S105


async def refusal(attempt: object) -> str:
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await attempt  # type: ignore[misc]  # a coroutine
    return refused.value.reason


async def get_account(person: Person) -> account_pb2.Account:
    """A call that needs nothing but a login."""
    return (await person.call(person.accounts.GetAccount, pb.GetAccountRequest())).account


async def test_whole_story(logged_in: Person) -> None:
    """Registered, confirmed, logged in: the account is shown with its factor, the login with its agent."""
    account = await get_account(logged_in)
    assert (account.name, account.display_name, account.state) == ("alice", "Alice", account_pb2.ACCOUNT_STATE_ACTIVE)
    assert [(factor.factor_id, factor.hint) for factor in account.second_factors] == [(logged_in.factor_id, "phone")]
    login, first = (await logged_in.call(logged_in.accounts.ListLogins, pb.ListLoginsRequest())).logins
    assert first.login_id == logged_in.first_login_id
    assert (login.agent_id, login.login_id, login.proven) == ("laptop", logged_in.login_id, False)
    assert login.expire_time.ToDatetime() - login.use_time.ToDatetime() == timedelta(minutes=30)


async def test_confirming_logs_in_once(alice: Person) -> None:
    """Password and first factor were just given. A repeat gets no login, nor does another factor."""
    assert (await get_account(alice)).name == "alice"
    again = await call(alice.accounts.ConfirmSecondFactor, alice.confirmation("000000"))
    assert (again.token, again.HasField("login")) == ("", False)
    wish = pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP)
    request = pb.AddSecondFactorRequest(request_id=new_request_id(), password=alice.password, second_factor=wish)
    added = (await alice.call(alice.accounts.AddSecondFactor, request)).setup
    code = Authenticator(added.totp_uri, alice.clock).code()
    confirmation = pb.ConfirmSecondFactorRequest(
        name=alice.name, factor_id=added.factor.factor_id, password=alice.password, code=code
    )
    at_once = (call(alice.accounts.ConfirmSecondFactor, confirmation) for _ in range(4))
    for confirmed in await asyncio.gather(*at_once):  # as when an answer is lost, and the call comes twice
        assert (len(confirmed.account.second_factors), confirmed.token) == (2, "")


async def test_call_without_login_is_refused(alice: Person) -> None:
    """Nothing but the token of a login is one."""
    for alice.token in ("", "x" * 43, "é" * 10, "x" * 5000):
        if alice.token.isascii():
            assert await refusal(get_account(alice)) == "LOGIN_REQUIRED"
    assert await refusal(call(alice.accounts.GetAccount, pb.GetAccountRequest())) == "LOGIN_REQUIRED"


async def test_stolen_token_is_worth_nothing_elsewhere(logged_in: Person, mallory: Person) -> None:
    """Another agent with Alice's token is refused; Alice is not."""
    mallory.token = logged_in.token
    assert await refusal(get_account(mallory)) == "LOGIN_REQUIRED"
    assert (await get_account(logged_in)).name == "alice"


async def test_renewed_agent_certificate_ends_the_login(
    logged_in: Person, account_home: Home, account_server: Server
) -> None:
    """A login is bound to the certificate, not to the agent's name alone."""
    identity = await enrol(make_ticket(account_home, "laptop", account_server.serving))
    async with Client(account_server.serving, identity) as client:
        logged_in.client = client
        assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"


async def test_unused_login_ends(logged_in: Person, clock: MovableClock) -> None:
    """Half an hour without a call ends it; with calls it goes on."""
    for _ in range(3):
        clock.move(timedelta(minutes=28))
        await get_account(logged_in)
    clock.move(timedelta(minutes=30))
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"


async def test_used_login_ends_after_twelve_hours(logged_in: Person, clock: MovableClock) -> None:
    """However much it is used."""
    for _ in range(28):
        clock.move(timedelta(minutes=25))
        await get_account(logged_in)
    clock.move(timedelta(minutes=20))
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"


async def test_revoked_login_ends_at_once(logged_in: Person) -> None:
    """The caller's own, and another of the account; a repeat changes nothing."""
    first_token, first_id = logged_in.token, logged_in.login_id
    await logged_in.log_in()
    for _ in range(2):
        await logged_in.call(logged_in.accounts.RevokeLogin, pb.RevokeLoginRequest(login_id=first_id))
    second_token, logged_in.token = logged_in.token, first_token
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"
    logged_in.token = second_token
    await logged_in.call(logged_in.accounts.RevokeLogin, pb.RevokeLoginRequest())
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"


async def test_nobody_revokes_anothers_login(logged_in: Person, mallory: Person) -> None:
    """A login's name works within its account alone."""
    await mallory.call(mallory.accounts.RevokeLogin, pb.RevokeLoginRequest(login_id=logged_in.login_id))
    assert (await get_account(logged_in)).name == "alice"


async def test_new_password_ends_the_other_logins(logged_in: Person) -> None:
    """Whoever had the old one is out; the one who changed it stays; the old one is good for nothing."""
    stolen = logged_in.token
    await logged_in.log_in()
    open_challenge = await logged_in.begin()
    change = pb.ChangePasswordRequest(password=logged_in.password, new_password=OTHER_PASSWORD)
    await logged_in.call(logged_in.accounts.ChangePassword, change)
    kept, logged_in.token = logged_in.token, stolen
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"
    logged_in.token = kept
    assert (await get_account(logged_in)).name == "alice"
    assert logged_in.app is not None
    assert await refusal(logged_in.finish(open_challenge, logged_in.app.code())) == "LOGIN_FAILED"
    assert await refusal(logged_in.begin()) == "LOGIN_FAILED"
    logged_in.password = OTHER_PASSWORD
    await logged_in.log_in()


async def test_password_is_not_changed_without_the_old_one(logged_in: Person) -> None:
    """An agent that was left unlocked does not give the account away."""
    change = pb.ChangePasswordRequest(password=OTHER_PASSWORD, new_password=OTHER_PASSWORD)
    assert await refusal(logged_in.call(logged_in.accounts.ChangePassword, change)) == "LOGIN_FAILED"
    for unsuitable in ("short", "a" * 1025, "x" * 40, "I am ALICE, let me in"):
        change = pb.ChangePasswordRequest(password=logged_in.password, new_password=unsuitable)
        assert await refusal(logged_in.call(logged_in.accounts.ChangePassword, change)) == "PASSWORD_UNSUITABLE"
    await logged_in.log_in()


async def test_challenge_belongs_to_its_agent_and_ends(alice: Person, thief: Client, clock: MovableClock) -> None:
    """The second step comes from where the first came from, within five minutes, once."""
    assert alice.app is not None
    challenge = await alice.begin()
    elsewhere = Person("alice", thief, clock, factor_id=alice.factor_id)
    assert await refusal(elsewhere.finish(challenge, alice.app.code())) == "LOGIN_FAILED"
    await alice.finish(challenge, alice.app.code())
    assert await refusal(alice.finish(challenge, alice.app.code())) == "LOGIN_FAILED"
    late = await alice.begin()
    clock.move(timedelta(minutes=5))
    assert await refusal(alice.finish(late, alice.app.code())) == "LOGIN_FAILED"
    for wrong in ("", "x" * 43, "y" * 9000):
        assert await refusal(alice.finish(wrong, alice.app.code())) == "LOGIN_FAILED"


async def test_code_works_once(alice: Person) -> None:
    """In one login or in many at a time; and neither does one of an earlier step."""
    assert alice.app is not None
    code = alice.app.code()
    challenges = [await alice.begin() for _ in range(3)]
    outcomes = await asyncio.gather(*(alice.finish(each, code) for each in challenges), return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in outcomes) == 1
    assert await refusal(alice.finish(await alice.begin(), code)) == "LOGIN_FAILED"


async def test_code_of_a_step_before_the_last_is_refused(alice: Person, clock: MovableClock) -> None:
    """A code that was seen and not used is worth nothing after a later one was."""
    assert alice.app is not None
    seen = alice.app.code()
    clock.move(timedelta(seconds=30))
    await alice.log_in()
    assert await refusal(alice.finish(await alice.begin(), seen)) == "LOGIN_FAILED"


async def test_codes_of_other_times_are_refused(alice: Person, clock: MovableClock) -> None:
    """One step of difference is allowed, two are not."""
    assert alice.app is not None
    clock.move(timedelta(seconds=30 - clock().timestamp() % 30))  # a step begins: no call crosses into the next one
    for drift, works in ((-60, False), (60, False), (-30, True)):
        clock.move(timedelta(minutes=2, seconds=drift))
        code = Authenticator.code(alice.app)
        clock.move(timedelta(seconds=-drift))
        if works:
            await alice.finish(await alice.begin(), code)
        else:
            assert await refusal(alice.finish(await alice.begin(), code)) == "LOGIN_FAILED"


async def test_disabled_account_is_closed_at_once(logged_in: Person, account_server: Server) -> None:
    """Beside the running server: its login ends, its password fails as a wrong one does, until it is enabled."""
    database, clock = account_server._ground.database, logged_in.clock
    await database.write(lambda connection: disable_account(connection, "alice", clock()))
    assert await refusal(get_account(logged_in)) == "LOGIN_REQUIRED"
    assert await refusal(logged_in.begin()) == "LOGIN_FAILED"
    await database.write(lambda connection: enable_account(connection, "alice", clock()))
    await logged_in.log_in()


async def test_logins_survive_a_restart(account_home: Home, clock: MovableClock, logged_in: Person) -> None:
    """They are in the database; so is what ends them."""
    async with (
        running_server(account_home, clock=clock) as second,
        Client(second.serving, logged_in.client.identity) as client,
    ):
        logged_in.client = client
        assert (await get_account(logged_in)).name == "alice"


async def test_logins_are_listed_newest_first_in_pages(logged_in: Person) -> None:
    """Every one once, however they are cut."""
    made = [logged_in.first_login_id, logged_in.login_id]
    for _ in range(2):
        await logged_in.log_in()
        made.append(logged_in.login_id)
    found, token = [], ""
    while True:
        request = pb.ListLoginsRequest(page_size=1, page_token=token)
        page = await logged_in.call(logged_in.accounts.ListLogins, request)
        found += [login.login_id for login in page.logins]
        token = page.next_page_token
        if not token:
            break
    assert found == made[::-1]


async def test_what_happened_is_recorded(logged_in: Person, account_home: Home) -> None:
    """Every step, in order, with the agent."""
    assert await refusal(logged_in.begin(OTHER_PASSWORD)) == "LOGIN_FAILED"
    await logged_in.call(logged_in.accounts.RevokeLogin, pb.RevokeLoginRequest())
    rows = query(account_home, "SELECT event, agent_id FROM account_events WHERE account = 'alice' ORDER BY sequence")
    names = ["registered", "factor_confirmed", "logged_in", "password_accepted", "logged_in"]
    names += ["password_failed", "login_revoked"]
    assert rows == [(name, "laptop") for name in names]


async def test_request_ids_are_those_of_the_journal(logged_in: Person, account_home: Home) -> None:
    """A factor that is added stands there with the account."""
    wish = pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP)
    request = pb.AddSecondFactorRequest(request_id=new_request_id(), password=logged_in.password, second_factor=wish)
    first = await logged_in.call(logged_in.accounts.AddSecondFactor, request)
    assert await logged_in.call(logged_in.accounts.AddSecondFactor, request) == first
    rows = query(account_home, "SELECT method, account FROM operations ORDER BY sequence")
    assert rows == [("RegisterAccount", None), ("AddSecondFactor", "alice")]
