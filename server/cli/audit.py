"""``fourseal-server audit``: which keys have a modulus that shares a prime with another one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from rich.progress import Progress
from sqlalchemy import Connection

from mpc.four_prime_rsa import Role, find_shared_factors
from server.cli.database import from_database
from server.cli.output import show_json, show_line, show_table
from server.identity import signer_moduli
from server.root.home import Home
from server.sessions import session_moduli
from server.signing.store import opened_moduli

_COLUMNS: Final = ("of", "name", "part")

Owner = tuple[str, str, str]
"""Whose a modulus is: "key", "account" or "session"; its name; for a key who made it, else what it is for."""


def audit(home: Home, *, as_json: bool) -> None:
    """Compare every modulus with every other one; exit status 1 if any two share a prime."""
    rows = from_database(home, lambda connection: list(_all_moduli(connection)))
    moduli = [modulus for _, modulus in rows]
    with Progress(transient=True, disable=as_json or not sys.stdout.isatty()) as progress:
        task = progress.add_task("Comparing moduli", total=1.0)
        found = [rows[i][0] for i in find_shared_factors(moduli, lambda done: progress.update(task, completed=done))]
    if as_json:
        shared = [dict(zip(_COLUMNS, owner, strict=True)) for owner in found]
        show_json({"moduli": len(moduli), "shared": shared})
    elif found:
        show_table("Moduli that share a prime with another", _COLUMNS, found)
        show_line(
            "Whoever has both moduli can factor them. Destroy these keys, renew these certificates, close these "
            "sessions, and replace the generator that made them."
        )
    else:
        show_line(f"No two of {len(moduli)} moduli share a prime.")
    if found:
        sys.exit(1)


def _all_moduli(connection: Connection) -> Iterator[tuple[Owner, int]]:
    for key_id, client, server in opened_moduli(connection):
        yield ("key", key_id, Role.CLIENT.value), client
        yield ("key", key_id, Role.SERVER.value), server
    for account, purpose, modulus in signer_moduli(connection):
        yield ("account", account, purpose.value), modulus
    for session_id, purpose, modulus in session_moduli(connection):
        yield ("session", session_id, purpose.value), modulus
