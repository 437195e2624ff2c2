"""Alice, who administers acme, and Bob, who uses its keys: agents with personal certificates, at a server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.rig.company import PASSPHRASE, register
from bench.rig.server import ServerProcess
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.signer_keys import KeyChoice
from signer_agent.home import Home
from signer_agent.trusteeship.grants import Grant
from signer_agent.trusteeship.trusteeship import Trusteeship

SETTINGS: Final = {"FOURSEAL_REGISTRATION_OFFICERS": '["bench"]'}
"""That a server needs which officers are to certify at."""
KEY: Final = "personal"
"""Label of everybody's joint key."""
_DAY: Final = timedelta(days=1)
_SIGNER_BITS: Final = 2048  # of the keys for contract sessions, which nobody uses here


@dataclass(frozen=True, slots=True)
class Trusted:
    """Both, and acme's keys for signing by their kind.

    Args:
        bob: his agent.
        uses: his trusteeship.
        administers: Alice's.
        keys: ids by kind.
    """

    bob: LocalAgent
    uses: Trusteeship
    administers: Trusteeship
    keys: dict[str, str]

    async def grant(self, kind: str, uses: int) -> Grant:
        """A grant of Bob's, approved."""
        end = datetime.now(UTC).replace(microsecond=0) + _DAY
        asked = await self.uses.request_grant("acme", self.keys[kind], uses=uses, end=end, reason="a benchmark")
        return await self.administers.approve(asked)


def prepare(server: ServerProcess, folder: Path, kinds: tuple[str, ...]) -> tuple[dict[str, Home], dict[str, str]]:
    """Register both, and acme with a key of each kind; their folders, and the keys."""
    homes = {name: register(server, folder, name, KeyChoice(bits=_SIGNER_BITS)) for name in ("alice", "bob")}
    server.operate("organisation", "add", "acme", "--display-name", "Acme")
    server.operate("organisation", "administrator", "add", "acme", "alice")
    return homes, {kind: _make_key(server, kind) for kind in kinds}


@asynccontextmanager
async def trusted(
    server: ServerProcess, homes: dict[str, Home], keys: dict[str, str], half_bits: int
) -> AsyncIterator[Trusted]:
    """Give both certified keys, and open their agents."""
    async with AsyncExitStack() as stack:
        agents, trusts = dict[str, LocalAgent](), dict[str, Trusteeship]()
        for name, home in homes.items():
            agent = agents[name] = await LocalAgent.open_store(home, PASSPHRASE)
            stack.push_async_callback(agent.close)
            await agent.generate_key("sign", half_bits=half_bits, label=KEY)
            contracts: Contracts = await agent.contracts()
            asked = await contracts.personal_certificates(agent).request(KEY)
            _approve(server, asked.certificate_request_id)
            trusts[name] = contracts.trusteeship(agent)
        yield Trusted(agents["bob"], trusts["bob"], trusts["alice"], keys)


def _make_key(server: ServerProcess, kind: str) -> str:
    made = json.loads(server.operate("organisation", "key", "acme", "--purpose", "sign", "--kind", kind, "--json"))
    asked = json.loads(server.operate("organisation", "request", made["key_id"], "--json"))
    _approve(server, asked["certificate_request_id"])
    return str(made["key_id"])


def _approve(server: ServerProcess, request: str) -> None:
    server.operate("ra", "approve", request, "--officer", "bench", "--json")
