"""A certificate authority whose key is in a token: what others say of what it issues, and what happens without it."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from typer.main import get_command

from server.cli.main import app
from server.custody.pkcs11 import TokenHolder
from server.identity import Authority
from server.root.application import Server
from server.root.doctor import State, _check_authority
from server.root.home import Home
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.custody.pkcs11.test_pool import until
from tests.server.harness import (
    MovableClock,
    enrol_with,
    make_home,
    make_ticket,
    new_certificate_request,
    query,
    running_server,
)
from wire.catalogue import ServiceError
from wire.status import error_from_rpc

operator = get_command(app)


def openssl(folder: Path, *arguments: str) -> str:
    """What ``openssl`` says."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


async def test_authority_with_and_without_its_token(
    in_token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its certificates, list and request are ordinary ones. Without the token nobody is certified, all else goes on."""
    home, clock = make_home(tmp_path / "server", ocsp_listen="127.0.0.1:0"), MovableClock()

    async def says(*arguments: str) -> str:
        await asyncio.to_thread(operator, [*arguments, "--home", str(home.folder)], standalone_mode=False)
        return capsys.readouterr().out

    async with running_server(home, clock=clock) as server:
        holder, accounts = server._ground.custody.shares.holder, server._rules.accounts
        assert isinstance(holder, TokenHolder)
        authority = server._ground.database.read_now(Authority.find_certificate_pem)
        (tmp_path / "authority.pem").write_bytes(authority)
        ticket = make_ticket(home, "alice", server.serving)
        enrolled = await enrol_with(ticket, new_certificate_request()[1])
        (tmp_path / "alice.der").write_bytes(enrolled.certificate_der)
        assert "alice.der: OK" in openssl(tmp_path, "verify", "-CAfile", "authority.pem", "alice.der")
        await says("crl", "--out", str(tmp_path / "list.der"))
        shown = openssl(tmp_path, "crl", "-inform", "DER", "-in", "list.der", "-CAfile", "authority.pem", "-noout")
        assert "verify OK" in shown
        await says("authority", "request", "--out", str(tmp_path / "request.pem"))
        assert "verify OK" in openssl(tmp_path, "req", "-verify", "-noout", "-in", "request.pem")

        async def status() -> str:
            url = f"http://{server.serving.status_server}/ocsp"
            trusted = ("-issuer", "authority.pem", "-CAfile", "authority.pem", "-url", url, "-serial", "12")
            return await asyncio.to_thread(openssl, tmp_path, "ocsp", *trusted)

        before = await accounts.lists.current()
        in_token.pull()
        ticket, request = make_ticket(home, "bob", server.serving, hours=200), new_certificate_request()[1]
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await enrol_with(ticket, request)
        refused = error_from_rpc(failed.value)
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CUSTODY_UNAVAILABLE")
        assert refused.retry_seconds == 1
        assert "12: unknown" in await status()
        clock.move(timedelta(days=4))  # the list is due now
        assert await accounts.lists.current() == before
        clock.move(timedelta(days=4))  # and over now; what else there is to keep in order is, all the same
        with pytest.raises(ServiceError, match="cannot be reached"):
            await accounts.lists.current()
        await server._keep_house_once()
        assert query(home, "SELECT agent_id FROM tickets") == [("bob",)]  # the other one has expired
        with monkeypatch.context() as patch:
            patch.setenv("FOURSEAL_PKCS11_PIN", "")
            assert "Authority" in await says("trust", "--out", str(tmp_path / "trust"))
        in_token.put_back()
        await asyncio.to_thread(until, lambda: bool(holder.pool().process_ids))
        assert (await enrol_with(ticket, request)).agent_id == "bob"
        assert (await accounts.lists.current()).number > before.number
        await destroyed(home, server, holder)


async def destroyed(home: Home, server: Server, holder: TokenHolder) -> None:
    """Somebody who has the PIN destroys the authority's key: doctor sees it, and who is to be certified is told."""
    assert _check_authority(server._ground).state is State.OK
    ((object_id,),) = query(home, "SELECT object_id FROM token_objects WHERE key_id = 'authority'")
    assert holder.pool().destroy(object_id)
    assert _check_authority(server._ground).state is State.FAILED
    ticket = make_ticket(home, "carol", server.serving, hours=200)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await enrol_with(ticket, new_certificate_request()[1])
    assert error_from_rpc(failed.value).reason == "NAMED_KEY_DAMAGED"
