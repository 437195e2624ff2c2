"""The life of a key: every change from every state, the two steps of destruction, what is left of a destroyed key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any, Final

import grpc
import pytest
from fourseal.v1 import key_pb2, key_service_pb2

from server.root.home import Home
from server.signing.states import REFUSALS, TRANSITIONS, KeyChange, KeyState
from tests.server.harness import (
    Client,
    ClientKey,
    MovableClock,
    call,
    database_bytes,
    enrolled,
    make_home,
    operation_rows,
    running_server,
    sealed_shares,
    sign_request,
)
from wire.ids import new_request_id
from wire.status import RemoteError

CALLS: Final[dict[KeyChange, tuple[str, Callable[..., Any]]]] = {
    KeyChange.ENABLE: ("EnableKey", key_service_pb2.EnableKeyRequest),
    KeyChange.DISABLE: ("DisableKey", key_service_pb2.DisableKeyRequest),
    KeyChange.SCHEDULE_DESTRUCTION: ("ScheduleKeyDestruction", key_service_pb2.ScheduleKeyDestructionRequest),
    KeyChange.CANCEL_DESTRUCTION: ("CancelKeyDestruction", key_service_pb2.CancelKeyDestructionRequest),
    KeyChange.DESTROY: ("DestroyKey", key_service_pb2.DestroyKeyRequest),
}
WAYS: Final = {
    KeyState.ENABLED: (),
    KeyState.DISABLED: (KeyChange.DISABLE,),
    KeyState.DESTRUCTION_SCHEDULED: (KeyChange.SCHEDULE_DESTRUCTION,),
    KeyState.DESTROYED: (KeyChange.SCHEDULE_DESTRUCTION, KeyChange.DESTROY),
}
BACK: Final = {
    KeyState.DISABLED: (KeyChange.ENABLE,),
    KeyState.DESTRUCTION_SCHEDULED: (KeyChange.CANCEL_DESTRUCTION, KeyChange.ENABLE),
}
PROTO_STATES: Final = {state: getattr(key_pb2, f"KEY_STATE_{state.name}") for state in KeyState}


async def change(client: Client, key_id: str, what: KeyChange, request_id: str | None = None) -> key_pb2.Key:
    """One change of a key's state."""
    name, message = CALLS[what]
    request = message(key_id=key_id, request_id=request_id or new_request_id())
    key: key_pb2.Key = (await call(getattr(client.keys, name), request)).key
    return key


async def test_every_change_from_every_state(alice: Client) -> None:
    """What the table of transitions allows happens; all else is refused and changes nothing."""
    key = await alice.generate()
    for start, way in WAYS.items():
        for what in CALLS:
            for step in way:
                await change(alice, key.key_id, step)
            transition = TRANSITIONS[what]
            if start in transition.starts or start in transition.settled:
                expected = start if start in transition.settled else transition.target
                assert (await change(alice, key.key_id, what)).state == PROTO_STATES[expected]
            else:
                expected = start
                with pytest.raises(RemoteError) as refused:
                    await change(alice, key.key_id, what)
                assert refused.value.reason == "KEY_STATE_WRONG", (start, what)
                assert refused.value.code == grpc.StatusCode.FAILED_PRECONDITION
                kept = await call(alice.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key.key_id))
                assert kept.key.state == PROTO_STATES[start]
            if expected is KeyState.DESTROYED:
                key = await alice.generate()
            for step in BACK.get(expected, ()):
                await change(alice, key.key_id, step)


@pytest.mark.parametrize("state", [state for state in WAYS if state is not KeyState.ENABLED])
async def test_only_an_enabled_key_signs(alice: Client, key: ClientKey, state: KeyState) -> None:
    """In every other state the refusal says which."""
    for step in WAYS[state]:
        await change(alice, key.key_id, step)
    with pytest.raises(RemoteError) as refused:
        await alice.sign(sign_request(key))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, REFUSALS[state])


async def test_disabled_key_signs_again_when_enabled(alice: Client, key: ClientKey) -> None:
    """A refusal of the policy is no answer: the same request may be repeated when the key is enabled again."""
    request = sign_request(key)
    await change(alice, key.key_id, KeyChange.DISABLE)
    with pytest.raises(RemoteError):
        await alice.sign(request)
    await change(alice, key.key_id, KeyChange.ENABLE)
    await alice.sign(request)


