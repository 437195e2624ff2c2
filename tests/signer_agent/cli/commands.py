"""Commands of people who are at a real server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.signer_agent.contracts.company import Company
from tests.signer_agent.real import Ran, fourseal
from tests.signer_agent.stores import PASSPHRASE


async def run(company: Company, name: str, *arguments: str | Path, stdin: bytes = b"", status: int = 0) -> Ran:
    """A command of somebody's."""
    home = company.people[name].home
    passphrase = home.folder.with_suffix(".passphrase")
    passphrase.write_text(PASSPHRASE)
    ran = await asyncio.to_thread(fourseal, home, *arguments, passphrase=passphrase, stdin=stdin)
    assert ran.status == status, (ran.status, ran.out, ran.err)
    assert "Traceback" not in ran.err
    return ran


async def document(company: Company, name: str, *arguments: str | Path) -> Any:  # noqa: ANN401  # whatever the command prints
    """The JSON of a command."""
    return json.loads((await run(company, name, *arguments, "--json")).out)
