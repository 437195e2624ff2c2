"""Whose orders a gateway follows, what it does without a guard, and after it was killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.contents import Block, Content, EarlyWarning, Unblock
from contract.announcements.control import Issuer, IssuerRole, SignedControl
from contract.announcements.failures import MAX_FAILURES
from contract.announcements.history import Channel, Identity
from tests.server.gateway.gateway import GatewayProcess
from tests.server.gateway.watched import Case, Net, make_home_of_gateway, open_net, order_of, reading, until
from tests.server.guard.people import Signer
from tests.server.harness import query
from tests.server.relay.media import Letter, fingerprint_of
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNREPORTED: Final = "SELECT agent FROM gateway_unreported ORDER BY number"
BLOCKED: Final = "SELECT count(*) FROM gateway_alarms WHERE state = 'blocked' AND user = ?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    """All that runs, for all tests of this module."""
    async with open_net(tmp_path_factory.mktemp("orders")) as opened:
        yield opened


def blocks(case: Case) -> bool:
    """Whether an alarm holds what Alice sends."""
    return query(case.net.of_bob._frame.home, BLOCKED, case.alice.signer.account) != [(0,)]


async def test_orders_of_strangers(net: Net) -> None:
    """Another's key, another's name, another gateway's, one of before, one whose announcements are not signed."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to, orders = case.bob.name, net.of_bob._watch.orders
        one, other = (
            SignedAnnouncement.from_der(author.announce(author.letter(to), to)) for author in (case.alice, case.mallory)
        )
        claim, block, ended = (
            one.announcement.claim,
            Block((one, other)),
            Unblock((case.alice.key,), (case.mallory.key,)),
        )
        found = net.server._ground.database.read_now(net.server._rules.guard.keys.signer)
        assert found is not None
        genuine, key = found

        def order(content: Content) -> bytes:
            return order_of(net.server, "127.0.0.4", case.alarm_id, claim, content, net.clock())

        message = SignedControl.from_der(order(block)).message
        stranger = ec.generate_private_key(ec.SECP256R1())
        unsigned = replace(one, signature=b"\x01" * 64)
        for refused, signing in (
            (message, stranger),
            (replace(message, issuer=Issuer(IssuerRole.GUARD, "guard", b"\x09" * 32)), stranger),
            (replace(message, issuer=Issuer(IssuerRole.GUARD, "other", genuine.certificate)), key),
            (replace(message, recipient="127.0.0.3"), key),
            (replace(message, time=message.time.replace(year=2020)), key),
            (replace(message, content=Block((unsigned, other))), key),
        ):
            await orders.take(SignedControl.sign(refused, signing).to_der())
            assert not blocks(case)
        await orders.take(b"no message")
        await orders.take(SignedControl.sign(message, key).to_der())
        assert blocks(case)
        await orders.take(SignedControl.sign(replace(message, content=ended), key).to_der())  # a number of before
        assert blocks(case)
        await orders.take(order(ended))
        await orders.take(order(block))  # the alarm is over
        assert not blocks(case)
        sent = await case.alice.post(to)
        assert await bob.next() == sent


async def test_early_warning(net: Net) -> None:
    """A gateway that knows nothing of the alarm refuses the key, by whatever agent, and the agent, by whatever key."""
    async with net.case(known=False) as case:
        to, alice, mallory = case.bob.name, case.alice, case.mallory
        channel = Channel(mallory.member.identity.agent_id, fingerprint_of(mallory.member.identity), "127.0.0.1")
        warning = EarlyWarning((Identity(mallory.key, channel),))
        claim = Claim(mallory.source, mallory.signer.account, to)
        order = order_of(net.server, "127.0.0.3", case.alarm_id, claim, warning, net.clock())
        await net.of_alice._watch.orders.take(order)
        by_another = replace(alice, signer=mallory.signer)
        with_another = replace(mallory, signer=alice.signer)
        for author, announced, reason in (
            (mallory, True, "CHANNEL_BLACK_LISTED"),
            (mallory, False, "CHANNEL_BLACK_LISTED"),
            (with_another, True, "CHANNEL_BLACK_LISTED"),
            (by_another, True, "KEY_BLACK_LISTED"),
        ):
            with pytest.raises(RemoteError) as refused:
                await author.post(to, announced=announced)
            assert refused.value.reason == reason
        async with reading(case.bob) as bob:
            sent = [await alice.post(to, announced=True), await case.carols()]
            assert await bob.take(2) == sent
        await net.crash(alices=True)
        with pytest.raises(RemoteError) as refused:
            await mallory.post(to)
        assert refused.value.reason == "CHANNEL_BLACK_LISTED"


