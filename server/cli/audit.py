"""``fourseal-server audit``: which keys have a modulus that shares a prime with another one."""

from __future__ import annotations

import sys
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
    owners = from_database(home, _all_moduli)
    moduli = [modulus for modulus, _ in owners]
    with Progress(transient=True, disable=as_json or not sys.stdout.isatty()) as progress:
        task = progress.add_task("Comparing moduli", total=1.0)
        places = find_shared_factors(moduli, lambda done: progress.update(task, completed=done))
    found = [owner for place in places for owner in owners[place][1]]
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


def _all_moduli(connection: Connection) -> list[tuple[int, list[Owner]]]:
    """Every modulus once for each that made it: keys of which one replaced the other share the client's."""
    keys = list(opened_moduli(connection))
    replaced = {key.key_id: key.replaces_key_id for key in keys}
    clients: dict[tuple[str, int], list[Owner]] = {}
    for key in keys:
        owners = clients.setdefault((_first(key.key_id, replaced), key.client), [])
        owners.append(("key", key.key_id, Role.CLIENT.value))
    found = [(modulus, owners) for (_, modulus), owners in clients.items()]
    found += [(key.server, [("key", key.key_id, Role.SERVER.value)]) for key in keys]
    found += [(modulus, [("account", name, purpose.value)]) for name, purpose, modulus in signer_moduli(connection)]
    found += [(modulus, [("session", name, purpose.value)]) for name, purpose, modulus in session_moduli(connection)]
    return found


def _first(key_id: str, replaced: dict[str, str | None]) -> str:
    """The first key of a chain of re-keys."""
    while (earlier := replaced.get(key_id)) is not None:
        key_id = earlier
    return key_id
