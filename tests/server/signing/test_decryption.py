"""Joint decryption over real gRPC: the server's partial, for its owner, of its purpose, and never kept."""

from __future__ import annotations

import secrets
from hashlib import sha256

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fourseal.v1 import key_pb2, key_service_pb2

from mpc.four_prime_rsa import (
    Ciphertext,
    DecryptionShare,
    HashAlgorithm,
    OaepParameters,
    Purpose,
    Role,
    combine_decryption,
    create_partial_decryption,
    parse_partial_decryption,
)
from server.root.home import Home
from tests.server import lasting
from tests.server.harness import ENGINE, Client, ClientKey, call, database_bytes, query
from wire.ids import new_request_id
from wire.status import RemoteError

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


pytestmark = pytest.mark.asyncio(loop_scope="module")
home, server, alice, mallory = lasting.home, lasting.server, lasting.alice, lasting.mallory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def key(alice: Client) -> ClientKey:
    """A joint decryption key of Alice's."""
    return await alice.generate(purpose=Purpose.DECRYPT)


def encrypt(key: ClientKey, plaintext: bytes = b"secret") -> bytes:
    """Encrypt by OpenSSL, through ``cryptography``."""
    return key.joint_key.to_cryptography().encrypt(plaintext, OAEP)


async def test_plaintext_comes_back(alice: Client, key: ClientKey) -> None:
    """Both partials together open what OpenSSL encrypted."""
    data = encrypt(key)
    ciphertext = Ciphertext(key.joint_key, data)
    theirs = parse_partial_decryption(ciphertext, Role.SERVER, await alice.decrypt_partially(key.key_id, data))
    assert isinstance(key.share, DecryptionShare)
    ours = create_partial_decryption(key.share, ciphertext, ENGINE, secrets.token_bytes)
    parameters = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)
    assert combine_decryption(ciphertext, ours, theirs, parameters) == b"secret"


async def test_repeat_gets_the_same_partial_though_it_was_not_kept(home: Home, alice: Client, key: ClientKey) -> None:
    """The journal has digests of ciphertext and partial, the database nowhere the partial."""
    data, request_id = encrypt(key), new_request_id()
    first = await alice.decrypt_partially(key.key_id, data, request_id=request_id)
    assert await alice.decrypt_partially(key.key_id, data, request_id=request_id) == first
    assert first not in database_bytes(home)
    rows = query(home, "SELECT digest, result_sha256, answer FROM operations WHERE request_id = ?", request_id)
    assert rows == [(sha256(data).digest(), sha256(first).digest(), None)]


async def test_repeat_for_a_disabled_key_is_refused(alice: Client) -> None:
    """A repeat uses the share again, so the key must be enabled still."""
    key = await alice.generate(purpose=Purpose.DECRYPT)
    data, request_id = encrypt(key), new_request_id()
    await alice.decrypt_partially(key.key_id, data, request_id=request_id)
    request = key_service_pb2.DisableKeyRequest(key_id=key.key_id, request_id=new_request_id())
    await call(alice.keys.DisableKey, request)
    with pytest.raises(RemoteError) as refused:
        await alice.decrypt_partially(key.key_id, data, request_id=request_id)
    assert refused.value.reason == "KEY_DISABLED"


async def test_other_ciphertext_under_the_same_request_id(alice: Client, key: ClientKey) -> None:
    """A request_id stands for one ciphertext."""
    request_id = new_request_id()
    await alice.decrypt_partially(key.key_id, encrypt(key), request_id=request_id)
    with pytest.raises(RemoteError) as refused:
        await alice.decrypt_partially(key.key_id, encrypt(key), request_id=request_id)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_signing_key_does_not_decrypt(alice: Client) -> None:
    """A signing share used for raw exponentiation would sign anything."""
    signing = await alice.generate()
    with pytest.raises(RemoteError) as refused:
        await alice.decrypt_partially(signing.key_id, encrypt(signing))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "WRONG_PURPOSE")


async def test_key_of_another_is_not_there(alice: Client, mallory: Client, key: ClientKey) -> None:
    """Nobody else gets the server's partial."""
    with pytest.raises(RemoteError) as refused:
        await mallory.decrypt_partially(key.key_id, encrypt(key))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "KEY_NOT_FOUND")
    await alice.decrypt_partially(key.key_id, encrypt(key))


@pytest.mark.parametrize("form", ["empty", "short", "long", "zero", "modulus", "factor", "all ones"])
async def test_malformed_ciphertext(alice: Client, key: ClientKey, form: str) -> None:
    """Only numbers that the key could have made are opened."""
    size = key.joint_key.byte_length
    ciphertexts = {
        "empty": b"",
        "short": encrypt(key)[1:],
        "long": b"\0" + encrypt(key),
        "zero": bytes(size),
        "modulus": key.joint_key.modulus.to_bytes(size, "big"),
        "factor": key.share.public.modulus.to_bytes(size, "big"),
        "all ones": b"\xff" * size,
    }
    with pytest.raises(RemoteError) as refused:
        await alice.decrypt_partially(key.key_id, ciphertexts[form])
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CIPHERTEXT_MALFORMED")


async def test_daily_limit(alice: Client) -> None:
    """Decryptions are counted as signatures are."""
    key = await alice.generate(purpose=Purpose.DECRYPT, policy=key_pb2.KeyPolicy(daily_limit=1))
    await alice.decrypt_partially(key.key_id, encrypt(key))
    with pytest.raises(RemoteError) as refused:
        await alice.decrypt_partially(key.key_id, encrypt(key))
    assert refused.value.reason == "DAILY_LIMIT_REACHED"
