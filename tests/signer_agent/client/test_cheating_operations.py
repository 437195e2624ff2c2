"""A server that lies about signatures, decryptions and keys: refused, and the server blamed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from fourseal.v1 import algorithms_pb2, key_pb2

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.home import Home
from signer_agent.interface import DEFAULT_OAEP, AsyncAgent
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.model import DigestToSign, KeyChange, KeyState, SignedDigest
from tests.signer_agent.authority import Authority
from tests.signer_agent.cheating_server import Lie
from tests.signer_agent.client.scene import Scene, identity_at
from tests.signer_agent.lies import KEY_LIES, OTHER_MODULUS, POLICY_LIES, Answer, change, clear, flipped, put
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.catalogue import ServiceError
from wire.status import RemoteError

PSS = SignatureAlgorithm.PSS_SHA256
DIGEST = bytes(range(32))


def partial_of_the_client(request: Answer, answer: Answer) -> None:
    """The client's own partial sent back as the signature, at its length and at the joint one."""
    answer.signature = request.client_partial.rjust(len(answer.signature), b"\0")


def last_signature() -> Lie:
    """The signature of the request before."""
    signatures: list[bytes] = []

    def lie(_: object, answer: Answer) -> None:
        signatures.append(answer.signature)
        answer.signature = signatures[max(len(signatures) - 2, 0)]

    return lie


SIGN_LIES: Final[dict[str, tuple[Lie, str]]] = {
    "one bit": (change("signature", flipped), "JOINT_SIGNATURE_INVALID"),
    "nothing": (clear("signature"), "JOINT_SIGNATURE_INVALID"),
    "zeros": (put("signature", bytes(512)), "JOINT_SIGNATURE_INVALID"),
    "one": (put("signature", bytes(511) + b"\x01"), "JOINT_SIGNATURE_INVALID"),
    "all ones": (put("signature", b"\xff" * 512), "JOINT_SIGNATURE_INVALID"),
    "cut": (change("signature", lambda data: data[:-1]), "JOINT_SIGNATURE_INVALID"),
    "longer": (change("signature", lambda data: b"\0" + data), "JOINT_SIGNATURE_INVALID"),
    "the client's partial": (partial_of_the_client, "JOINT_SIGNATURE_INVALID"),
    "another key": (put("key_id", "key-" + "a" * 26), "ANSWER_MALFORMED"),
    "no key": (clear("key_id"), "ANSWER_MALFORMED"),
    "another algorithm": (put("algorithm", algorithms_pb2.SIGNATURE_ALGORITHM_RSA_PKCS1_SHA256), "ANSWER_MALFORMED"),
    "no algorithm": (clear("algorithm"), "ANSWER_MALFORMED"),
    "unknown algorithm": (put("algorithm", 99), "ANSWER_MALFORMED"),
}


@pytest.mark.parametrize("name", SIGN_LIES)
async def test_a_wrong_signature_is_not_handed_out(scene: Scene, name: str) -> None:
    """Whatever is wrong with it, one way or many at a time."""
    lie, reason = SIGN_LIES[name]
    scene.lie("SignDigest", lie)
    with refused(reason, culprit="server"):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST)

    def lie_about_the_second(request: Answer, answer: Answer) -> None:
        lie(request.items[1], answer.results[1].signed)

    scene.lie("BatchSignDigests", lie_about_the_second)
    items = [DigestToSign(scene.signing.key_id, PSS, DIGEST) for _ in range(3)]
    first, second, third = await scene.agent.sign_digests(items)
    assert isinstance(first, SignedDigest)
    assert isinstance(third, SignedDigest)
    assert isinstance(second, PeerMisbehaved)
    assert (second.reason, second.culprit) == (reason, "server")


async def test_somebody_elses_signature_is_not_handed_out(scene: Scene) -> None:
    """A valid signature by this very key, of another digest."""
    scene.lie("SignDigest", last_signature())
    await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    with refused("JOINT_SIGNATURE_INVALID", culprit="server"):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST[::-1])


async def test_an_old_signature_of_the_same_digest_is_not_handed_out(scene: Scene) -> None:
    """It holds for another salt: it is the answer to another request."""
    scene.lie("SignDigest", last_signature())
    await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    with refused("JOINT_SIGNATURE_INVALID", culprit="server"):
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST)


def swap_first_two(_: object, answer: Answer) -> None:
    """Answers in another order."""
    first, second = answer.results[0].signed.signature, answer.results[1].signed.signature
    answer.results[0].signed.signature, answer.results[1].signed.signature = second, first


async def test_a_batch_in_another_order_is_noticed(scene: Scene) -> None:
    """Item by item."""
    scene.lie("BatchSignDigests", swap_first_two)
    items = [DigestToSign(scene.signing.key_id, PSS, bytes([number]) * 32) for number in range(3)]
    outcomes = await scene.agent.sign_digests(items)
    assert [isinstance(outcome, PeerMisbehaved) for outcome in outcomes] == [True, True, False]


@pytest.mark.parametrize("length", [0, 1, 3])
async def test_a_batch_of_another_length_is_refused(scene: Scene, length: int) -> None:
    """Nobody guesses which answer is whose."""

    def lie(_: object, answer: Answer) -> None:
        while len(answer.results) > length:
            answer.results.pop()
        while len(answer.results) < length:
            answer.results.add()

    scene.lie("BatchSignDigests", lie)
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.sign_digests([DigestToSign(scene.signing.key_id, PSS, DIGEST) for _ in range(2)])


