"""Two-party generation over real gRPC: every order, every cheating client, and who is blamed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from fourseal.v1 import key_pb2, key_service_pb2

from mpc.four_prime_rsa import (
    ClientCommitment,
    Opening,
    Purpose,
    Role,
    commit_to_share,
    generate_key_share,
)
from server.root.home import Home
from server.signing import generation
from tests.server.harness import (
    HALF_BITS,
    Client,
    ClientKey,
    MovableClock,
    call,
    database_bytes,
    enrolled,
    opening_of,
    operation_rows,
    running_server,
    sealed_shares,
    sign_request,
)
from wire.ids import new_request_id
from wire.status import RemoteError

Begun = key_service_pb2.BeginKeyGenerationResponse


def new_commitment(purpose: Purpose = Purpose.SIGN) -> ClientCommitment:
    """A client's first step."""
    return commit_to_share(generate_key_share(Role.CLIENT, purpose, HALF_BITS), secrets.token_bytes)


async def reason_of(response: object) -> str:
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await response  # type: ignore[misc]  # any awaitable
    return refused.value.reason


async def state_of(client: Client, key_id: str) -> int:
    """The state of a key as the server has it."""
    response = await call(client.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key_id))
    return response.key.state


async def abort(client: Client, key_id: str, reason: str = "CERTIFICATION_INVALID") -> key_pb2.Key:
    """One AbortKeyGeneration."""
    request = key_service_pb2.AbortKeyGenerationRequest(key_id=key_id, reason=reason)
    return (await call(client.keys.AbortKeyGeneration, request)).key


@pytest.mark.parametrize("purpose", Purpose)
async def test_generation_gives_the_key_of_both_halves(alice: Client, purpose: Purpose) -> None:
    """The key that the server keeps is the product of the client's modulus and the server's."""
    key = await alice.generate(purpose=purpose)
    kept = (await call(alice.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key.key_id))).key
    assert kept.state == key_pb2.KEY_STATE_ENABLED
    assert kept.joint_public_key_der == key.joint_key.to_der()
    assert int.from_bytes(kept.client_modulus, "big") * int.from_bytes(kept.server_modulus, "big") == (
        key.joint_key.modulus
    )


async def test_begin_repeated_returns_the_key_that_the_first_call_started(alice: Client) -> None:
    """A repeat has the same key, modulus and certificate; so has one that comes at the same time."""
    commitment = new_commitment()
    first, second = await asyncio.gather(*(alice.begin(commitment, request_id="r" * 16) for _ in range(2)))
    third = await alice.begin(commitment, request_id="r" * 16)
    assert first == second == third
    listed = await call(alice.keys.ListKeys, key_service_pb2.ListKeysRequest())
    assert len(listed.keys) == 1


async def test_begin_with_another_commitment(alice: Client) -> None:
    """A request_id stands for one commitment."""
    await alice.begin(new_commitment(), request_id="r" * 16)
    assert await reason_of(alice.begin(new_commitment(), request_id="r" * 16)) == "REQUEST_ID_REUSED"


async def test_begin_repeated_after_the_end_tells_the_state(alice: Client) -> None:
    """The key of a repeat is the key as it is now."""
    commitment = new_commitment()
    begun = await alice.begin(commitment, request_id="r" * 16)
    await alice.finish(begun.key.key_id, opening_of(commitment, begun))
    again = await alice.begin(commitment, request_id="r" * 16)
    assert again.key.state == key_pb2.KEY_STATE_ENABLED
    assert again.server_certification_roots == begun.server_certification_roots


async def test_finish_repeated_returns_the_key(alice: Client) -> None:
    """The same opening again is answered as before, at the same time and later."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    opening = opening_of(commitment, begun)
    answers = await asyncio.gather(*(alice.finish(begun.key.key_id, opening) for _ in range(5)))
    answers.append(await alice.finish(begun.key.key_id, opening))
    assert all(answer == answers[0] for answer in answers)


async def test_finish_with_another_opening_of_a_finished_key(alice: Client) -> None:
    """An opening that differs from the one that counted is refused, and changes nothing."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    opening = opening_of(commitment, begun)
    await alice.finish(begun.key.key_id, opening)
    other = replace(opening, nonce=bytes(32))
    assert await reason_of(alice.finish(begun.key.key_id, other)) == "GENERATION_NOT_OPEN"
    assert await state_of(alice, begun.key.key_id) == key_pb2.KEY_STATE_ENABLED


