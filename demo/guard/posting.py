"""Posting straight at a gateway, past the agent's own programs."""

from __future__ import annotations

from fourseal.v1 import relay_service_pb2 as pb

from demo.people import Signer
from demo.stage import CommandFailed
from mpc.errors import FoursealError
from signer_agent.contracts.relay_line import RelayLine


async def post_at(signer: Signer, address: str) -> str:
    """Begin to post, with the agent's certificate and no pass; returns why it was refused, empty if it was not.

    Args:
        signer: whose agent it is.
        address: "host:port" of the gateway.
    """
    identity = signer.store().identity()
    if identity is None:
        raise CommandFailed(f"{signer.name} is not enrolled")
    line = RelayLine(identity, address, _no_pass)
    try:
        async with line.post() as post:
            await post.write(pb.PostEnvelopeRequest(start=pb.EnvelopeStart()))
            await post.answer()
    except FoursealError as error:
        return error.reason
    finally:
        await line.close()
    return ""


async def _no_pass() -> bytes:
    return b"-"
