"""A server that lies while a key is generated: refused, the server blamed, and nothing half done left behind."""

from __future__ import annotations

from typing import Final

import pytest

from mpc.errors import FoursealError
from tests.signer_agent.cheating_server import Lie
from tests.signer_agent.client.scene import Scene
from tests.signer_agent.lies import KEY_LIES, OTHER_MODULUS, change, clear, flipped, put, roots
from tests.signer_agent.refusals import refused
from wire.catalogue import ServiceError

BEGIN_LIES: Final[dict[str, tuple[Lie, str]]] = {
    "another modulus": (put("server_modulus", OTHER_MODULUS, "key"), "CERTIFICATION_INVALID"),
    "short modulus": (change("server_modulus", lambda data: data[1:], "key"), "MODULUS_LENGTH_WRONG"),
    "long modulus": (change("server_modulus", lambda data: b"\0" + data, "key"), "MODULUS_LENGTH_WRONG"),
    "no modulus": (clear("server_modulus", "key"), "MODULUS_LENGTH_WRONG"),
    "modulus of zeros": (put("server_modulus", bytes(256), "key"), "MODULUS_SIZE_WRONG"),
    "even modulus": (change("server_modulus", flipped, "key"), "MODULUS_EVEN"),
    "small modulus": (put("server_modulus", b"\x80" + bytes(254) + b"\x01", "key"), "MODULUS_TOO_SMALL"),
    "small factor": (put("server_modulus", b"\xff" * 256, "key"), "MODULUS_HAS_SMALL_FACTOR"),
    "no roots": (clear("server_certification_roots"), "CERTIFICATION_MALFORMED"),
    "eight roots": (roots(lambda found: found[:8]), "CERTIFICATION_INVALID"),
    "seven roots": (roots(lambda found: found[:7]), "CERTIFICATION_MALFORMED"),
    "ten roots": (roots(lambda found: [*found, found[0]]), "CERTIFICATION_MALFORMED"),
    "short root": (roots(lambda found: [found[0][1:], *found[1:]]), "CERTIFICATION_MALFORMED"),
    "wrong root": (roots(lambda found: [flipped(found[0]), *found[1:]]), "CERTIFICATION_INVALID"),
    "mixed up roots": (roots(lambda found: [found[1], found[0], *found[2:]]), "CERTIFICATION_INVALID"),
    "another key id": (put("key_id", "key-" + "a" * 26, "key"), "CERTIFICATION_INVALID"),
    "no key id": (clear("key_id", "key"), "KEY_ID_MALFORMED"),
    "key id that leads away": (put("key_id", "../identity", "key"), "KEY_ID_MALFORMED"),
    "nothing": (lambda _, answer: answer.Clear(), "KEY_ID_MALFORMED"),
}


@pytest.mark.parametrize("name", BEGIN_LIES)
async def test_a_lie_about_the_server_half_ends_the_generation(scene: Scene, name: str) -> None:
    """The server is blamed and told; the share is thrown away."""
    lie, reason = BEGIN_LIES[name]
    before = scene.stored()
    scene.lie("BeginKeyGeneration", lie)
    with refused(reason, culprit="server"):
        await scene.agent.generate_key("sign", half_bits=2048)
    assert scene.stored() == before
    assert [request.reason for request in scene.server.behaviour.calls("AbortKeyGeneration")] == [reason]
    assert scene.server.behaviour.calls("FinishKeyGeneration") == []


async def test_a_new_key_cannot_take_the_place_of_an_older_one(scene: Scene) -> None:
    """Given the id of a key that exists, the agent would overwrite that key's share: refused before anything is."""
    before = scene.store.share(scene.signing.key_id)
    scene.lie("BeginKeyGeneration", put("key_id", scene.signing.key_id, "key"))
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.generate_key("sign", half_bits=2048)
    after = scene.store.share(scene.signing.key_id)
    assert before is not None
    assert after is not None
    assert before.to_secret_bytes() == after.to_secret_bytes()


@pytest.mark.parametrize("name", KEY_LIES)
async def test_a_lie_about_the_finished_key_is_not_stored(scene: Scene, name: str) -> None:
    """What is stored is what was agreed on, or nothing."""
    before = scene.stored()
    scene.lie("FinishKeyGeneration", KEY_LIES[name])
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.generate_key("sign", half_bits=2048)
    assert scene.stored() == before


async def test_refusals_of_a_generation_leave_nothing(scene: Scene) -> None:
    """What the server refuses for good, whenever, is forgotten here too."""
    before = scene.stored()
    for rpc in ("BeginKeyGeneration", "FinishKeyGeneration"):
        scene.server.behaviour.refusals = {rpc: ServiceError("GENERATION_NOT_OPEN", key_id="x", state="y")}
        with pytest.raises(FoursealError):
            await scene.agent.generate_key("sign", half_bits=2048)
        assert scene.stored() == before
