"""Re-keys over real gRPC: what becomes of the replaced key, and everybody who tries to misuse one."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from contextlib import closing

import pytest
from fourseal.v1 import key_pb2, key_service_pb2

from mpc.four_prime_rsa import (
    Ciphertext,
    ClientCommitment,
    GenerationTerms,
    JointPublicKey,
    Opening,
    Purpose,
    Role,
    SignatureAlgorithm,
    commit_to_share,
    generate_key_share,
    parse_partial_decryption,
)
from mpc.four_prime_rsa.certification import certify_modulus
from server.root.home import Home
from tests.server.harness import (
    ENGINE,
    HALF_BITS,
    Client,
    ClientKey,
    ServerProcess,
    call,
    database_bytes,
    database_path,
    enrol,
    make_ticket,
    opening_of,
    query,
    sealed_shares,
    sign_request,
    verify,
)
from wire.ids import new_request_id
from wire.status import RemoteError

Begun = key_service_pb2.BeginKeyGenerationResponse


async def refusal(response: object) -> tuple[str, str | None]:
    """Why a call is refused, and who is to blame."""
    with pytest.raises(RemoteError) as refused:
        await response  # type: ignore[misc]  # any awaitable
    return refused.value.reason, refused.value.metadata.get("culprit")


async def key_of(client: Client, key_id: str) -> key_pb2.Key:
    """A key as the server has it."""
    return (await call(client.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key_id))).key


async def begun_rekey(client: Client, key: ClientKey) -> tuple[Begun, Opening]:
    """A re-key up to its opening."""
    commitment = commit_to_share(key.share, secrets.token_bytes)
    begun = await client.begin(commitment, purpose=key.share.purpose, replaces=key.key_id)
    return begun, opening_of(commitment, begun, key.joint_key)


async def test_signing_key_is_replaced(home: Home, alice: Client, key: ClientKey) -> None:
    """The new key signs, the old one is gone with its share; so it goes on from key to key; others come and go."""
    before = sign_request(key)
    await alice.sign(before)
    keys, sealed = [key], sealed_shares(home)
    for _ in range(2):
        keys.append(await alice.rekey(keys[-1]))
    old, middle, new = keys
    assert new.joint_key.client == old.joint_key.client
    assert len({each.joint_key.server.modulus for each in keys}) == 3
    verify(new, b"contract", await alice.sign(sign_request(new)))

    states = [await key_of(alice, each.key_id) for each in keys]
    assert [each.state for each in states] == [
        *(key_pb2.KEY_STATE_DESTROYED, key_pb2.KEY_STATE_DESTROYED, key_pb2.KEY_STATE_ENABLED)
    ]
    assert [each.replaced_by_key_id for each in states] == [middle.key_id, new.key_id, ""]
    assert [each.replaces_key_id for each in states] == ["", old.key_id, middle.key_id]
    assert len(sealed_shares(home)) == 1
    assert sealed[0] not in database_bytes(home)
    for dead, request in ((old, sign_request(old)), (middle, sign_request(middle))):
        assert (await refusal(alice.sign(request)))[0] == "KEY_DESTROYED"
        assert (await refusal(begun_rekey(alice, dead)))[0] == "KEY_REPLACED"
    await alice.generate()  # and nobody else is taken for one who repeats a modulus


async def test_partials_of_the_old_key(alice: Client, key: ClientKey) -> None:
    """What the client said of one message holds for it by the new key too: known, and written down; for no other."""
    algorithms = (SignatureAlgorithm.PKCS1_SHA256, SignatureAlgorithm.PSS_SHA256)
    requests = [sign_request(key, algorithm=each) for each in algorithms]
    new = await alice.rekey(key)
    for algorithm, request in zip(algorithms, requests, strict=True):
        request.key_id = new.key_id
        verify(new, b"contract", await alice.sign(request), algorithm)
        request.request_id, request.digest = new_request_id(), secrets.token_bytes(32)
        assert await refusal(alice.sign(request)) == ("PARTIAL_SIGNATURE_INVALID", "client")


async def test_decryption_key_stays_for_what_was_encrypted_to_it(alice: Client) -> None:
    """Both decrypt; the old one is destroyed in two steps as ever, and the new one with it untouched."""
    old = await alice.generate(purpose=Purpose.DECRYPT)
    new = await alice.rekey(old)

    async def decrypts(key: ClientKey) -> None:
        number = secrets.token_bytes(2 * HALF_BITS // 8 - 1).rjust(2 * HALF_BITS // 8, b"\1")
        ciphertext = Ciphertext(key.joint_key, number)
        partial = await alice.decrypt_partially(key.key_id, number)
        parse_partial_decryption(ciphertext, Role.SERVER, partial)

    await decrypts(old)
    await decrypts(new)
    assert (await refusal(begun_rekey(alice, old)))[0] == "KEY_REPLACED"
    for method, message in (
        (alice.keys.ScheduleKeyDestruction, key_service_pb2.ScheduleKeyDestructionRequest),
        (alice.keys.DestroyKey, key_service_pb2.DestroyKeyRequest),
    ):
        await call(method, message(key_id=old.key_id, request_id=new_request_id()))
    assert (await refusal(decrypts(old)))[0] == "KEY_DESTROYED"
    await decrypts(new)


async def test_two_rekeys_of_one_key(home: Home, alice: Client, key: ClientKey) -> None:
    """Two under way, opened at the same time: one key comes of it, and no half of the other is left."""
    rekeys = [await begun_rekey(alice, key) for _ in range(3)]
    assert len(sealed_shares(home)) == 4
    answers = await asyncio.gather(
        *(alice.finish(begun.key.key_id, opening) for begun, opening in rekeys[:2]), return_exceptions=True
    )
    (won,) = (answer.key for answer in answers if not isinstance(answer, BaseException))
    (lost,) = (answer for answer in answers if isinstance(answer, BaseException))
    assert isinstance(lost, RemoteError)
    assert lost.reason in ("GENERATION_NOT_OPEN", "KEY_REPLACED")
    assert (await refusal(alice.finish(rekeys[2][0].key.key_id, rekeys[2][1])))[0] == "GENERATION_NOT_OPEN"
    assert len(sealed_shares(home)) == 1
    rows = query(home, "SELECT key_id, state, abort_cause FROM keys WHERE replaces_key_id = ?", key.key_id)
    assert sorted(row[1:] for row in rows) == [("aborted", "KEY_REPLACED")] * 2 + [("enabled", None)]
    (opening,) = (opening for begun, opening in rekeys if begun.key.key_id == won.key_id)
    new = ClientKey(won.key_id, key.share, opening.joint_key)
    verify(new, b"contract", await alice.sign(sign_request(new)))


async def test_who_may_not(alice: Client, mallory: Client, key: ClientKey) -> None:
    """Nobody replaces another's key or takes its half; nothing but what was begun is opened; the key signs on."""
    hers = await mallory.generate()
    assert (await refusal(begun_rekey(mallory, key)))[0] == "KEY_NOT_FOUND"
    stolen = commit_to_share(key.share, secrets.token_bytes)
    begun = await mallory.begin(stolen, replaces=hers.key_id)
    assert await refusal(mallory.finish(begun.key.key_id, _proven(key, begun, hers.joint_key, stolen.nonce))) == (
        "CLIENT_MODULUS_OTHER",
        "client",
    )
    assert (await key_of(mallory, begun.key.key_id)).state == key_pb2.KEY_STATE_ABORTED
    assert await refusal(mallory.generate(share=key.share)) == ("MODULUS_SHARES_PRIME", "client")
    assert await refusal(alice.generate(share=key.share)) == ("MODULUS_SHARES_PRIME", "client")

    decrypting = commit_to_share(generate_key_share(Role.CLIENT, Purpose.DECRYPT, HALF_BITS), secrets.token_bytes)
    differs = alice.begin(decrypting, purpose=Purpose.DECRYPT, replaces=key.key_id)
    assert (await refusal(differs))[0] == "REKEY_DIFFERS"
    assert (await refusal(alice.begin(stolen, replaces="key-?")))[0] == "KEY_ID_MALFORMED"
    waiting, _ = await begun_rekey(alice, key)
    unopened = ClientKey(waiting.key.key_id, key.share, key.joint_key)
    assert (await refusal(alice.begin(stolen, replaces=unopened.key_id)))[0] == "KEY_NOT_READY"
    verify(key, b"contract", await alice.sign(sign_request(key)))
    verify(hers, b"contract", await mallory.sign(sign_request(hers)))


