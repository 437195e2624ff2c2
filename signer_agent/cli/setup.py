"""``init``, ``enrol``, ``passphrase change``: the key store itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer

from signer_agent.cli.files import read_file
from signer_agent.cli.invocation import Invocation, new_passphrase
from signer_agent.cli.output import OUTPUT
from signer_agent.client.enrolment import enrol as enrol_with
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore, require_no_store, require_store
from signer_agent.ticket import MAX_TICKET_BYTES, Ticket


def init(invocation: Invocation) -> None:
    """Make a key store, encrypted with a passphrase."""
    require_no_store(invocation.home)
    KeyStore.create(invocation.home, Passphrase(new_passphrase(invocation.passphrase_file)))
    OUTPUT.show({"folder": str(invocation.home.folder)}, [("Key store", str(invocation.home.folder))])
    OUTPUT.note(f"Next: {invocation.call_of('enrol --ticket FILE')}, with a ticket of the server's operator.")


def enrol(
    invocation: Invocation,
    *,
    ticket: Annotated[Path, typer.Option("--ticket", help="The ticket, from the server's operator.")],
) -> None:
    """Get a certificate of a server, by a ticket that works once. A new ticket replaces the certificate."""
    require_store(invocation.home)
    parsed = Ticket.parse(read_file(ticket, MAX_TICKET_BYTES, "a ticket"), str(ticket), datetime.now(UTC))
    store = KeyStore.open(invocation.home, Passphrase(invocation.passphrase()))
    identity = asyncio.run(enrol_with(store, parsed))
    OUTPUT.show(
        {"agent_id": identity.agent_id, "server": identity.server_address},
        [("Enrolled as", identity.agent_id), ("Server", identity.server_address)],
    )
    if invocation.home.socket.exists():
        OUTPUT.note(f"The daemon learns it by: {invocation.call_of('agent unlock')}")
    OUTPUT.note(f"Next: {invocation.call_of('key generate sign')}")


def change_passphrase(
    invocation: Invocation,
    *,
    new_passphrase_file: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(help="File with the new passphrase, for programs. A person is asked."),
    ] = None,
) -> None:
    """Encrypt the key store with another passphrase. Copies made before still open with the old one."""
    require_store(invocation.home)
    store = KeyStore.open(invocation.home, Passphrase(invocation.passphrase("Old passphrase")))
    store.change_passphrase(Passphrase(new_passphrase(new_passphrase_file)))
    OUTPUT.show({"folder": str(invocation.home.folder)}, [("Passphrase changed", str(invocation.home.folder))])