async def test_finish_before_begin(alice: Client) -> None:
    """There is nothing to open."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    opening = opening_of(commitment, begun)
    assert await reason_of(alice.finish("key-" + "a" * 26, opening)) == "KEY_NOT_FOUND"


async def test_finish_of_another_callers_key(alice: Client, mallory: Client) -> None:
    """Nobody opens, aborts or sees another's generation."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    opening = opening_of(commitment, begun)
    assert await reason_of(mallory.finish(begun.key.key_id, opening)) == "KEY_NOT_FOUND"
    assert await reason_of(abort(mallory, begun.key.key_id)) == "KEY_NOT_FOUND"
    assert await state_of(alice, begun.key.key_id) == key_pb2.KEY_STATE_AWAITING_OPENING
    await alice.finish(begun.key.key_id, opening)


async def test_finish_after_abort(alice: Client) -> None:
    """What was aborted stays aborted; to abort again changes nothing."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    for reason in ("CERTIFICATION_INVALID", "MODULI_TOO_CLOSE"):
        assert (await abort(alice, begun.key.key_id, reason)).state == key_pb2.KEY_STATE_ABORTED
    opening = opening_of(commitment, begun)
    assert await reason_of(alice.finish(begun.key.key_id, opening)) == "GENERATION_NOT_OPEN"


async def test_abort_after_finish(alice: Client, key: ClientKey) -> None:
    """A finished key is not aborted, but destroyed."""
    assert await reason_of(abort(alice, key.key_id)) == "GENERATION_NOT_OPEN"
    await alice.sign(sign_request(key))


async def test_use_before_the_opening(alice: Client, key: ClientKey) -> None:
    """A key that waits for its opening does nothing else."""
    begun = await alice.begin(new_commitment())
    key_id, request_id = begun.key.key_id, new_request_id()
    assert begun.key.state == key_pb2.KEY_STATE_AWAITING_OPENING
    assert (begun.key.client_modulus, begun.key.joint_public_key_der) == (b"", b"")
    request = sign_request(key)
    request.key_id = key_id
    assert await reason_of(alice.sign(request)) == "KEY_NOT_READY"
    for method, message in (
        (alice.keys.EnableKey, key_service_pb2.EnableKeyRequest),
        (alice.keys.DisableKey, key_service_pb2.DisableKeyRequest),
        (alice.keys.ScheduleKeyDestruction, key_service_pb2.ScheduleKeyDestructionRequest),
        (alice.keys.CancelKeyDestruction, key_service_pb2.CancelKeyDestructionRequest),
        (alice.keys.DestroyKey, key_service_pb2.DestroyKeyRequest),
    ):
        assert await reason_of(call(method, message(key_id=key_id, request_id=request_id))) == "KEY_STATE_WRONG"


async def test_use_after_abort(alice: Client, key: ClientKey) -> None:
    """An aborted key signs nothing, and says why it was aborted."""
    begun = await alice.begin(new_commitment())
    await abort(alice, begun.key.key_id, "MODULI_TOO_CLOSE")
    request = sign_request(key)
    request.key_id = begun.key.key_id
    with pytest.raises(RemoteError, match="MODULI_TOO_CLOSE") as refused:
        await alice.sign(request)
    assert refused.value.reason == "KEY_ABORTED"


def _other_modulus(opening: Opening) -> Opening:
    """Not the modulus that was committed to."""
    other = generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS).public
    return replace(opening, modulus=other.to_bytes())


CHEATS: dict[str, tuple[Callable[[Opening], Opening], str]] = {
    "other modulus": (_other_modulus, "COMMITMENT_NOT_OPENED"),
    "other nonce": (lambda opening: replace(opening, nonce=bytes(32)), "COMMITMENT_NOT_OPENED"),
    "short nonce": (lambda opening: replace(opening, nonce=opening.nonce[1:]), "NONCE_MALFORMED"),
    "short modulus": (lambda opening: replace(opening, modulus=opening.modulus[1:]), "MODULUS_LENGTH_WRONG"),
    "even modulus": (lambda opening: replace(opening, modulus=opening.modulus[:-1] + b"\0"), "MODULUS_EVEN"),
    "no modulus": (lambda opening: replace(opening, modulus=b""), "MODULUS_LENGTH_WRONG"),
    "eight roots": (lambda opening: replace(opening, roots=opening.roots[:8]), "CERTIFICATION_MALFORMED"),
    "short root": (
        lambda opening: replace(opening, roots=[opening.roots[0][1:], *opening.roots[1:]]),
        "CERTIFICATION_MALFORMED",
    ),
    "roots exchanged": (
        lambda opening: replace(opening, roots=[opening.roots[1], opening.roots[0], *opening.roots[2:]]),
        "CERTIFICATION_INVALID",
    ),
    "root of one": (
        lambda opening: replace(opening, roots=[(1).to_bytes(HALF_BITS // 8, "big"), *opening.roots[1:]]),
        "CERTIFICATION_INVALID",
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
async def test_cheating_client_is_blamed_and_the_generation_aborted(alice: Client, cheat: str) -> None:
    """An opening that does not hold ends the generation for good, and a repeat hears the same."""
    spoil, reason = CHEATS[cheat]
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    honest = opening_of(commitment, begun)
    for _ in range(2):
        with pytest.raises(RemoteError) as refused:
            await alice.finish(begun.key.key_id, spoil(honest))
        assert (refused.value.reason, refused.value.metadata["culprit"]) == (reason, "client")
        assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT
        if cheat == "other modulus":
            break  # it makes another one each time
    assert await state_of(alice, begun.key.key_id) == key_pb2.KEY_STATE_ABORTED
    assert await reason_of(alice.finish(begun.key.key_id, honest)) == "GENERATION_NOT_OPEN"


async def test_certificate_of_another_generation_is_no_proof(alice: Client) -> None:
    """A proof is bound to the key id: one made for another generation of the same share does not hold."""
    commitment = new_commitment()
    first, second = [await alice.begin(commitment) for _ in range(2)]
    opening = opening_of(commitment, first)
    assert await reason_of(alice.finish(second.key.key_id, opening)) == "CERTIFICATION_INVALID"


async def test_server_modulus_given_back_as_ones_own(alice: Client) -> None:
    """A client cannot take the server's modulus for its own: it has committed before it saw it."""
    commitment = new_commitment()
    begun = await alice.begin(commitment)
    opening = replace(opening_of(commitment, begun), modulus=begun.key.server_modulus)
    assert await reason_of(alice.finish(begun.key.key_id, opening)) == "COMMITMENT_NOT_OPENED"


