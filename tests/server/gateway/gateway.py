"""A gateway for tests, before the media server of ``tests.server.relay``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from server.clock import Clock, system_clock
from server.config import load_settings
from server.root.gateway import Gateway, start_gateway
from server.root.home import Home, Serving
from server.root.outposts import GATEWAY, accept_certificate, certify, set_up
from tests.server.harness import ServerProcess, silent_log
from tests.server.relay.media import authority

NAME: Final = "127.0.0.3"


def make_gateway_home(folder: Path, media: Home, *, name: str = NAME, **settings: object) -> Home:
    """Set a gateway up, on a free port, before the media server that serves in a folder."""
    serving = Serving.read(media.serving)
    assert serving is not None
    home = Home(folder)
    for _ in set_up(GATEWAY, home, [name]):
        pass
    request = (folder / "gateway.csr").read_bytes()
    accept_certificate(GATEWAY, home, certify(GATEWAY, authority(), request, ["localhost"], system_clock()))
    own = {"listen": f"{name}:0", "public_host": name, "server_names": [name]}
    chosen = own | {"relay_address": serving.server} | settings
    home.config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in chosen.items()))
    return home


@contextlib.asynccontextmanager
async def running_gateway(home: Home, *, clock: Clock = system_clock) -> AsyncIterator[Gateway]:
    """A gateway in this process; stopped at the end."""
    gateway = await start_gateway(home, load_settings(home.folder), silent_log(), clock=clock)
    try:
        yield gateway
    finally:
        await gateway.stop()


class GatewayProcess(ServerProcess):
    """A gateway as a process of its own, started by its command line."""

    COMMAND = ("gateway", "run")
