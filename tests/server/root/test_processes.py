"""Several server processes on one port: one server to whoever calls, and none that is left when it ends."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from cryptography import x509
from fourseal.v1 import key_service_pb2, signing_service_pb2

from mpc.four_prime_rsa import Purpose, Role, commit_to_share, generate_key_share
from server.cli.run import run_media, run_process
from server.errors import OperatorError
from server.root.doctor import State, examine
from server.root.home import Home
from server.storage.file_lock import FileLock
from tests.server.harness import (
    HALF_BITS,
    Client,
    MovableClock,
    ServerProcess,
    call,
    enrol,
    enrol_with,
    make_home,
    make_ticket,
    new_certificate_request,
    opening_of,
    query,
    sign_request,
    silent_log,
    verify,
)
from tests.server.identity.accounts.people import Person
from tests.server.root.processes import ELSEWHERE, SeveralProcesses, is_alive, wait_until
from tests.server.scraping import scrape
from wire.ids import new_key_id, new_request_id
from wire.status import RemoteError

MEBIBYTE = 1 << 20
SHOWN = {"ocsp_listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def several_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A server's folder, with a media server elsewhere."""
    return make_home(tmp_path_factory.mktemp("several") / "server", relay_address=ELSEWHERE, **SHOWN)


@pytest.fixture(scope="module")
def server(several_home: Home) -> Iterator[SeveralProcesses]:
    """Two processes."""
    with SeveralProcesses(several_home) as running:
        yield running


async def test_one_request_at_both_at_once(server: SeveralProcesses, several_home: Home) -> None:
    """Generations and signatures: each has one result, whoever made it, and nobody hears of the other."""
    identity = await enrol(make_ticket(several_home, "alice", server.serving))
    async with server.lines(identity) as lines:
        one, other = lines.values()
        commitment = commit_to_share(generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS), secrets.token_bytes)
        request_id = new_request_id()
        begun, again = await asyncio.gather(*(each.begin(commitment, request_id=request_id) for each in (one, other)))
        assert begun == again
        opening = opening_of(commitment, begun)
        finished = await asyncio.gather(*(each.finish(begun.key.key_id, opening) for each in (one, other)))
        assert finished[0] == finished[1]
        key = await one.generate()
        requests = [sign_request(key) for _ in range(24)]
        made = await asyncio.gather(*(each.sign(request) for request in requests for each in (one, other)))
        for first, second in zip(made[::2], made[1::2], strict=True):
            assert first == second
            verify(key, b"contract", first)
        rows = "SELECT outcome, count(*), count(log_index) FROM operations WHERE agent_id = 'alice' GROUP BY outcome"
        assert query(several_home, rows) == [("done", 28, 28)]
        disable = key_service_pb2.DisableKeyRequest(key_id=key.key_id, request_id=new_request_id())
        await call(one.keys.DisableKey, disable)
        with pytest.raises(RemoteError) as refused:
            await other.sign(sign_request(key))
        assert refused.value.reason == "KEY_DISABLED"
    assert all(psutil.Process(each).memory_info().rss < 150 * MEBIBYTE for each in server.living())


def test_certificate_status_from_either(server: SeveralProcesses) -> None:
    """Both answer by HTTP on one port, and hand out lists of one authority. The kernel chooses who."""
    url = f"http://{server.serving.status_server}/revoked.crl"
    lists = []
    for _ in range(8):
        with urllib.request.urlopen(url, timeout=60) as response:  # ours
            lists.append(x509.load_der_x509_crl(response.read()))
    assert len({found.issuer for found in lists}) == 1


async def test_metrics_of_both(server: SeveralProcesses, several_home: Home) -> None:
    """Whichever is asked tells of the calls of all of them."""
    identity = await enrol(make_ticket(several_home, "frank", server.serving))
    async with server.lines(identity) as lines:
        for client in lines.values():
            with pytest.raises(RemoteError, match="no key"):
                await call(client.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=new_key_id()))
    sample = "fourseal_call_seconds_count", "NOT_FOUND", "/fourseal.v1.KeyService/GetKey"
    assert {(await scrape(server.serving.metrics_server))[sample] for _ in range(8)} == {2}


async def test_guesses_at_both_at_once(server: SeveralProcesses, several_home: Home) -> None:
    """An attacker with a line to each tries passwords, then one code twice, then one ticket twice."""
    clock = MovableClock()
    thief = await enrol(make_ticket(several_home, "thief", server.serving))
    async with server.lines(thief) as lines:
        one, other = lines.values()
        here, there = Person("carol", one, clock), Person("carol", other, clock)
        await here.register()
        guesses = [person.begin("wrong horse battery staple") for person in (here, there) * 12]
        outcomes = [getattr(each, "reason", "") for each in await asyncio.gather(*guesses, return_exceptions=True)]
        assert (outcomes.count("LOGIN_FAILED"), outcomes.count("ACCOUNT_LOCKED")) == (5, 19)
        owner = Person("dave", one, clock)
        await owner.register()
        assert owner.app is not None
        challenges, code = [await owner.begin() for _ in range(2)], owner.app.code()
        there = Person("dave", other, clock, factor_id=owner.factor_id)
        tries = [each.finish(challenge, code) for each in (owner, there) for challenge in challenges]
        ended = await asyncio.gather(*tries, return_exceptions=True)
        refused = [each.reason for each in ended if isinstance(each, RemoteError)]
        assert refused == ["LOGIN_FAILED"] * 3
    ticket = make_ticket(several_home, "bob", server.serving)
    csrs = [new_certificate_request()[1] for _ in range(8)]
    came = await asyncio.gather(*(enrol_with(ticket, each) for each in csrs), return_exceptions=True)
    assert sum(isinstance(each, Exception) for each in came) == len(csrs) - 1


