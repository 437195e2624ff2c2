"""Re-keys at the agent: a server that lies in one, and a crash at every step of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from signer_agent.client import server_line
from signer_agent.client.agent import LocalAgent
from signer_agent.model import AgentKey
from tests.signer_agent import server_side
from tests.signer_agent.cheating_server import Lie
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.lies import KEY_LIES, clear, put
from tests.signer_agent.refusals import refused
from wire.client import repetition
from wire.client.private_folder import PrivateFolder

LIES: Final[list[tuple[str, Lie]]] = [
    ("BeginKeyGeneration", clear("replaces_key_id", "key")),
    ("BeginKeyGeneration", put("replaces_key_id", "key-" + "a" * 26, "key")),
    ("FinishKeyGeneration", clear("replaces_key_id", "key")),
    ("FinishKeyGeneration", put("replaced_by_key_id", "nonsense", "key")),
    ("FinishKeyGeneration", KEY_LIES["another client half"]),
]
STEPS: Final = 20  # more than there are


class Killed(BaseException):
    """What no code of ours handles."""


async def signs(agent: LocalAgent, key: AgentKey) -> bool:
    """Whether a key does, under its own id."""
    return len(await agent.sign(key.key_id, b"document")) == 512


async def test_a_lie_in_a_rekey_leaves_the_old_key(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its old half again, with a right proof; or another key said to be replaced. Nothing is left behind."""
    key = await scene.agent.generate_key("sign", half_bits=2048)
    before = scene.stored()
    for rpc, lie in LIES:
        scene.server.behaviour.lies = {rpc: lie}
        with refused("ANSWER_MALFORMED", culprit="server"):
            await scene.agent.rekey(key.key_id)
        assert scene.stored() == before
    scene.server.behaviour.lies.clear()
    half = scene.server.side.keys[key.key_id].share
    with monkeypatch.context() as patched:
        patched.setattr(server_side, "generate_key_share", lambda *_: half)
        with refused("MODULUS_SHARES_PRIME", culprit="server"):
            await scene.agent.rekey(key.key_id)
    assert scene.server.behaviour.calls("AbortKeyGeneration")[-1].reason == "MODULUS_SHARES_PRIME"
    assert scene.stored() == before
    assert await signs(scene.agent, key)
    with refused("ANSWER_MALFORMED", culprit="server"):  # nor does a new key take the place of an old one
        scene.lie("BeginKeyGeneration", put("replaces_key_id", key.key_id, "key"))
        await scene.agent.generate_key("sign", half_bits=2048)


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Die at that step: before each change of a file, and on both sides of every call. Counts them."""
    count = [0]

    def reach() -> None:
        count[0] += 1
        if count[0] >= step:  # and whoever goes on meanwhile dies too
            raise Killed

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any) -> Any:  # noqa: ANN401
            reach()
            return function(*arguments)

        return changed

    call = repetition.call_repeatedly

    async def called(*arguments: Any) -> Any:  # noqa: ANN401
        reach()
        answer = await call(*arguments)
        reach()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(PrivateFolder, "write", watched(PrivateFolder.write))
        patched.setattr(PrivateFolder, "remove", watched(PrivateFolder.remove))
        patched.setattr(server_line, "call_repeatedly", called)
        yield count


async def test_a_rekey_killed_at_any_step_can_be_finished(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same command: one new key comes of it, with the label and the share; the old entry is gone."""
    key = await scene.agent.generate_key("sign", half_bits=2048, label="killed")
    share = scene.store.share(key.key_id)
    assert share is not None
    step, steps = 0, STEPS
    while step < steps:
        step += 1
        made = len(scene.server.side.keys)
        with killed_at(step, monkeypatch) as count:
            try:
                new = await scene.agent.rekey("killed")
            except Killed:
                new = None
        if new is None:
            again = LocalAgent(scene.store)
            new = await again.rekey("killed")
            await again.close()
        else:
            steps = count[0]
        assert new.replaces_key_id == key.key_id
        assert len(scene.server.side.keys) == made + 1
        kept = scene.store.share(new.key_id)
        assert kept is not None
        assert kept.to_secret_bytes() == share.to_secret_bytes()
        assert scene.store.key(key.key_id) is None
        assert scene.store.request_ids() == []
        assert await signs(scene.agent, new)
        key = new
    assert 7 < step < STEPS, "the steps were not seen"
