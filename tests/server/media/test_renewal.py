"""The media server's certificate is renewed while it runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from cryptography import x509
from structlog.testing import capture_logs

from server.clock import system_clock
from server.root.home import Home
from server.root.media import MediaServer
from server.root.outposts import MEDIA_SERVER, accept_certificate, certify
from server.root.setup import set_up
from tests.server.harness import MovableClock, silent_log
from tests.server.media.conftest import load_authority
from tests.server.relay.media import FULL, authority, make_media_home, members, running_media
from tests.server.root.test_certificate import shown_by


@pytest.fixture
def media_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A media server's folder, set up and not started."""
    return make_media_home(tmp_path_factory.mktemp("home") / "media")


def renew(home: Home) -> x509.Certificate:
    """What the operators do."""
    request = (home.folder / "media.csr").read_bytes()
    taken = accept_certificate(
        MEDIA_SERVER, home, certify(MEDIA_SERVER, authority(), request, ["localhost"], system_clock())
    )
    return x509.load_pem_x509_certificate(taken.certificate_pem)


async def shown_after_a_round(server: MediaServer) -> x509.Certificate:
    """What a new connection sees after housekeeping."""
    await server._keep_house_once()
    return await shown_by(server.serving.server)


async def test_certificate_is_renewed_under_a_running_server(media_home: Home) -> None:
    """New connections see the new one; an upload and a watcher that stand go on over their old connections."""
    async with running_media(media_home) as server, members(media_home, "alice", "bob") as (alice, bob):
        first = await shown_after_a_round(server)
        before, letter = alice.letter([20], "bob"), alice.letter([FULL, FULL, 20], "bob")
        watcher = bob.watching()
        await alice.post(before.parts())
        assert (await anext(watcher)).envelope_id == before.envelope_id
        fetching = bob.fetching(before.envelope_id)
        assert (await anext(fetching)).header_der == before.header
        second = renew(media_home)
        assert await shown_after_a_round(server) == second != first
        assert [part.WhichOneof("part") async for part in fetching] == ["segment", "finish"]
        await alice.post(letter.parts())
        assert (await anext(watcher)).envelope_id == letter.envelope_id
        async with members(media_home, "alice", "bob", session_id=alice.session_id) as (_, again):
            assert (await again.fetch(letter.envelope_id)).segments == letter.segments


@pytest.mark.parametrize("bundle", ["junk", "another authority", "gone"])
async def test_certificate_that_cannot_be_shown(
    media_home: Home, tmp_path_factory: pytest.TempPathFactory, bundle: str
) -> None:
    """The old one goes on, the log says so, what is over is dropped all the same; a good one is taken afterwards."""
    clock = MovableClock()
    with capture_logs() as events:
        async with (
            running_media(media_home, clock=clock, log=structlog.get_logger()) as server,
            members(media_home, "alice", "bob") as (alice, bob),
        ):
            first = await shown_after_a_round(server)
            await alice.post(alice.letter([20], "bob").parts())
            path = media_home.folder / "media.pem"
            if bundle == "gone":
                path.unlink()
            elif bundle == "junk":
                path.write_bytes(b"junk")
            else:
                other = Home(tmp_path_factory.mktemp("other") / "server")
                for _ in set_up(other, silent_log(), system_clock):
                    pass
                request = (media_home.folder / "media.csr").read_bytes()
                path.write_bytes(certify(MEDIA_SERVER, load_authority(other), request, ["localhost"], system_clock()))
            clock.move(timedelta(days=31))
            assert await shown_after_a_round(server) == first
            assert bob.mailbox() == []
            second = renew(media_home)
            assert await shown_after_a_round(server) == second
    told = [event["event"] for event in events if event["event"] in {"housekeeping_failed", "certificate_renewed"}]
    assert told == ["housekeeping_failed", "certificate_renewed"]
