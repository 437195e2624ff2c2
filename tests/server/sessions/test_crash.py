"""A server killed between a statement's intent and its signature: one answer, and none after closing."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from contract.signatures import JointSignature, verify_signature
from server.root.home import Home
from server.sessions import statements as rules
from server.signing import sign_jointly
from tests.server.harness import MovableClock, ServerProcess, query, running_server
from tests.server.sessions.people import HOUR, Session, Signer, World, arrive, sign_certificate_of
from wire.convert import timestamp_of
from wire.status import RemoteError

KILLS = 4
SEED = 20261124


@contextmanager
def power_failure(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What comes between intent and result fails, as if the process had ended there."""

    def fail(*_: object) -> bytes:
        raise RemoteError("SERVER_UNAVAILABLE", "gone", grpc.StatusCode.UNAVAILABLE)

    with monkeypatch.context() as patch:
        patch.setattr(rules, "sign_jointly", fail)
        yield


async def test_pending_is_signed_by_a_repeat(
    alice: Signer, bob: Signer, carol: Signer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted is not counted again, and the members may have changed since."""
    request = alice.request(session, alice.statement(session, bob))
    with power_failure(monkeypatch), pytest.raises(RemoteError):
        await alice.send(request)
    await carol.join(session.session_id)
    signature = await alice.send(request)
    statement = request.statement_der
    verify_signature(statement, JointSignature(signature), alice.sign_certificate, sign_certificate_of(session))


async def test_pending_is_not_signed_after_closing(
    alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets a signature under a closed session that was not made before."""
    request = alice.request(session, alice.statement(session, bob))
    with power_failure(monkeypatch), pytest.raises(RemoteError):
        await alice.send(request)
    await alice.close(session.session_id)
    with pytest.raises(RemoteError) as refused:
        await alice.send(request)
    assert refused.value.reason == "SESSION_CLOSED"


async def test_made_while_closing_is_not_released(
    alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share was open when the session was closed: the result is refused, and is in no answer."""
    request = alice.request(session, alice.statement(session, bob))
    loop = asyncio.get_running_loop()
    sign = sign_jointly

    def slow(*arguments: object) -> bytes:
        signature = sign(*arguments)  # type: ignore[arg-type]  # as they come
        asyncio.run_coroutine_threadsafe(alice.close(session.session_id), loop).result()
        return signature

    monkeypatch.setattr(rules, "sign_jointly", slow)
    with pytest.raises(RemoteError) as refused:
        await alice.send(request)
    assert refused.value.reason == "SESSION_CLOSED"


async def test_made_while_the_time_ended_is_not_released(
    alice: Signer, bob: Signer, session: Session, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Housekeeping has not closed the session yet: its end is an end all the same."""
    request = alice.request(session, alice.statement(session, bob))
    sign = sign_jointly

    def slow(*arguments: object) -> bytes:
        signature = sign(*arguments)  # type: ignore[arg-type]  # as they come
        clock.move(3 * HOUR)
        return signature

    monkeypatch.setattr(rules, "sign_jointly", slow)
    with pytest.raises(RemoteError) as refused:
        await alice.send(request)
    assert refused.value.reason == "SESSION_ENDED"


async def test_killed(world: World, session_home: Home, clock: MovableClock) -> None:
    """After every SIGKILL each request has one signature that holds, and the counters are those of the intents."""
    present = MovableClock()  # a process has the machine's clock; the preparation's was ahead
    async with running_server(session_home, clock=clock) as server:
        alice, bob = (arrive(world, server.serving, clock, name) for name in ("alice", "bob"))
        async with alice.client, bob.client:
            made = await alice.create("bob", begin_time=timestamp_of(present().replace(microsecond=0)))
            session = await bob.join(made.session_id)
    points = random.Random(SEED)  # noqa: S311
    process = ServerProcess(session_home)
    for sequence in range(1, KILLS + 1):  # each life is asked for a signature, and the next one once more
        alice, bob = (arrive(world, process.serving, present, name) for name in ("alice", "bob"))
        async with alice.client, bob.client:
            session = await alice.get(session.session_id)
            request = alice.request(session, alice.statement(session, bob, sequence=sequence))
            asking = asyncio.ensure_future(alice.send(request))
            await asyncio.sleep(points.uniform(0.002, 0.03))  # not to wait for anything: a random point is wanted
            process.kill()
            heard = None
            with contextlib.suppress(RemoteError):
                heard = await asking
        process = ServerProcess(session_home)
        alice = arrive(world, process.serving, present, "alice")
        async with alice.client:
            signature = await alice.send(request)
            assert heard in (None, signature)
            certificate = sign_certificate_of(session)
            statement = request.statement_der
            verify_signature(statement, JointSignature(signature), alice.sign_certificate, certificate)
    assert process.terminate() == 0
    assert query(session_home, "SELECT number FROM session_numbers") == [(KILLS,)]
    assert query(session_home, "SELECT count(*) FROM session_statements") == [(KILLS,)]
