"""Small envelopes, one after the other: from the call of ``send`` to the verified message at the recipient.

Sender and recipient are one process here, apart from both servers: its event loop adds some of its time to each
envelope. Of an envelope's time, four half exponentiations are shown by themselves: the author's and the session's in
the signature, the recipient's and the session's in the decryption of the content key.
"""

from __future__ import annotations

import asyncio
import secrets
from time import perf_counter

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.rig.company import arrived, meet
from bench.rig.joint_pair import make_signing_share
from bench.rig.session import meeting
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import Role
from mpc.four_prime_rsa.partials import compute_partial
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.sources import BytesSource
from signer_agent.home import Home

GROUP = "Envelope of 1 KiB to one recipient, one after the other: sent, relayed, received, verified"
_CONTENT_BYTES = 1024
_EXPONENTIATIONS = 4
_WARM_UP = 3
_HIGH = 0.99


def run(bench: Bench) -> Outcome:
    """Measure every size of halves of the plan."""
    outcome = Outcome()
    for half_bits in bench.plan.envelope_half_bits:
        bench.progress.begin(f"envelopes, half of {half_bits} bits", 2 + bench.plan.envelopes)
        with meeting(bench, f"envelope-{half_bits}", ("alice", "bob"), half_bits) as place:
            milliseconds = asyncio.run(_exchange(bench, place.homes, bench.plan.envelopes))
        outcome += _outcome(half_bits, milliseconds, _half_milliseconds(half_bits))
    return outcome


async def _exchange(bench: Bench, homes: tuple[Home, ...], count: int) -> list[float]:
    async with arrived(homes[0]) as alice, arrived(homes[1]) as bob:
        session_id = await meet((alice, bob))
        content, taken = secrets.token_bytes(_CONTENT_BYTES), []
        received = bob.messages.receive(session_id, follow=True)
        try:
            for number in range(_WARM_UP + count):
                start = perf_counter()
                sending = asyncio.create_task(alice.messages.send(session_id, BytesSource(content)))
                message = await anext(received)
                if not isinstance(message, Message) or not message.verdict.verified:
                    raise BenchFailed("an envelope did not hold")
                taken.append(1000 * (perf_counter() - start))
                await sending
                if number >= _WARM_UP:
                    bench.progress.step()
        finally:
            await received.aclose()
    return taken[_WARM_UP:]


def _half_milliseconds(half_bits: int) -> float:
    """Median time of one half exponentiation, with blinding and self-check, on this machine now."""
    share, engine, taken = make_signing_share(Role.CLIENT, half_bits), Gmpy2Engine(), []
    for _ in range(50):
        number = secrets.randbelow(share.public.modulus)
        start = perf_counter()
        compute_partial(share, number, engine, secrets.token_bytes, what="partial signature")
        taken.append(1000 * (perf_counter() - start))
    return quantile(taken, 0.5)


def _outcome(half_bits: int, milliseconds: list[float], half: float) -> Outcome:
    name, title = f"envelope_{half_bits}", f"{half_bits}-bit halves"
    latency = Result(f"{name}_latency", f"{title}, from send to verified", GROUP, "ms", tuple(milliseconds))
    rates = tuple(1000 / each for each in milliseconds)
    results = [
        Result(f"{name}_rate", f"{title}, envelopes a second", GROUP, "1/s", rates),
        latency,
        Result(f"{name}_latency_p99", f"{title}, 99th percentile", GROUP, "ms", (quantile(milliseconds, _HIGH),)),
    ]
    share = Ratio(
        f"{name}_exponentiation",
        f"Share of exponentiation in an envelope, {title}",
        tuple(_EXPONENTIATIONS * half / each for each in milliseconds),
    )
    return Outcome(results, [share])
