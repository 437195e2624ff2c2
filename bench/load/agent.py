"""``python -m bench.load.agent HOME PASSPHRASE_FILE``: signs through the agent's library, as orders say.

An order's source is a key's id. The document of each place is made from both, so that whoever ordered the signatures
can check them.
"""

from __future__ import annotations

import asyncio
import sys
from hashlib import sha256
from pathlib import Path

from bench.load.loop import Sign, serve
from bench.load.orders import Order
from signer_agent.interface import AsyncAgent


def digest_of(source: str, place: int) -> bytes:
    """Return the SHA-256 digest that is signed for a place of an order."""
    return sha256(f"{source} {place}".encode()).digest()


async def main(home: Path, passphrase: str) -> None:
    """Open the key store, and serve orders."""
    async with AsyncAgent.open(passphrase=passphrase, home=home) as agent:

        def prepare(order: Order) -> Sign:
            async def sign(place: int) -> bytes:
                return await agent.sign_digest(order.source, digest_of(order.source, place))

            return sign

        await serve(sys.stdin, sys.stdout, prepare)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")))