async def test_a_batch_with_an_empty_outcome_is_noticed(scene: Scene) -> None:
    """Neither a signature nor an error: the server's fault."""
    scene.lie("BatchSignDigests", lambda _, answer: answer.results[0].Clear())
    (outcome,) = await scene.agent.sign_digests([DigestToSign(scene.signing.key_id, PSS, DIGEST)])
    assert isinstance(outcome, PeerMisbehaved)


DECRYPT_LIES: Final[dict[str, tuple[Lie, str]]] = {
    "one bit": (change("partial_decryption", flipped), "PARTIAL_DECRYPTION_INVALID"),
    "zeros": (put("partial_decryption", bytes(256)), "PARTIAL_DECRYPTION_INVALID"),
    "one": (put("partial_decryption", bytes(255) + b"\x01"), "PARTIAL_DECRYPTION_INVALID"),
    "all ones": (put("partial_decryption", b"\xff" * 256), "PARTIAL_DECRYPTION_INVALID"),
    "nothing": (clear("partial_decryption"), "PARTIAL_MALFORMED"),
    "cut": (change("partial_decryption", lambda data: data[:-1]), "PARTIAL_MALFORMED"),
    "longer": (change("partial_decryption", lambda data: b"\0" + data), "PARTIAL_MALFORMED"),
    "another key": (put("key_id", "key-" + "a" * 26), "ANSWER_MALFORMED"),
}


@pytest.mark.parametrize("name", DECRYPT_LIES)
async def test_a_wrong_partial_decryption_is_not_used(scene: Scene, name: str) -> None:
    """It is the server's fault, and no failure of the padding."""
    lie, reason = DECRYPT_LIES[name]
    padding = DEFAULT_OAEP.to_cryptography_padding()
    ciphertext = scene.decrypting.public_key().encrypt(b"secret", padding)
    assert await scene.agent.decrypt(scene.decrypting.key_id, ciphertext) == b"secret"
    scene.lie("CreatePartialDecryption", lie)
    with refused(reason, culprit="server"):
        await scene.agent.decrypt(scene.decrypting.key_id, ciphertext)


@pytest.mark.parametrize("name", sorted(KEY_LIES.keys() - POLICY_LIES))
async def test_a_lie_about_a_known_key_is_noticed(scene: Scene, name: str) -> None:
    """Asked for one key, for all keys, or when its state changes."""
    lie = KEY_LIES[name]
    scene.lie("GetKey", lie)
    scene.lie("DisableKey", lie)
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.get_key(scene.signing.key_id)
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.change_key(scene.signing.key_id, KeyChange.DISABLE)


async def test_a_false_key_in_a_list_is_noticed(scene: Scene) -> None:
    """One with a half that is not ours."""

    def lie(_: object, answer: Answer) -> None:
        for key in answer.keys:
            key.client_modulus = OTHER_MODULUS

    scene.lie("ListKeys", lie)
    with refused("ANSWER_MALFORMED", culprit="server"):
        await scene.agent.list_keys()


async def test_a_server_that_only_says_destroyed_erases_nothing(scene: Scene) -> None:
    """A share is erased when its owner says so, not when a server's list does."""
    scene.lie("GetKey", put("state", key_pb2.KEY_STATE_DESTROYED, "key"))
    scene.lie("DisableKey", put("state", key_pb2.KEY_STATE_DESTROYED, "key"))

    def all_destroyed(_: object, answer: Answer) -> None:
        for key in answer.keys:
            key.state = key_pb2.KEY_STATE_DESTROYED

    scene.lie("ListKeys", all_destroyed)
    assert (await scene.agent.get_key(scene.signing.key_id)).state is KeyState.DESTROYED
    await scene.agent.list_keys()
    await scene.agent.change_key(scene.signing.key_id, KeyChange.DISABLE)
    assert scene.store.share(scene.signing.key_id) is not None


async def test_a_state_of_a_newer_server_is_no_error(scene: Scene) -> None:
    """States may be added."""
    scene.lie("GetKey", put("state", 99, "key"))
    assert (await scene.agent.get_key(scene.signing.key_id)).state is KeyState.UNKNOWN


@pytest.mark.parametrize("metadata", [{}, {"self": "a", "reason": "b", "text": "c", "code": "d", "culprit": "client"}])
async def test_a_refusal_may_say_anything(scene: Scene, metadata: dict[str, str]) -> None:
    """Names that the server chooses for its metadata are only names."""
    refusal = ServiceError("KEY_DISABLED", key_id="x")
    refusal.metadata = metadata
    scene.server.behaviour.refusals["SignDigest"] = refusal
    with pytest.raises(RemoteError) as caught:
        await scene.agent.sign_digest(scene.signing.key_id, DIGEST)
    assert (caught.value.reason, caught.value.metadata) == ("KEY_DISABLED", metadata)


async def test_a_server_of_another_authority_is_not_trusted(scene: Scene, tmp_path: Path) -> None:
    """Whoever answers at the address must prove to be the server; nothing is sent to anybody else."""
    home = Home.find(tmp_path / "agent")
    store = KeyStore.create(home, Passphrase(PASSPHRASE))
    store.save_identity(identity_at(scene.server, Authority("another")))
    async with AsyncAgent.open(passphrase=PASSPHRASE, home=home.folder) as agent:
        with refused("SERVER_UNTRUSTED", server=scene.server.address):
            await agent.list_keys()
    assert scene.server.behaviour.seen == []
