"""``init``, ``enrol``, ``block``, ``passphrase change``, ``pin set``: the key store itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from cryptography import x509

from signer_agent.cli.invocation import Invocation, command, new_passphrase, read_password
from signer_agent.client.opening import open_key_store
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore, require_no_store, require_store
from wire.catalogue import ServiceError
from wire.client.enrolment import begin_enrolment, block_agent
from wire.client.enrolment import enrol as enrol_with
from wire.client.identity import Identity
from wire.client.named_files import read_file
from wire.client.output import OUTPUT
from wire.client.revocation_secret import RevocationSecret
from wire.client.ticket import MAX_TICKET_BYTES, Ticket

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent

passphrases = typer.Typer(help="The key store's passphrase.", no_args_is_help=True)
pins = typer.Typer(help="A PIN in the passphrase's place, which the server helps to try.", no_args_is_help=True)


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
    secret = invocation.passphrase()

    async def enrolled() -> tuple[Identity, str]:
        store = await open_key_store(invocation.home, secret)
        to_write_down = begin_enrolment(store, parsed).revocation_secret.to_text()
        return await enrol_with(store, parsed), to_write_down

    identity, revocation_secret = asyncio.run(enrolled())
    OUTPUT.show(
        {
            "agent_id": identity.agent_id,
            "server": identity.server_address,
            "enrolment_server": parsed.enrolment_server,
            "revocation_secret": revocation_secret,
        },
        [
            ("Enrolled as", identity.agent_id),
            ("Server", identity.server_address),
            ("Revocation secret", revocation_secret),
            ("To be used at", parsed.enrolment_server),
        ],
    )
    OUTPUT.note("Write the revocation secret down now: it is shown this once. It blocks this agent from any machine.")
    if invocation.home.socket.exists():
        OUTPUT.note(f"The daemon learns it by: {invocation.call_of('agent unlock')}")
    OUTPUT.note(f"Next: {invocation.call_of('key generate sign')}")


def block(
    invocation: Invocation,  # noqa: ARG001  # every command has one
    *,
    server: Annotated[str, typer.Option(help="HOST:PORT that stands beside the secret on your paper.")],
    authority: Annotated[Path, typer.Option(help="Certificate of the server's authority, PEM, from its operator.")],
    secret_file: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(help="File with the revocation secret, for programs. A person is asked."),
    ] = None,
) -> None:
    """Block an agent by its revocation secret, at once: from any machine, without a key store."""
    secret = RevocationSecret.parse(read_password(secret_file, "Revocation secret"))
    authority_pem = read_file(authority, MAX_TICKET_BYTES, "a certificate")
    try:
        x509.load_pem_x509_certificates(authority_pem)
    except ValueError:
        raise ServiceError("FILE_UNUSABLE", file=str(authority), problem="it holds no certificate in PEM") from None
    agent_id = asyncio.run(block_agent(server, authority_pem, secret))
    OUTPUT.show({"agent_id": agent_id, "blocked": True}, [("Blocked", agent_id)])


@command(passphrases, "change")
def change_passphrase(
    invocation: Invocation,
    *,
    new_passphrase_file: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(help="File with the new passphrase, for programs. A person is asked."),
    ] = None,
) -> None:
    """Encrypt the key store with another passphrase, or with one in place of a PIN.

    Copies made before still open with an old passphrase, but with no old PIN.
    """

    async def change(agent: LocalAgent) -> None:
        passphrase = new_passphrase(new_passphrase_file)
        await agent.change_passphrase(Passphrase(passphrase))

    invocation.with_store(change, "Old passphrase")
    OUTPUT.show({"folder": str(invocation.home.folder)}, [("Passphrase changed", str(invocation.home.folder))])


@command(pins, "set")
def set_pin(
    invocation: Invocation,
    *,
    new_pin_file: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(help="File with the PIN, for programs. A person is asked."),
    ] = None,
) -> None:
    """Have the key store opened by a PIN, in place of its passphrase or of another PIN.

    The server helps to try it, and counts: three wrong ones in a row lock for three hours, six for a day, and nine
    destroy the server's halves of your keys. A stolen copy is of no use without the server. You need it to open the key
    store, too: where it cannot be reached, a passphrase is better.
    """

    async def change(agent: LocalAgent) -> None:
        await agent.set_pin(new_passphrase(new_pin_file, "PIN"))

    invocation.with_store(change)
    OUTPUT.show({"folder": str(invocation.home.folder)}, [("PIN set", str(invocation.home.folder))])
    OUTPUT.note("From now on the PIN is asked for wherever the passphrase was.")