async def test_what_the_guard_refuses(net: Net) -> None:
    """The envelope does not go on with an announcement that the guard passes over, and Bob hears nothing of it."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to, signer = case.bob.name, case.alice.signer
        await until(lambda: net.of_alice._watch.line.is_there)
        uncertified = Signer(signer.account, Ed25519PrivateKey.generate(), signer.certificate, signer.clock)
        with pytest.raises(RemoteError) as refused:
            await replace(case.alice, signer=uncertified).post(to, announced=True)
        assert refused.value.reason == "ANNOUNCEMENT_REFUSED"
        assert refused.value.metadata["problem"] == "ANNOUNCEMENT_OF_OTHER_CERTIFICATE"
        sent = await case.alice.post(to, announced=True)
        assert await bob.next() == sent
        facts = "SELECT key FROM gateway_facts WHERE side = 'sender' AND user = ?"
        assert query(net.of_alice._frame.home, facts, signer.account) == [(case.alice.key,)]


async def test_a_flood_of_invalid_ones_shuts_out_its_agent_alone(net: Net) -> None:
    """Beyond the first twenty nothing is looked at, and the media server hears of none; others go on."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to, mallory = case.bob.name, case.mallory

        async def refusal(*announcements: bytes, letter: Letter) -> str:
            with pytest.raises(RemoteError) as refused:
                await mallory.member.post(replace(letter, announcements=announcements).parts())
            return refused.value.reason

        letter = mallory.letter(to)
        genuine = mallory.announce(letter, to)
        signed = SignedAnnouncement.from_der(genuine)
        broken = SignedAnnouncement(signed.announcement, signed.signature[::-1]).to_der()
        assert await refusal(genuine, genuine, letter=letter) == "ANNOUNCEMENT_MALFORMED"
        reasons = [await refusal(broken, letter=letter) for _ in range(MAX_FAILURES)]
        assert reasons == [*(MAX_FAILURES - 1) * ["SIGNATURE_INVALID"], "TOO_MANY_INVALID_ANNOUNCEMENTS"]
        assert await refusal(genuine, letter=letter) == "TOO_MANY_INVALID_ANNOUNCEMENTS"
        assert await mallory.member.upload(letter.envelope_id) == (0, False)
        sent = await case.alice.post(to, announced=True)
        assert await bob.next() == sent


async def test_impostor_on_the_channel_of_the_genuine(net: Net) -> None:
    """By Alice's own agent Mallory announces another key: that is refused, and the agent goes on with Alice's."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to, mallory = case.bob.name, replace(case.mallory, member=case.alice.member)
        first = await case.alice.post(to, announced=True)
        assert await bob.next() == first
        forged = await mallory.post(to, announced=True)
        await case.until("undetermined")
        held = [await case.alice.post(to), await case.alice.post(to, announced=True)]
        await case.decide([case.alice.key], [case.mallory.key])
        assert await bob.take(2) == held
        await case.until("released")
        with pytest.raises(RemoteError) as refused:
            await mallory.post(to, announced=True)
        assert refused.value.reason == "KEY_BLACK_LISTED"
        after = [await case.alice.post(to), await case.alice.post(to, announced=True)]
        assert await bob.take(2) == after
        assert [(row.state.value, row.envelope_id) for row in case.kept()] == [("quarantined", forged)]


async def test_guard_away(net: Net) -> None:
    """Envelopes go on; what was announced is told when it is back, also by gateways that crashed meanwhile."""
    async with net.case(known=False) as case:
        to = case.bob.name
        async with reading(case.bob) as bob:
            await net.stop_guard()
            sent = [await case.alice.post(to, announced=True), await case.mallory.post(to, announced=True)]
            assert await bob.take(2) == sent
        agents = [(author.member.identity.agent_id,) for author in (case.alice, case.mallory)]
        homes = [gateway._frame.home for gateway in (net.of_alice, net.of_bob)]
        assert [query(home, UNREPORTED) for home in homes] == [agents, agents]
        await net.crash(alices=True)
        await net.crash(alices=False)
        await net.start_guard()
        async with reading(case.bob, after=bob.positions[-1]):
            await case.until("undetermined")
            await until(lambda: [query(home, UNREPORTED) for home in homes] == [[], []])
            await case.alice.post(to)
            await case.until_kept(1, "held")


async def test_killed_while_it_holds(net: Net) -> None:
    """What it held it holds, also for who reads from the begin; its history and numbers are there; then it releases."""
    home = make_home_of_gateway(net.folder / "killed", net.media_home, net.server, "127.0.0.5")
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
            (position,) = bob.positions
            process.kill()
        text = home.config.read_text()
        port = process.serving.server.rpartition(":")[2]
        home.config.write_text(text.replace(':0"', f':{port}"', 1))
        again = GatewayProcess(home)
        try:
            carols = await case.carols()
            async with reading(case.bob, after=position) as bob:
                assert await bob.next() == carols
                await case.decide([case.alice.key], [case.mallory.key])
                assert await bob.take(2) == held
            states = "SELECT envelope_id, state FROM gateway_notices WHERE state = 'quarantined'"
            assert query(home, states) == [(forged, "quarantined")]
            facts = "SELECT count(*) FROM gateway_facts WHERE side = 'receiver'"
            assert query(home, facts) == [(2,)]
        finally:
            again.kill()
