"""What a gateway hands on arrives as if there were none; and nobody else's word is taken for a gateway's."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import relay_service_pb2 as pb
from fourseal.v1 import relay_service_pb2_grpc

from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.root.gateway import start_gateway
from server.root.home import Home, Serving
from server.root.media import MediaServer
from server.root.outposts import GATEWAY, accept_certificate, certify
from tests.server.gateway.gateway import GatewayProcess, make_gateway_home, running_gateway
from tests.server.harness import silent_log
from tests.server.relay.media import (
    FULL,
    Member,
    authority,
    identity_of,
    make_media_home,
    members,
    new_authority,
    running_media,
)
from tests.server.relay.test_announcements import test_recipients_are_told_who_posted
from tests.server.relay.test_attacks import (
    test_pass_of_another_agent_that_is_remembered,
    test_posting_for_another,
)
from tests.server.relay.test_delivery import (
    test_envelope_arrives_as_it_was_sent,
    test_order_is_that_of_finishing,
    test_watcher_hears_of_what_comes,
    test_watcher_hears_when_all_was_told,
)
from tests.server.relay.test_uploads import (
    test_broken_upload_goes_on_where_it_stopped,
    test_parts_out_of_order,
)
from wire import tls
from wire.limits import channel_options
from wire.peer import FORWARDED_KEY, RELAY_KEY
from wire.status import RemoteError, error_from_rpc

__all__ = [
    "test_broken_upload_goes_on_where_it_stopped",
    "test_envelope_arrives_as_it_was_sent",
    "test_order_is_that_of_finishing",
    "test_parts_out_of_order",
    "test_pass_of_another_agent_that_is_remembered",
    "test_posting_for_another",
    "test_recipients_are_told_who_posted",
    "test_watcher_hears_of_what_comes",
    "test_watcher_hears_when_all_was_told",
]


async def reason_of(home: Home, key_pem: bytes, certificate_pem: bytes, metadata: tuple[tuple[str, bytes], ...]) -> str:
    """Why a media server refuses a call that comes with these."""
    serving = Serving.read(home.serving)
    assert serving is not None
    credentials = tls.channel_credentials(identity_of("alice").authority_pem, key_pem, certificate_pem)
    async with grpc.aio.secure_channel(serving.server, credentials, channel_options()) as channel:
        stub = relay_service_pb2_grpc.RelayServiceStub(channel)
        try:
            await stub.GetUpload(pb.GetUploadRequest(envelope_id="envelope-" + "a" * 26), metadata=metadata, timeout=20)
        except grpc.aio.AioRpcError as error:
            return error_from_rpc(error).reason
    return ""


def der_of(certificate_pem: bytes) -> bytes:
    """The same certificate, as it stands in metadata."""
    return x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)


async def test_an_agent_is_no_gateway(media_home: Home, people: list[Member]) -> None:
    """What it says of others is passed over: Mallory has Alice's pass, names her certificate, and is Mallory."""
    alice, mallory = people[0], identity_of("mallory")
    named = ((RELAY_KEY, alice.pass_der), (FORWARDED_KEY, der_of(alice.identity.certificate_pem)))
    assert await reason_of(media_home, mallory.key_pem, mallory.certificate_pem, named) == "PASS_INVALID"
    assert await reason_of(media_home, alice.identity.key_pem, alice.identity.certificate_pem, named) == ""


async def test_gateway_speaks_for_agents_of_its_authority(
    media_home: Home, gateway_home: Home, people: list[Member], tmp_path: Path
) -> None:
    """For no other, for nothing that is no certificate, and not for itself."""
    key, certificate = ((gateway_home.folder / name).read_bytes() for name in ("gateway.key", "gateway.pem"))
    alice = people[0]
    shown = (RELAY_KEY, alice.pass_der)
    own = der_of(alice.identity.certificate_pem)
    assert await reason_of(media_home, key, certificate, (shown, (FORWARDED_KEY, own))) == ""
    foreign = new_authority(tmp_path / "foreign")
    public_key = x509.load_der_x509_certificate(own).public_key()
    forged = foreign.issue_for_agent(public_key, "alice", system_clock())  # type: ignore[arg-type]
    for named in ((), ((FORWARDED_KEY, b"none"),), ((FORWARDED_KEY, forged.public_bytes(Encoding.DER)),)):
        assert await reason_of(media_home, key, certificate, (shown, *named)) == "CALLER_UNKNOWN"


async def test_renewed_certificate(tmp_path: Path, media_home: Home, media: MediaServer) -> None:
    """New lines to the media server are opened with it, and calls go on."""
    del media  # it serves
    home = make_gateway_home(tmp_path / "gateway", media_home)
    async with running_gateway(home) as gateway, members(home, "alice", "bob") as (alice, bob):
        letter = alice.letter([20], "bob")
        await alice.post(letter.parts())
        request = (home.folder / "gateway.csr").read_bytes()
        renewed = accept_certificate(
            GATEWAY, home, certify(GATEWAY, authority(), request, ["localhost"], system_clock())
        )
        await gateway._keep_house_once()
        assert gateway._upstreams._lines == {}, "a line with the old certificate is left"
        assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
        assert gateway._upstreams._current()[1] == renewed.certificate_pem


async def test_media_server_away(tmp_path: Path) -> None:
    """An agent hears that the server is unavailable, and repeats; envelopes arrive when it is back."""
    media_home = make_media_home(tmp_path / "media")
    async with running_media(media_home):
        home = make_gateway_home(tmp_path / "gateway", media_home)
        port = load_settings(home.folder).relay_address.rpartition(":")[2]
    text = media_home.config.read_text(encoding="utf-8")
    media_home.config.write_text(text.replace(':0"', f':{port}"'), encoding="utf-8")
    gateway = await start_gateway(home, load_settings(home.folder), silent_log())
    try:
        async with members(home, "alice", "bob") as (alice, bob):
            letter = alice.letter([FULL, 20], "bob")
            with pytest.raises(RemoteError) as refused:
                await alice.upload(letter.envelope_id)
            assert refused.value.reason == "SERVER_UNAVAILABLE"
            async with running_media(media_home):
                while True:
                    with contextlib.suppress(RemoteError):
                        await alice.post(letter.parts())
                        break
                    await asyncio.sleep(0.05)  # as an agent does
                assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
    finally:
        await gateway.stop()


async def test_gateway_process(media_home: Home, gateway_home: Home, people: list[Member]) -> None:
    """By its command line, and killed: another one goes on, for it kept nothing that others need."""
    del people
    home = make_gateway_home(gateway_home.folder.parent / "process", media_home)
    for _ in range(2):
        process = GatewayProcess(home)
        try:
            async with members(home, "alice", "bob") as (alice, bob):
                letter = alice.letter([20], "bob")
                await alice.post(letter.parts())
                assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
        finally:
            process.kill()


async def test_gateway_that_cannot_start(tmp_path: Path, media_home: Home, gateway_home: Home) -> None:
    """Without a certificate, or without the media server's address; each says what to do."""
    home = make_gateway_home(tmp_path / "other", media_home)
    settings = load_settings(home.folder)
    with pytest.raises(OperatorError, match="does not know the media server"):
        await start_gateway(home, settings.model_copy(update={"relay_address": ""}), silent_log())
    (home.folder / "gateway.pem").unlink()
    with pytest.raises(OperatorError, match="no certificate yet"):
        await start_gateway(home, settings, silent_log())
    del gateway_home
