"""Guessing: how often one may fail, whatever one guesses, however many guess at a time, and across restarts."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import grpc
import pyotp
import pytest
from google.rpc import error_details_pb2, status_pb2
from sqlalchemy import Connection, create_engine

from server.identity import unlock_account
from server.identity.accounts import lockout
from server.identity.accounts.passwords import Passwords
from server.identity.store.accounts import lockouts
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import Client, MovableClock, call, database_path, query, running_server
from tests.server.identity.accounts.people import Person, pb
from wire.catalogue import ServiceError
from wire.status import DETAILS_KEY, RemoteError

WRONG = "wrong horse battery staple"
START = datetime(2026, 1, 1, tzinfo=UTC)


async def reason_of(attempt: object) -> str:
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await attempt  # type: ignore[misc]  # a coroutine
    return refused.value.reason


def lock_after(connection: Connection, failures: int, now: datetime) -> timedelta:
    """How long a name is locked after so many failures in a row, each after the lock before."""
    for _ in range(failures):
        now = lockout.lock_end(connection, "x", now) or now
        lockout.reserve(connection, "x", "laptop", now)
    end = lockout.lock_end(connection, "x", now)
    return timedelta(0) if end is None else end - now


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0), (4, 0), (5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (30, 3600)]
)
def test_lock_doubles_up_to_an_hour(failures: int, seconds: int) -> None:
    """From the fifth failure on."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        lockouts.create(connection)
        assert lock_after(connection, failures, START) == timedelta(seconds=seconds)
    engine.dispose()


def test_failures_are_forgotten_one_an_hour() -> None:
    """Slowly released: after the lock one more failure locks again, for longer; hours later it does not."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        lockouts.create(connection)
        lock_after(connection, 6, START)
        later = START + timedelta(hours=3)
        lockout.reserve(connection, "x", "laptop", later)  # 6 - 2 + 1
        assert lockout.lock_end(connection, "x", later) == later + lockout.FIRST_LOCK
        lockout.drop_forgotten(connection, later + timedelta(hours=11))
        assert lockout.forget(connection, "x")
        lockout.reserve(connection, "x", "laptop", later)
        lockout.drop_forgotten(connection, later + timedelta(hours=13))
        assert not lockout.forget(connection, "x")
    engine.dispose()


def test_attempt_that_was_right_is_taken_back_alone() -> None:
    """It opens the lock that it caused, and forgets no other failure."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        lockouts.create(connection)
        lock_after(connection, 5, START)
        with pytest.raises(ServiceError) as refused:
            lockout.reserve(connection, "x", "laptop", START)
        assert refused.value.metadata == {"retry_seconds": "30"}
        lockout.refund(connection, "x", "laptop")
        lockout.reserve(connection, "x", "laptop", START)
        assert lockout.lock_end(connection, "x", START) is not None
    engine.dispose()


def fail(connection: Connection, count: int, now: datetime) -> datetime:
    """Fail from one agent, under a new name each time, as soon as it may; when it may again after that."""
    for number in range(count):
        lockout.reserve(connection, f"{now.timestamp()}-{number}", "laptop", now)
        now = lockout.lock_end_of_agent(connection, "laptop", now) or now
    return now


