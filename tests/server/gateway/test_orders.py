"""Whose orders a gateway follows, what it does at its bounds, without a guard, and after it was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.contents import Block, Unblock
from contract.announcements.control import ControlMessage, Issuer, IssuerRole, SignedControl
from server.root.gateway import Gateway
from tests.server.gateway.gateway import GatewayProcess
from tests.server.gateway.watched import make_home_of_gateway, open_net, reading, until
from tests.server.harness import query, running_server

BLOCKED = "SELECT count(*) FROM gateway_alarms WHERE state = 'blocked'"


def blocks(gateway: Gateway) -> int:
    """How many alarms hold something at a gateway."""
    return int(query(gateway._frame.home, BLOCKED)[0][0])


async def test_orders_of_strangers(tmp_path: Path) -> None:
    """Another's key, another's name, another gateway's, one of before, one whose announcements are not signed."""
    async with open_net(tmp_path) as net, net.case(known=False) as case, reading(case.bob) as bob:
        to, orders = case.bob.name, net.of_bob._watch.orders
        letters = [author.letter(to) for author in (case.alice, case.mallory)]
        announcements = [
            SignedAnnouncement.from_der(author.announce(letter, to))
            for author, letter in zip((case.alice, case.mallory), letters, strict=True)
        ]
        guard = await net.of_bob._watch.line.refresh()
        genuine = guard.certificates[0].issuer
        block = Block((announcements[0], announcements[1]))
        message = ControlMessage(
            issuer=genuine,
            recipient="127.0.0.4",
            alarm=block.alarm_id,
            claim=announcements[0].announcement.claim,
            number=1,
            time=net.clock().replace(microsecond=0),
            content=block,
        )
        stranger = ec.generate_private_key(ec.SECP256R1())
        found = net.server._ground.database.read_now(net.server._rules.guard.keys.signer)
        assert found is not None
        key = found[1]
        unsigned = replace(announcements[0], signature=b"\x01" * 64)
        ended = Unblock((case.alice.key,), (case.mallory.key,))
        for refused, signing in (
            (message, stranger),
            (replace(message, issuer=Issuer(IssuerRole.GUARD, "guard", b"\x09" * 32)), stranger),
            (replace(message, issuer=Issuer(IssuerRole.GUARD, "other", genuine.certificate)), key),
            (replace(message, recipient="127.0.0.3"), key),
            (replace(message, time=message.time.replace(year=2020)), key),
            (replace(message, content=Block((unsigned, announcements[1]))), key),
        ):
            await orders.take(SignedControl.sign(refused, signing).to_der())
            assert blocks(net.of_bob) == 0
        await orders.take(b"no message")
        await orders.take(SignedControl.sign(message, key).to_der())
        assert blocks(net.of_bob) == 1
        await orders.take(SignedControl.sign(replace(message, content=ended), key).to_der())  # a number of before
        assert blocks(net.of_bob) == 1
        await orders.take(SignedControl.sign(replace(message, content=ended, number=2), key).to_der())
        await orders.take(SignedControl.sign(replace(message, number=3), key).to_der())  # the alarm is over
        assert blocks(net.of_bob) == 0
        sent = await case.alice.post(to)
        assert await bob.next() == sent


async def test_bound(tmp_path: Path) -> None:
    """Where there is no room the stream stops, and nothing is lost; Carol's comes when it goes on."""
    async with open_net(tmp_path, gateway_held_notices_per_mailbox=3) as net, net.case(known=False) as case:
        to = case.bob.name
        async with reading(case.bob) as bob:
            sent = [await case.alice.post(to, announced=True)]
            assert await bob.take(1) == sent
            await case.mallory.post(to, announced=True)
            await case.until("undetermined")
            genuine = [await case.alice.post(to) for _ in range(6)]
            carols = await case.carols()
            await case.until_kept(3, "held")
            assert bob.is_empty()
            await case.decide([case.alice.key], [case.mallory.key])
            assert await bob.take(7) == [*genuine, carols]


async def test_guard_away(tmp_path: Path) -> None:
    """Envelopes go on; what was announced meanwhile is told when the guard is back, and has its effect."""
    async with open_net(tmp_path) as net:
        home, port = net.server._home, net.server.serving.server.rpartition(":")[2]
        async with net.case(known=False) as case, reading(case.bob) as bob:
            to = case.bob.name
            await net.server.stop()
            sent = [await case.alice.post(to, announced=True), await case.mallory.post(to, announced=True)]
            assert await bob.take(2) == sent
            text = home.config.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"', 1)
            home.config.write_text(text)
            async with running_server(home, clock=net.clock) as net.server:
                await case.until("undetermined")
                await case.alice.post(to)
                await case.until_kept(1, "held")


async def test_killed_while_it_holds(tmp_path: Path) -> None:
    """What it held it holds, also for who reads from the begin; its history and numbers are there; then it releases."""
    async with open_net(tmp_path) as net:
        home = make_home_of_gateway(tmp_path / "killed", net.media_home, net.server, "127.0.0.5")
        process = GatewayProcess(home)
        async with net.case(known=False, bobs=home) as case:
            to = case.bob.name
            async with reading(case.bob) as bob:
                first = await case.alice.post(to, announced=True)
                assert await bob.next() == first
                forged = await case.mallory.post(to, announced=True)
                await case.until("undetermined")
                held = [await case.alice.post(to) for _ in range(2)]
                await until(lambda: query(home, "SELECT count(*) FROM gateway_notices") == [(3,)])
                process.kill()
            text = home.config.read_text()
            port = process.serving.server.rpartition(":")[2]
            home.config.write_text(text.replace(':0"', f':{port}"', 1))
            again = GatewayProcess(home)
            try:
                carols = await case.carols()
                async with reading(case.bob, after=1) as bob:
                    assert await bob.next() == carols
                    await case.decide([case.alice.key], [case.mallory.key])
                    assert await bob.take(2) == held
                states = "SELECT envelope_id, state FROM gateway_notices WHERE state = 'quarantined'"
                assert query(home, states) == [(forged, "quarantined")]
                facts = "SELECT count(*) FROM gateway_facts WHERE side = 'receiver'"
                assert query(home, facts) == [(2,)]
            finally:
                again.kill()