async def test_change_repeated_with_its_request_id(alice: Client, key: ClientKey) -> None:
    """A repeat is not done again: a disabled key that was enabled meanwhile stays enabled."""
    await change(alice, key.key_id, KeyChange.DISABLE, "d" * 16)
    await change(alice, key.key_id, KeyChange.ENABLE)
    assert (await change(alice, key.key_id, KeyChange.DISABLE, "d" * 16)).state == key_pb2.KEY_STATE_ENABLED


async def test_change_with_the_request_id_of_another(alice: Client, key: ClientKey) -> None:
    """A request_id stands for one change of one key."""
    await change(alice, key.key_id, KeyChange.DISABLE, "d" * 16)
    other = await alice.generate()
    for key_id, what in ((key.key_id, KeyChange.ENABLE), (other.key_id, KeyChange.DISABLE)):
        with pytest.raises(RemoteError) as refused:
            await change(alice, key_id, what, "d" * 16)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_another_agents_key_cannot_be_changed(alice: Client, mallory: Client, key: ClientKey) -> None:
    """Another's key is not there, whatever is to be done with it."""
    for what in CALLS:
        with pytest.raises(RemoteError) as refused:
            await change(mallory, key.key_id, what)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND")
    await alice.sign(sign_request(key))


async def test_destroyed_key_leaves_no_share(home: Home, alice: Client, key: ClientKey) -> None:
    """The sealed share is gone from the database and its log; the key and the record of its destruction stay."""
    (sealed,) = sealed_shares(home)
    await change(alice, key.key_id, KeyChange.SCHEDULE_DESTRUCTION)
    assert sealed in database_bytes(home)
    await change(alice, key.key_id, KeyChange.DESTROY)
    assert sealed_shares(home) == []
    left = database_bytes(home)
    assert not any(sealed[start : start + 32] in left for start in range(0, len(sealed) - 32, 32))
    kept = (await call(alice.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key.key_id))).key
    assert kept.state == key_pb2.KEY_STATE_DESTROYED
    assert kept.joint_public_key_der == key.joint_key.to_der()
    assert ("alice", "destroy", "done") in [row[:3] for row in operation_rows(home)]


async def test_destruction_waits_for_its_time(home: Home) -> None:
    """The second step is refused before destroy_time, accepted from then on, also by a restarted server."""
    clock = MovableClock()
    home = make_home(home.folder.with_name("delayed"), destruction_delay_seconds=86400)
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as alice:
        key = await alice.generate()
        scheduled = await change(alice, key.key_id, KeyChange.SCHEDULE_DESTRUCTION)
        again = await change(alice, key.key_id, KeyChange.SCHEDULE_DESTRUCTION)
        assert again.destroy_time == scheduled.destroy_time
        assert scheduled.destroy_time.ToDatetime(UTC) - clock() > timedelta(hours=23)
        with pytest.raises(RemoteError) as refused:
            await change(alice, key.key_id, KeyChange.DESTROY)
        assert (refused.value.code, refused.value.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "DESTRUCTION_NOT_DUE",
        )
    clock.move(timedelta(days=1))
    async with running_server(home, clock=clock) as server, Client(server.serving, alice.identity) as alice:
        assert (await change(alice, key.key_id, KeyChange.DESTROY)).state == key_pb2.KEY_STATE_DESTROYED


async def test_cancelled_destruction_leaves_the_key_disabled(alice: Client, key: ClientKey) -> None:
    """The way back is DISABLED: whoever cancels looks at the key before it is used again."""
    await change(alice, key.key_id, KeyChange.SCHEDULE_DESTRUCTION)
    cancelled = await change(alice, key.key_id, KeyChange.CANCEL_DESTRUCTION)
    assert cancelled.state == key_pb2.KEY_STATE_DISABLED
    assert not cancelled.HasField("destroy_time")
    await change(alice, key.key_id, KeyChange.ENABLE)
    await alice.sign(sign_request(key))


async def test_keys_are_listed_in_pages_oldest_first(alice: Client, mallory: Client) -> None:
    """Every key once, in the order in which they were made; of its caller only."""
    made = [(await alice.generate()).key_id for _ in range(5)]
    await mallory.generate()
    listed, token, sizes = [], "", []
    while True:
        request = key_service_pb2.ListKeysRequest(page_size=2, page_token=token)
        page = await call(alice.keys.ListKeys, request)
        listed += [key.key_id for key in page.keys]
        sizes.append(len(page.keys))
        token = page.next_page_token
        if not token:
            break
    assert listed == made
    assert sizes == [2, 2, 1]
