"""Guards of key stores, at a real server: what a thief can try, and how often."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fourseal.v1 import key_pb2, key_service_pb2
from fourseal.v1 import pin_service_pb2 as pb
from fourseal.v1.pin_service_pb2_grpc import PinGuardServiceStub, PinServiceStub
from sqlalchemy import Connection, text

from mpc.errors import FoursealError
from mpc.oprf import Blinded
from server.root.application import Server
from server.root.home import Home, Serving
from tests.server.harness import (
    Client,
    MovableClock,
    ServerProcess,
    call,
    enrol,
    enrolled,
    make_ticket,
    query,
    running_server,
    sealed_shares,
    sign_request,
)
from wire import tls
from wire.limits import channel_options
from wire.pin_proof import proof_message
from wire.status import RemoteError

PIN = b"492761"


@dataclass(frozen=True, slots=True)
class Guarded:
    """What stands in a guarded key store, and what only the right PIN gives."""

    guard_id: bytes
    public_key: bytes
    output: bytes
    proof_key: Ed25519PrivateKey

    def is_right(self, asked: Blinded, answer: pb.EvaluatePinResponse) -> bool:
        """Whether an attempt gave what the right PIN gives."""
        return asked.finalize(answer.evaluation, self.public_key) == self.output

    def proof(self, attempt: int) -> bytes:
        """The proof of an attempt."""
        return self.proof_key.sign(proof_message(sha256(self.guard_id).digest(), attempt))


class Anybody:
    """Somebody without a certificate, on the listener of enrolment."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PinServiceStub(channel)

    async def evaluate(self, guard_id: bytes, blinded: bytes) -> pb.EvaluatePinResponse:
        """EvaluatePin."""
        return await call(self._stub.EvaluatePin, pb.EvaluatePinRequest(guard_id=guard_id, blinded_element=blinded))

    async def guess(self, guard_id: bytes, pin: bytes) -> tuple[Blinded, pb.EvaluatePinResponse]:
        """An attempt, right or wrong."""
        blinded = Blinded(pin)
        answer = await self.evaluate(guard_id, blinded.element)
        return blinded, answer

    async def prove(self, guard_id: bytes, attempt: int, signature: bytes) -> None:
        """ProvePin."""
        await call(self._stub.ProvePin, pb.ProvePinRequest(guard_id=guard_id, attempt=attempt, signature=signature))


@asynccontextmanager
async def anybody(serving: Serving, client: Client) -> AsyncIterator[Anybody]:
    """A line without a certificate."""
    credentials = tls.channel_credentials(client.identity.authority_pem)
    async with grpc.aio.secure_channel(serving.enrolment_server, credentials, channel_options()) as channel:
        yield Anybody(channel)


async def create(client: Client, guard_id: bytes, blinded: bytes) -> pb.CreatePinGuardResponse:
    """CreatePinGuard."""
    request = pb.CreatePinGuardRequest(guard_id=guard_id, blinded_element=blinded)
    return await call(PinGuardServiceStub(client.channel).CreatePinGuard, request)


async def confirm(client: Client, guard_id: bytes, proof_key: Ed25519PrivateKey) -> None:
    """ConfirmPinGuard."""
    public = proof_key.public_key().public_bytes_raw()
    request = pb.ConfirmPinGuardRequest(guard_id=guard_id, proof_key=public)
    await call(PinGuardServiceStub(client.channel).ConfirmPinGuard, request)


async def remove(client: Client, except_guard_id: bytes = b"") -> None:
    """RemovePinGuards."""
    request = pb.RemovePinGuardsRequest(except_guard_id=except_guard_id)
    await call(PinGuardServiceStub(client.channel).RemovePinGuards, request)


async def guarded(client: Client, pin: bytes = PIN) -> Guarded:
    """A guard in use."""
    guard_id, blinded = secrets.token_bytes(32), Blinded(pin)
    answer = await create(client, guard_id, blinded.element)
    assert answer.pin_server == client.serving.enrolment_server
    output = blinded.finalize(answer.evaluation, answer.public_key)
    made = Guarded(guard_id, answer.public_key, output, Ed25519PrivateKey.generate())
    await confirm(client, guard_id, made.proof_key)
    return made


def refused(reason: str) -> pytest.RaisesExc[RemoteError]:
    """An answer with that reason."""
    return pytest.RaisesExc(RemoteError, check=lambda error: error.reason == reason)


async def test_the_right_pin_gives_the_same_again_and_its_proof_forgives_what_failed_before(
    server: Server, alice: Client
) -> None:
    """And the server keeps no name of a guard that somebody could call it by."""
    store = await guarded(alice)
    async with anybody(server.serving, alice) as owner:
        attempts = [await owner.guess(store.guard_id, pin) for pin in (b"000000", PIN)]
        assert [store.is_right(*each) for each in attempts] == [False, True]
        assert [(answer.attempt, answer.unproven) for _, answer in attempts] == [(1, 1), (2, 2)]

        await owner.prove(store.guard_id, 2, store.proof(2))
        await owner.prove(store.guard_id, 2, store.proof(2))

        _, third = await owner.guess(store.guard_id, PIN)
        assert (third.attempt, third.unproven) == (3, 1)
    await confirm(alice, store.guard_id, store.proof_key)