async def test_a_process_that_is_killed(server: SeveralProcesses, several_home: Home) -> None:
    """Its callers repeat and are answered, once; it is started again and takes its part."""
    identity = await enrol(make_ticket(several_home, "erin", server.serving))
    before = server.living()
    victim = min(before)
    async with Client(server.serving, identity) as client:
        key = await client.generate()
    begun, still = asyncio.Event(), several_home.counts / f"gauge_livesum_{victim}.db"
    assert still.exists()

    async def insist(request: signing_service_pb2.SignDigestRequest, number: int) -> bytes:
        while True:
            async with Client(server.serving, identity) as client:
                try:
                    signature = await client.sign(request)
                    if number >= 8:
                        begun.set()
                except RemoteError as error:
                    assert error.code is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  # nothing else comes of a kill
                else:
                    return signature

    requests = [sign_request(key) for _ in range(64)]
    signing = [asyncio.create_task(insist(request, number)) for number, request in enumerate(requests)]
    await begun.wait()
    os.kill(victim, signal.SIGKILL)
    for signature in await asyncio.gather(*signing):
        verify(key, b"contract", signature)
    rows = "SELECT outcome, count(*) FROM operations WHERE method = 'SignDigest' AND key_id = ? GROUP BY outcome"
    assert query(several_home, rows, key.key_id) == [("done", len(requests))]
    wait_until(lambda: victim not in server.living())
    assert not still.exists()  # what was so in it is no more; what happened in it has happened
    assert still.with_name(f"counter_{victim}.db").exists()
    (ended,) = server.said("process_ended")
    assert (ended["process_id"], ended["status"]) == (victim, -signal.SIGKILL)
    async with server.lines(identity) as lines:
        assert len(lines.keys() - before) == 1
        for client in lines.values():
            verify(key, b"contract", await client.sign(sign_request(key)))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_left(tmp_path: Path, ending: signal.Signals) -> None:
    """Whoever ends the supervisor ends its processes; they finish what is in flight, and hold the folder until then."""
    home = make_home(tmp_path / "server", relay_address=ELSEWHERE)
    server = SeveralProcesses(home)
    processes = server.living()
    with pytest.raises(AssertionError, match="a server runs in"):
        ServerProcess(home)
    with pytest.raises(AssertionError, match="nothing can listen on"):
        SeveralProcesses(make_home(tmp_path / "other", relay_address=ELSEWHERE, listen=server.serving.server))
    identity = await enrol(make_ticket(home, "alice", server.serving))
    async with Client(server.serving, identity) as client:
        key = await client.generate()
        asking = [asyncio.create_task(client.sign(sign_request(key))) for _ in range(32)]
        await asking[0]
        server.process.send_signal(ending)
        assert await asyncio.to_thread(server.close) in (0, -signal.SIGKILL)
        with FileLock(home.server_lock) as lock:
            await asyncio.to_thread(wait_until, lock.take)
        assert len(server.said("stopped")) == len(processes)
        wait_until(lambda: not any(map(is_alive, processes)))  # some moments after the kernel has freed the lock
        await asyncio.gather(*asking, return_exceptions=True)
    assert home.serving.exists() is (ending is signal.SIGKILL)
    assert query(home, "SELECT count(*) FROM operations WHERE outcome = 'pending'") == [(0,)]


def test_what_several_processes_cannot_do(tmp_path: Path) -> None:
    """They say at the start what they lack, and do not start over and over again what cannot start."""
    home = make_home(tmp_path / "server", processes=2)
    with pytest.raises(AssertionError, match="media init"):
        ServerProcess(home)
    (*_, found) = examine(home, silent_log())
    assert (found.state, "media init" in found.action) == (State.FAILED, True)
    with pytest.raises(OperatorError, match="a media server is one process"):
        run_media(home)
    home = make_home(tmp_path / "separate", relay_address=ELSEWHERE)
    (home.folder / "master.key").unlink()
    with pytest.raises(AssertionError, match="a server process ended before it served"):
        SeveralProcesses(home)
    with FileLock(home.server_lock) as lock:
        assert lock.take()
        for alone in (home, make_home(tmp_path / "two", relay_address=ELSEWHERE, processes=2)):  # one held, one not
            with pytest.raises(OperatorError, match="for a supervisor"):
                run_process(alone)
