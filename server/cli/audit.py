"""``fourseal-server audit``: which joint keys have a modulus that shares a prime with another one."""

from __future__ import annotations

import sys

from rich.progress import Progress

from mpc.four_prime_rsa import Role, find_shared_factors
from server.cli.database import from_database
from server.cli.output import show_json, show_line, show_table
from server.root.home import Home
from server.signing.store import opened_moduli


def audit(home: Home, *, as_json: bool) -> None:
    """Compare every modulus with every other one; exit status 1 if any two share a prime."""
    rows = from_database(home, lambda connection: list(opened_moduli(connection)))
    owners = [(key_id, role) for key_id, *_ in rows for role in (Role.CLIENT, Role.SERVER)]
    moduli = [modulus for _, *both in rows for modulus in both]
    with Progress(transient=True, disable=as_json or not sys.stdout.isatty()) as progress:
        task = progress.add_task("Comparing moduli", total=1.0)
        found = [owners[i] for i in find_shared_factors(moduli, lambda done: progress.update(task, completed=done))]
    if as_json:
        show_json({"moduli": len(moduli), "shared": [{"key_id": key_id, "role": role} for key_id, role in found]})
    elif found:
        show_table("Moduli that share a prime with another", ("key", "made by the"), found)
        show_line(
            "Whoever has both moduli can factor them. Destroy these keys, and replace the generator that made them."
        )
    else:
        show_line(f"No two of {len(moduli)} moduli share a prime.")
    if found:
        sys.exit(1)
