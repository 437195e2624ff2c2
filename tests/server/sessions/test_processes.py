"""Two servers on one folder, as two processes on one port are: what one does holds for the other from its commit on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fourseal.v1 import account_service_pb2 as pb

from server.config import load_settings
from server.root.application import start_server
from server.root.home import Home
from tests.server.harness import MovableClock, silent_log
from tests.server.sessions.people import Session, Signer, World, arrive, signing_share_of
from wire.status import RemoteError

FORGET_SECONDS = 30.0


async def reason_of(signer: Signer, session: Session, *recipients: Signer, sequence: int) -> str:
    """Why a statement is not signed."""
    with pytest.raises(RemoteError) as refused:
        await signer.sign(session, signer.statement(session, *recipients, sequence=sequence))
    return refused.value.reason


@pytest.mark.usefixtures("session_server")
async def test_what_one_ends_the_other_refuses(
    world: World,
    session_home: Home,
    clock: MovableClock,
    alice: Signer,
    bob: Signer,
    session: Session,
) -> None:
    """A session that was closed, with its share out of the other's memory too; and a login that was ended."""
    settings = load_settings(session_home.folder)
    other = await start_server(session_home, settings, silent_log(), clock=clock, alone=False)
    opened = other._ground.custody.shares.opened
    try:
        async with arrive(world, other.serving, clock, "alice").client as client:
            there = replace(alice, client=client)
            await there.sign(session, there.statement(session, bob))
            session = await there.get(session.session_id)
            await alice.sign(session, alice.statement(session, bob, sequence=2))  # both have counted both
            session = await alice.get(session.session_id)
            assert await reason_of(there, session, bob, sequence=2) == "SEQUENCE_REPEATED"
            assert opened(signing_share_of(session)) is not None
            await alice.close(session.session_id)
            assert await reason_of(there, session, bob, sequence=3) == "SESSION_CLOSED"
            async with asyncio.timeout(FORGET_SECONDS):
                while opened(signing_share_of(session)) is not None:
                    assert await reason_of(there, session, bob, sequence=3) == "SESSION_CLOSED"
            await alice.call(alice.accounts.RevokeLogin, pb.RevokeLoginRequest())
            assert await reason_of(there, session, bob, sequence=3) == "LOGIN_REQUIRED"
    finally:
        await other.stop()