async def test_key_that_ends_while_it_is_being_replaced(alice: Client, key: ClientKey) -> None:
    """Its owner has scheduled its destruction: a re-key that is under way is aborted, and none begins."""
    begun, opening = await begun_rekey(alice, key)
    schedule = key_service_pb2.ScheduleKeyDestructionRequest(key_id=key.key_id, request_id=new_request_id())
    await call(alice.keys.ScheduleKeyDestruction, schedule)
    assert (await refusal(begun_rekey(alice, key)))[0] == "KEY_DESTRUCTION_SCHEDULED"
    for _ in range(2):
        assert (await refusal(alice.finish(begun.key.key_id, opening)))[0] == "KEY_DESTRUCTION_SCHEDULED"
    assert (await key_of(alice, begun.key.key_id)).state == key_pb2.KEY_STATE_ABORTED


async def test_lost_half_killed_server_and_repeats(home: Home) -> None:
    """A key whose server half is damaged is replaced; the server is killed after each step, and each is repeated."""
    answers = []
    with ServerProcess(home) as running:
        identity = await enrol(make_ticket(home, "alice", running.serving))
        async with Client(running.serving, identity) as alice:
            key = await alice.generate()
            commitment = commit_to_share(key.share, secrets.token_bytes)
            with closing(sqlite3.connect(database_path(home))) as database, database:
                database.execute("UPDATE sealed_shares SET sealed = zeroblob(length(sealed))")
            assert (await refusal(alice.sign(sign_request(key))))[0] == "SHARE_DAMAGED"
            begun = await alice.begin(commitment, request_id="r" * 16, replaces=key.key_id)
        running.kill()
    opening = opening_of(commitment, begun, key.joint_key)
    for _ in range(2):
        with ServerProcess(home) as running:
            async with Client(running.serving, identity) as alice:
                again = await alice.begin(commitment, request_id="r" * 16, replaces=key.key_id)
                assert again.server_certification_roots == begun.server_certification_roots
                answers.append((await alice.finish(begun.key.key_id, opening)).key)
                new = ClientKey(begun.key.key_id, key.share, opening.joint_key)
                verify(new, b"contract", await alice.sign(sign_request(new)))
            running.kill()
    assert answers[0] == answers[1]
    assert query(home, "SELECT state FROM keys ORDER BY create_time") == [("destroyed",), ("enabled",)]
    assert len(sealed_shares(home)) == 1


def _proven(key: ClientKey, begun: Begun, replaced: JointPublicKey, nonce: bytes) -> Opening:
    """An opening to a modulus that is not the replaced key's, with a right proof: our own client refuses to make it."""
    terms = GenerationTerms(
        begun.key.key_id, Purpose.SIGN, HALF_BITS, ClientCommitment(key.share, nonce).commitment, replaced
    )
    roots = certify_modulus(key.share, terms.transcript(begun.key.server_modulus), ENGINE, secrets.token_bytes)
    return Opening(key.joint_key, key.joint_key.client.to_bytes(), nonce, roots)
