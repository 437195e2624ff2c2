"""The lease that this process shows with its calls, taken and renewed by itself.

On the disk stands the baton for the next lease, never a lease. Before the server is asked, the request_id under which
the baton is presented is stored with it: a crash or a lost answer is repeated, by whichever process of this key store
comes next, and the server tells that from a copy of the key store, which can but choose another request_id. Processes
take their leases one after the other; those that they have live on side by side.

In the second half of its life a lease is renewed in the background, so that no call waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import lease_service_pb2 as pb

from signer_agent.keystore.entries import Baton
from signer_agent.keystore.store import KeyStore
from wire.client.blame import answer_malformed
from wire.client.private_folder import alone
from wire.ids import new_request_id

_MAX_BYTES: Final = 256
_SHORTEST_SECONDS: Final = 60
"""A lease with less than that is one that was taken long ago, by somebody who did not hear of it."""
_TURN_SECONDS: Final = 0.02

_Result = TypeVar("_Result")

Ask = Callable[[pb.TakeLeaseRequest], Awaitable[pb.TakeLeaseResponse]]


class Lease:
    """The lease of one line to the server. Belongs to the event loop that it is used on.

    Args:
        store: has the baton.
        certificate_pem: the agent's.
        ask: calls TakeLease, and repeats while the server is unavailable.
    """

    def __init__(self, store: KeyStore, certificate_pem: bytes, ask: Ask) -> None:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        self._certificate_sha256 = sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        self._store = store
        self._ask = ask
        self._turn = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None
        self._value = b""
        self._renew_time = self._end_time = float("-inf")

    async def current(self) -> bytes:
        """A lease that is valid, as far as our clock tells.

        Raises:
            FoursealError: STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE; the server's, above all CLONE_FOUND;
                PeerMisbehaved (ANSWER_MALFORMED).
        """
        now = asyncio.get_running_loop().time()
        if now >= self._end_time:
            await self._take()
        elif now >= self._renew_time and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._take())
            self._renewal.add_done_callback(_renewed)
        return self._value

    def drop(self, lease: bytes) -> None:
        """Take another one before the next call: the server says that this one has expired."""
        if lease == self._value:
            self._renew_time = self._end_time = float("-inf")

    async def close(self) -> None:
        """Stop renewing."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    async def _take(self) -> None:
        async with self._turn:
            if asyncio.get_running_loop().time() < self._renew_time:  # somebody else was faster
                return
            async with self._turn_of_processes():
                if await self._take_one() < _SHORTEST_SECONDS:
                    await self._take_one()

    async def _take_one(self) -> int:
        baton, start = await _to_its_end(self._presented), asyncio.get_running_loop().time()
        answer = await self._ask(pb.TakeLeaseRequest(request_id=baton.request_id, baton=baton.value))
        if not (0 < len(answer.lease) <= _MAX_BYTES and 0 < len(answer.next_baton) <= _MAX_BYTES):
            raise answer_malformed("its lease is none")
        next_baton = Baton(self._certificate_sha256, answer.next_baton)
        await _to_its_end(partial(self._store.save_baton, next_baton))
        self._value, remaining = answer.lease, answer.remaining_seconds
        self._renew_time, self._end_time = start + remaining / 2, start + remaining
        return remaining

    def _presented(self) -> Baton:
        """The baton, with the request_id under which it is presented; both are on the disk."""
        baton = self._store.baton()
        if baton is None or baton.certificate_sha256 != self._certificate_sha256:
            baton = Baton(self._certificate_sha256)
        if not baton.request_id:
            baton = replace(baton, request_id=new_request_id())
            self._store.save_baton(baton)
        return baton

    @asynccontextmanager
    async def _turn_of_processes(self) -> AsyncIterator[None]:
        """Who waits in a thread for a file lock cannot be called off: so look again and again."""
        while True:
            with alone(self._store.home.lease_lock) as is_alone:
                if is_alone:
                    yield
                    return
            await asyncio.sleep(_TURN_SECONDS)


async def _to_its_end(step: Callable[[], _Result]) -> _Result:
    """A step in a thread. Who calls it off waits for it: after our turn it could undo what the next one wrote."""
    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _renewed(renewal: asyncio.Task[None]) -> None:
    if not renewal.cancelled():
        renewal.exception()  # the call that finds the lease expired tries again, and tells
