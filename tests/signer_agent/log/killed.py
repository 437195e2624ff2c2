"""``python killed.py HOME ADDRESS CALLS``: looks at the log, and dies like kill -9 before call number CALLS + 1."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from signer_agent.client import server_line
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.signer_agent.log.logs import watching
from tests.signer_agent.stores import PASSPHRASE
from wire.client import repetition

HOME, ADDRESS, CALLS = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def main() -> None:
    """Look once."""
    call, left = repetition.call_repeatedly, CALLS

    async def watched(*arguments: Any) -> Any:  # noqa: ANN401
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return await call(*arguments)

    vars(server_line)["call_repeatedly"] = watched
    async with watching(KeyStore.open(Home.find(Path(HOME)), Passphrase(PASSPHRASE)), ADDRESS) as watch:
        await watch.look()


asyncio.run(main())
