"""``python -m bench.load.agent HOME PASSPHRASE_FILE``: signs through the agent's library, as orders say.

An order's source is a key's id. The document of each place is made from both, so that whoever ordered the signatures
can check them. A batch is a run of the pipeline, which divides it into calls by itself.
"""

from __future__ import annotations

import asyncio
import sys
from hashlib import sha256
from pathlib import Path

from bench.errors import BenchFailed
from bench.load.loop import Sign, serve
from bench.load.orders import Order
from mpc.errors import FoursealError
from signer_agent.interface import DEFAULT_ALGORITHM, AsyncAgent
from signer_agent.model import DigestToSign, SigningResult


def digest_of(source: str, place: int) -> bytes:
    """Return the SHA-256 digest that is signed for a place of an order."""
    return sha256(f"{source} {place}".encode()).digest()


def _signature(result: SigningResult) -> bytes:
    if isinstance(result.outcome, FoursealError):
        raise BenchFailed(f"an item was refused: {result.outcome.reason}")
    return result.outcome.signature


async def main(home: Path, passphrase: str) -> None:
    """Open the key store, and serve orders."""
    async with AsyncAgent.open(passphrase=passphrase, home=home) as agent:

        def prepare(order: Order) -> Sign:
            async def sign(place: int) -> bytes:
                return await agent.sign_digest(order.source, digest_of(order.source, place))

            async def sign_run(place: int) -> bytes:
                places = range(place * order.batch, (place + 1) * order.batch)
                items = (
                    DigestToSign(order.source, DEFAULT_ALGORITHM, digest_of(order.source, each)) for each in places
                )
                first, *_ = [_signature(result) async for result in agent.sign_many(items)]
                return first

            return sign if order.batch == 1 else sign_run

        await serve(sys.stdin, sys.stdout, prepare)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")))