async def test_modulus_that_was_used_before(alice: Client, mallory: Client) -> None:
    """A share is used for one key: a client modulus that shares a prime with a known one is refused."""
    share = generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS)
    await alice.generate(share=share)
    with pytest.raises(RemoteError) as refused:
        await mallory.generate(share=share)
    assert (refused.value.reason, refused.value.metadata["culprit"]) == ("MODULUS_SHARES_PRIME", "client")


async def test_share_of_an_aborted_generation_is_erased(alice: Client, home: Home) -> None:
    """Nothing of the server's share is left: no row, and no bytes in the database's files."""
    begun = await alice.begin(new_commitment())
    assert len(sealed_shares(home)) == 1
    (sealed,) = sealed_shares(home)
    assert sealed in database_bytes(home)
    await abort(alice, begun.key.key_id)
    assert sealed_shares(home) == []
    assert sealed not in database_bytes(home)
    assert sealed[30:94] not in database_bytes(home)


async def test_unfinished_generation_expires(home: Home) -> None:
    """After its time a generation is aborted by the server, its share erased, and that recorded."""
    clock = MovableClock()
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as alice:
        kept = await alice.generate()
        commitment = new_commitment()
        begun = await alice.begin(commitment)
        opening = opening_of(commitment, begun)
    clock.move(timedelta(seconds=3601))
    # A server keeps house at its start, and every minute.
    async with running_server(home, clock=clock) as server, Client(server.serving, alice.identity) as again:
        assert await state_of(again, begun.key.key_id) == key_pb2.KEY_STATE_ABORTED
        assert await reason_of(again.finish(begun.key.key_id, opening)) == "GENERATION_NOT_OPEN"
        await again.sign(sign_request(kept))
    assert len(sealed_shares(home)) == 1
    assert ("-", "ExpireKeyGeneration", "done") in [row[:3] for row in operation_rows(home)]


async def test_too_many_unfinished_generations(alice: Client, mallory: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller may have so many generations open; others are not touched by that."""
    monkeypatch.setattr(generation, "MAX_UNOPENED", 3)
    commitment = new_commitment()
    opened = [await alice.begin(commitment) for _ in range(3)]
    with pytest.raises(RemoteError) as refused:
        await alice.begin(commitment)
    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_GENERATIONS",
    )
    await mallory.begin(commitment)
    await abort(alice, opened[0].key.key_id)
    await alice.begin(commitment)
