"""Opening a key store by a PIN, and setting one.

::

    PIN --argon2id--> input --oblivious PRF, with the server--> wrapping key, proof key

The server learns neither PIN nor keys, only that somebody tried. So a stolen key store is not searched offline: each
guess is an attempt that the server counts. Who had the right one proves it, and the count begins anew.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import grpc
from cryptography.exceptions import InvalidTag
from fourseal.v1 import pin_service_pb2 as pb
from fourseal.v1.pin_service_pb2_grpc import PinServiceStub

from mpc.oprf import Blinded
from signer_agent.client.server_line import ServerLine
from signer_agent.home import Home
from signer_agent.keystore.header import GUARD_ID_BYTES, Header, PinGuard
from signer_agent.keystore.pins import PinKeys, require_pin_length
from signer_agent.keystore.sealing import KdfParameters, Passphrase
from signer_agent.keystore.store import KeyStore
from wire.catalogue import ServiceError
from wire.client.repetition import CALL_SECONDS, call_repeatedly
from wire.limits import channel_options
from wire.status import RemoteError
from wire.tls import channel_credentials

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.pin_service_pb2_grpc import PinServiceAsyncStub

_LOST: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def open_guarded(home: Home, header: Header, guard: PinGuard, pin: Passphrase) -> KeyStore:
    """Open a key store that has a guard.

    Raises:
        ServiceError: PIN_WRONG, SERVER_UNTRUSTED, MEMORY_MISSING; those of the folder.
        RemoteError: PIN_LOCKED, PIN_SPENT, PIN_GUARD_UNKNOWN; the server cannot be reached.
        PeerMisbehaved: EVALUATION_WRONG.
    """
    asked = await asyncio.to_thread(_blinded, pin, header.parameters)
    credentials = channel_credentials(guard.authority_pem)
    async with grpc.aio.secure_channel(guard.server, credentials, channel_options()) as channel:
        return await _open_with(home, header, guard, asked, PinServiceStub(channel))


async def _open_with(
    home: Home, header: Header, guard: PinGuard, asked: Blinded, stub: PinServiceAsyncStub
) -> KeyStore:
    request = pb.EvaluatePinRequest(guard_id=guard.guard_id, blinded_element=asked.element)
    answer = await call_repeatedly(stub.EvaluatePin, request, guard.server, CALL_SECONDS)
    keys = PinKeys(asked.finalize(answer.evaluation, guard.public_key))
    try:
        data_key = header.open(keys.wrapping_key)
    except InvalidTag:
        raise ServiceError("PIN_WRONG", unproven=answer.unproven) from None
    proof = pb.ProvePinRequest(
        guard_id=guard.guard_id,
        attempt=answer.attempt,
        signature=keys.prove(sha256(guard.guard_id).digest(), answer.attempt),
    )
    with suppress(_ProofLost):
        await _prove(stub, proof, guard.server)
    return KeyStore(home, data_key, wrong_pins=max(0, answer.unproven - 1))


class _ProofLost(Exception):
    """The proof did not arrive: the next one makes up for it."""


async def _prove(stub: PinServiceAsyncStub, proof: pb.ProvePinRequest, server: str) -> None:
    try:
        await call_repeatedly(stub.ProvePin, proof, server, CALL_SECONDS)
    except RemoteError as error:
        if error.code in _LOST:
            raise _ProofLost from error
        raise


async def set_pin(store: KeyStore, line: ServerLine, pin: str) -> None:
    """Have a key store opened by a PIN, in place of what opened it before.

    The guard is in use before the header names it, so a crash leaves a header that opens. Guards that are not named
    any more are removed at the end: copies of the key store made before do not open by their PIN then.

    Raises:
        ServiceError: PIN_UNSUITABLE, STORE_UNUSABLE.
        FoursealError: the server's, and those of the line.
    """
    text = Passphrase(pin)
    require_pin_length(text)
    parameters, guard_id = KdfParameters.fresh(), secrets.token_bytes(GUARD_ID_BYTES)
    asked = await asyncio.to_thread(_blinded, text, parameters)
    create = pb.CreatePinGuardRequest(guard_id=guard_id, blinded_element=asked.element)
    created = await line.call(line.pin_guards.CreatePinGuard, create)
    keys = PinKeys(asked.finalize(created.evaluation, created.public_key))
    confirm = pb.ConfirmPinGuardRequest(guard_id=guard_id, proof_key=keys.proof_public_key)
    await line.call(line.pin_guards.ConfirmPinGuard, confirm)
    guard = PinGuard(guard_id, created.public_key, created.pin_server, line.identity.authority_pem)
    await asyncio.to_thread(store.wrap, keys.wrapping_key, parameters, guard)
    await line.call(line.pin_guards.RemovePinGuards, pb.RemovePinGuardsRequest(except_guard_id=guard_id))


async def remove_guards(line: ServerLine) -> None:
    """Remove all guards, once a passphrase opens the key store. Raises as ``ServerLine.call``."""
    await line.call(line.pin_guards.RemovePinGuards, pb.RemovePinGuardsRequest())


def _blinded(text: Passphrase, parameters: KdfParameters) -> Blinded:
    """Takes some 0.1 s."""
    return Blinded(text.stretch(parameters))