def test_an_agent_is_locked_and_slowly_released() -> None:
    """From the thirtieth failure on, for as long as a name; one is forgotten in ten minutes, and none by a login."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        lockouts.create(connection)
        assert fail(connection, 29, START) == START
        lockout.reserve(connection, "mallory", "laptop", START)
        lockout.settle(connection, "mallory", "laptop")  # a complete login takes back itself alone
        assert fail(connection, 1, START) == START + lockout.FIRST_LOCK
        for name in ("mallory", "nobody"):
            with pytest.raises(ServiceError) as refused:
                lockout.reserve(connection, name, "laptop", START)
            assert (refused.value.reason, refused.value.metadata) == ("TOO_MANY_FAILURES", {"retry_seconds": "30"})
            assert lockout.lock_end(connection, name, START) is None
            lockout.reserve(connection, name, "another", START)
        end = fail(connection, 6 * 24, START + lockout.FIRST_LOCK)
        assert end > START + timedelta(hours=23)  # six guesses an hour at most, in the long run
        later = end + timedelta(days=1)
        assert fail(connection, 29, later) == later
        assert fail(connection, 1, later) > later
        later += timedelta(minutes=35)
        assert fail(connection, 2, later) == later
        assert fail(connection, 1, later) > later
    engine.dispose()


async def test_one_agent_cannot_try_many_names(
    alice: Person, mallory: Person, account_home: Home, clock: MovableClock
) -> None:
    """A thief with an account of their own guesses at every name, many at a time: thirty guesses are looked at."""
    people = [Person(f"name-{number}", mallory.client, clock) for number in range(25)]
    guesses = [person.begin(WRONG) for person in people]
    outcomes = [getattr(each, "reason", "") for each in await asyncio.gather(*guesses, return_exceptions=True)]
    assert outcomes == ["LOGIN_FAILED"] * 25
    await mallory.log_in()  # forgets what failed under the own name
    guesses = [person.begin(WRONG) for person in (*people, Person("alice", mallory.client, clock))]
    outcomes = [getattr(each, "reason", "") for each in await asyncio.gather(*guesses, return_exceptions=True)]
    assert (outcomes.count("LOGIN_FAILED"), outcomes.count("TOO_MANY_FAILURES")) == (5, 21)
    assert await reason_of(Person("alice", mallory.client, clock).begin()) == "TOO_MANY_FAILURES"
    assert await reason_of(mallory.begin()) == "TOO_MANY_FAILURES"
    await alice.log_in()  # from an agent of her own
    locked = query(account_home, "SELECT agent_id, detail FROM account_events WHERE event = 'agent_locked'")
    assert locked[0][0] == "thief"
    assert locked[0][1].startswith("until ")
    clock.move(timedelta(seconds=31))
    assert await reason_of(Person("alice", mallory.client, clock).begin(WRONG)) == "LOGIN_FAILED"
    assert await reason_of(mallory.begin()) == "TOO_MANY_FAILURES"  # for a minute now


async def test_only_five_of_two_hundred_parallel_guesses_are_looked_at(alice: Person, account_home: Home) -> None:
    """Codes, with the right password: the rest meets the lock, though all came before the first was answered."""
    assert alice.app is not None
    challenges = [await alice.begin() for _ in range(3)]
    guesses = [alice.finish(challenges[number % 3], f"{number:06}") for number in range(200)]
    reasons = [getattr(outcome, "reason", "") for outcome in await asyncio.gather(*guesses, return_exceptions=True)]
    assert (reasons.count("LOGIN_FAILED"), reasons.count("ACCOUNT_LOCKED")) == (5, 195)
    failed = query(account_home, "SELECT count(*) FROM account_events WHERE event = 'factor_failed'")
    assert failed == [(5,)]


async def test_right_code_does_not_open_a_lock(alice: Person, clock: MovableClock) -> None:
    """While it lasts; after it, a login forgets everything."""
    assert alice.app is not None
    challenge = await alice.begin()
    for _ in range(5):
        assert await reason_of(alice.finish(challenge, "000000")) == "LOGIN_FAILED"
    right = pyotp.TOTP(alice.app.secret).generate_otp(alice.app.step + 1)
    assert await reason_of(alice.finish(challenge, right)) == "ACCOUNT_LOCKED"
    assert await reason_of(alice.begin()) == "ACCOUNT_LOCKED"
    clock.move(timedelta(seconds=31))
    await alice.log_in()
    assert await reason_of(alice.begin(WRONG)) == "LOGIN_FAILED"
    await alice.log_in()


async def test_right_password_forgets_no_failure(alice: Person) -> None:
    """Else whoever has the password could guess codes for ever."""
    for _ in range(5):
        assert await reason_of(alice.finish(await alice.begin(), "000000")) == "LOGIN_FAILED"
    assert await reason_of(alice.begin()) == "ACCOUNT_LOCKED"


async def test_names_of_nobody_are_answered_and_locked_as_others(
    alice: Person, thief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same reasons in the same order, and as many hashes computed: nothing tells who has an account."""
    hashed: list[str] = []
    original = Passwords._matches

    def counted(self: Passwords, password: str, password_hash: str) -> bool:
        hashed.append(password_hash.rsplit("$", 2)[0])
        return original(self, password, password_hash)

    monkeypatch.setattr(Passwords, "_matches", counted)
    seen = []
    for name in ("alice", "nobody"):
        person = Person(name, thief, alice.clock)
        hashed.clear()
        seen.append(([await reason_of(person.begin(WRONG)) for _ in range(6)], list(hashed)))
    assert seen[0] == seen[1]
    assert seen[0][0] == ["LOGIN_FAILED"] * 5 + ["ACCOUNT_LOCKED"]
    assert len(seen[0][1]) == 5