async def test_whoever_guesses_in_parallel_gets_three_answers_and_nine_in_all(home: Home) -> None:
    """After the ninth, and the time for its proof, the halves are gone. The owner's own work is not held up before."""
    clock = MovableClock()
    async with running_server(home, clock=clock) as server:
        alice = await enrolled(home, server, "alice")
        key, store = await alice.generate(), await guarded(alice)
        for unproven, locked_for in ((3, timedelta(hours=3)), (6, timedelta(hours=24)), (9, timedelta(minutes=2))):
            answers = await _guess_at_once(server, store, 2_000 if unproven == 3 else 300)
            attempts = {f"attempt {number}" for number in range(unproven - 2, unproven + 1)}
            assert set(answers) == {*attempts, "PIN_LOCKED"}
            assert all(answers[each] == 1 for each in attempts)
            async with anybody(server.serving, alice) as thief:
                with refused("PIN_LOCKED") as locked:
                    await thief.guess(store.guard_id, b"123456")
            assert locked.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert locked.value.retry_seconds == pytest.approx(locked_for.total_seconds(), abs=30)
            clock.move(locked_for)
        assert await alice.sign(sign_request(key))  # nobody has asked since, and the owner works on

        await server._rules.pins.spend_overdrawn()

        assert sealed_shares(home) == []
        for what in (alice.sign(sign_request(key)), _prove(server, alice, store, 9)):
            with pytest.raises(RemoteError) as gone:
                await what
            assert gone.value.reason in {"KEY_DESTROYED", "PIN_SPENT"}
        assert await _guess_at_once(server, store, 100) == {"PIN_SPENT": 100}
        found = await call(alice.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key.key_id))
        assert found.key.state == key_pb2.KEY_STATE_DESTROYED
        await alice.channel.close()
    (spent,) = query(home, "SELECT sealed_seed, counted FROM pin_guards")
    assert spent == (None, 9)


async def _guess_at_once(server: Server, store: Guarded, count: int) -> Counter[str]:
    """Guesses without the way over the network, which would only take turns."""
    elements = [Blinded(number.to_bytes(2, "big")).element for number in range(count)]

    async def guess(number: int) -> str:
        try:
            answer = await server._rules.pins.evaluate(store.guard_id, elements[number])
        except FoursealError as error:
            return error.reason
        return f"attempt {answer.attempt}"

    return Counter(await asyncio.gather(*map(guess, range(count))))


async def _prove(server: Server, client: Client, store: Guarded, attempt: int) -> None:
    async with anybody(server.serving, client) as owner:
        await owner.prove(store.guard_id, attempt, store.proof(attempt))


async def test_a_server_that_is_killed_forgets_no_attempt(home: Home) -> None:
    """The count is on the disk before the answer is on its way."""
    with ServerProcess(home) as first:
        identity = await enrol(make_ticket(home, "alice", first.serving))
        async with Client(first.serving, identity) as alice:
            store = await guarded(alice)
            async with anybody(first.serving, alice) as thief:
                for pin in (b"1", b"2", b"3"):
                    await thief.guess(store.guard_id, pin)
        first.kill()
    with ServerProcess(home) as second:
        async with Client(second.serving, identity) as alice, anybody(second.serving, alice) as thief:
            with refused("PIN_LOCKED"):
                await thief.guess(store.guard_id, b"4")


async def test_an_answer_that_was_lost_is_given_again_and_counts_once_also_while_the_guard_is_locked(
    server: Server, alice: Client
) -> None:
    """It says nothing new. So a bad network does not lock an honest owner out."""
    store = await guarded(alice)
    async with anybody(server.serving, alice) as owner:
        await owner.guess(store.guard_id, b"1")
        await owner.guess(store.guard_id, b"2")
        asked = Blinded(PIN)
        answers = [await owner.evaluate(store.guard_id, asked.element) for _ in range(5)]
        assert {(each.attempt, each.unproven) for each in answers} == {(3, 3)}
        assert all(store.is_right(asked, each) for each in answers)
        with refused("PIN_LOCKED"):
            await owner.guess(store.guard_id, b"3")

        await owner.prove(store.guard_id, 3, store.proof(3))

        assert store.is_right(*await owner.guess(store.guard_id, PIN))


async def test_a_thief_cannot_prove_what_was_wrong(server: Server, alice: Client) -> None:
    """Not by another key, by the proof of another attempt or guard, or in advance; old proofs forgive nothing new."""
    store, other = await guarded(alice), await guarded(alice)
    async with anybody(server.serving, alice) as thief:
        for pin in (PIN, b"1", b"2"):
            await thief.guess(store.guard_id, pin)
        forged = Guarded(store.guard_id, b"", b"", Ed25519PrivateKey.generate())
        of_other_guard = store.proof_key.sign(proof_message(sha256(other.guard_id).digest(), 2))
        for attempt, signature in (
            (2, forged.proof(2)),
            (2, store.proof(1)),
            (2, of_other_guard),
            (4, store.proof(4)),
            (0, store.proof(0)),
            (2, b""),
        ):
            with refused("PIN_PROOF_WRONG"):
                await thief.prove(store.guard_id, attempt, signature)
        await thief.prove(store.guard_id, 1, store.proof(1))
        await thief.guess(store.guard_id, b"3")
        await thief.prove(store.guard_id, 1, store.proof(1))
        with refused("PIN_LOCKED"):
            await thief.guess(store.guard_id, b"4")


async def test_a_guard_is_its_agents_and_answers_one_input_before_it_is_in_use(
    server: Server, alice: Client, mallory: Client
) -> None:
    """Or an agent that was taken over for a moment could have all PINs answered, and wait for one to be set."""
    guard_id, first = secrets.token_bytes(32), Blinded(PIN)
    answer = await create(alice, guard_id, first.element)
    assert (await create(alice, guard_id, first.element)).public_key == answer.public_key
    with refused("PIN_GUARD_EXISTS"):
        await create(alice, guard_id, Blinded(PIN).element)
    with refused("PIN_GUARD_EXISTS"):
        await create(mallory, guard_id, first.element)
    proof_key = Ed25519PrivateKey.generate()
    with refused("PIN_GUARD_UNKNOWN"):
        await confirm(mallory, guard_id, proof_key)
    async with anybody(server.serving, alice) as thief:
        with refused("PIN_GUARD_UNKNOWN"):
            await thief.guess(guard_id, b"1")
        await confirm(alice, guard_id, proof_key)
        with refused("PIN_GUARD_EXISTS"):
            await confirm(alice, guard_id, Ed25519PrivateKey.generate())
        with refused("PIN_GUARD_EXISTS"):
            await create(alice, guard_id, first.element)

        await remove(mallory)
        await thief.guess(guard_id, b"1")
        newer = await guarded(alice)
        await remove(alice, newer.guard_id)
        with refused("PIN_GUARD_UNKNOWN"):
            await thief.guess(guard_id, b"2")
        await thief.guess(newer.guard_id, b"2")
        await remove(alice)
        with refused("PIN_GUARD_UNKNOWN"):
            await thief.guess(newer.guard_id, b"3")


async def test_guards_that_were_never_used_do_not_pile_up(alice: Client) -> None:
    """Their number is bounded, and removing them makes room."""
    for _ in range(8):
        await create(alice, secrets.token_bytes(32), Blinded(PIN).element)
    with refused("TOO_MANY_PIN_GUARDS"):
        await create(alice, secrets.token_bytes(32), Blinded(PIN).element)
    await remove(alice)
    await guarded(alice)


async def test_bad_input_costs_no_attempt(server: Server, alice: Client) -> None:
    """What is no element, or no name, is refused before anything is counted."""
    store = await guarded(alice)
    element = Blinded(PIN).element
    async with anybody(server.serving, alice) as caller:
        for guard_id, blinded, reason in (
            (store.guard_id, b"", "ELEMENT_MALFORMED"),
            (store.guard_id, bytes(32), "ELEMENT_MALFORMED"),
            (store.guard_id, b"\xff" * 32, "ELEMENT_MALFORMED"),
            (store.guard_id[:31], element, "FIELD_INVALID"),
            (secrets.token_bytes(32), element, "PIN_GUARD_UNKNOWN"),
        ):
            with refused(reason):
                await caller.evaluate(guard_id, blinded)
        _, answer = await caller.guess(store.guard_id, PIN)
    assert answer.attempt == 1
    for proof_key in (b"", bytes(31)):
        request = pb.ConfirmPinGuardRequest(guard_id=store.guard_id, proof_key=proof_key)
        with refused("FIELD_INVALID"):
            await call(PinGuardServiceStub(alice.channel).ConfirmPinGuard, request)


async def test_a_seed_that_was_put_into_another_guards_row_does_not_open(
    server: Server, alice: Client, mallory: Client
) -> None:
    """An operator of the database cannot let one guard answer for another, whose counter it then would not touch."""
    store, decoy = await guarded(alice), await guarded(mallory)
    digests = sha256(store.guard_id).digest(), sha256(decoy.guard_id).digest()

    def exchange(connection: Connection) -> None:
        stolen = "UPDATE pin_guards SET sealed_seed = (SELECT sealed_seed FROM pin_guards WHERE guard_sha256 = :of)"
        connection.execute(text(f"{stolen} WHERE guard_sha256 = :at"), {"of": digests[0], "at": digests[1]})

    await server._ground.database.write(exchange)
    async with anybody(server.serving, alice) as thief:
        with refused("PIN_GUARD_DAMAGED"):
            await thief.guess(decoy.guard_id, PIN)
        assert store.is_right(*await thief.guess(store.guard_id, PIN))