async def test_lock_survives_a_restart_and_says_when_to_try_again(
    alice: Person, account_home: Home, clock: MovableClock
) -> None:
    """It stands in the database; RetryInfo has the seconds."""
    for _ in range(5):
        assert await reason_of(alice.begin(WRONG)) == "LOGIN_FAILED"
    async with (
        running_server(account_home, clock=clock) as second,
        Client(second.serving, alice.client.identity) as client,
    ):
        alice.client = client
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await alice.accounts.BeginLogin(pb.BeginLoginRequest(name="alice", password=alice.password))
    details = status_pb2.Status()
    (raw,) = refused.value.trailing_metadata().get_all(DETAILS_KEY)
    details.ParseFromString(raw)
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Is(retry.DESCRIPTOR) and detail.Unpack(retry) for detail in details.details)
    assert 25 <= retry.retry_delay.seconds <= 30
    locked = query(account_home, "SELECT agent_id, detail FROM account_events WHERE event = 'locked'")
    assert locked[0][0] == "laptop"
    assert locked[0][1].startswith("until ")


async def test_operator_unlocks(alice: Person, account_server: Server) -> None:
    """At once, beside the running server."""
    for _ in range(5):
        assert await reason_of(alice.begin(WRONG)) == "LOGIN_FAILED"
    database = account_server._ground.database
    assert await database.write(lambda connection: unlock_account(connection, "alice", alice.clock()))
    await alice.log_in()


async def test_password_that_is_too_long_is_not_hashed(alice: Person) -> None:
    """Nor counted."""
    for _ in range(6):
        assert await reason_of(alice.begin("x" * 1025)) == "FIELD_INVALID"
    request = pb.BeginLoginRequest(name="Not A Name", password=WRONG)
    assert await reason_of(call(alice.accounts.BeginLogin, request)) == "ACCOUNT_NAME_MALFORMED"
    await alice.log_in()


async def test_hash_of_old_parameters_is_made_again(alice: Person, account_home: Home, account_server: Server) -> None:
    """At the next login; the password stays the same."""
    weak = "$argon2id$v=19$m=8,t=1,p=1$"
    hasher = account_server._rules.accounts.changes._passwords._hasher
    old = type(hasher)(time_cost=1, memory_cost=8, parallelism=1).hash(alice.password)
    assert old.startswith(weak)
    await account_server._ground.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE accounts SET password_hash = ?", (old,)).rowcount
    )
    await alice.log_in()
    ((stored,),) = query(account_home, "SELECT password_hash FROM accounts")
    assert stored.startswith("$argon2id$v=19$m=32,t=1,p=4$")  # as this server makes them
    await alice.log_in()


@pytest.mark.usefixtures("alice")
async def test_old_events_are_dropped_and_younger_ones_kept(account_server: Server, account_home: Home) -> None:
    """By the upkeep; so the table grows with the days that are kept, and no further."""
    before = query(account_home, "SELECT max(sequence) FROM account_events")[0][0]
    with closing(sqlite3.connect(database_path(account_home))) as connection, connection:
        aged = int(timedelta(days=1096).total_seconds() * 1_000_000)
        connection.execute("UPDATE account_events SET time = time - ? WHERE sequence < ?", (aged, before))
    await account_server._keep_house_once()
    assert query(account_home, "SELECT sequence FROM account_events") == [(before,)]
