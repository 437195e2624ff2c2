"""A full run of a real server, with every kind of failure, and its log and answers searched for secrets."""

from __future__ import annotations

import base64
import json
import secrets

import grpc
import pytest
from fourseal.v1 import key_service_pb2

from mpc.four_prime_rsa import KeyShare, Purpose
from server.root.home import Home
from tests.server.harness import (
    Client,
    ServerProcess,
    call,
    database_bytes,
    enrol,
    enrol_with,
    make_ticket,
    new_certificate_request,
    sign_request,
)
from wire.ids import new_request_id
from wire.status import RemoteError


def spellings(secret: bytes) -> list[bytes]:
    """Ways in which bytes could stand in a text."""
    number = int.from_bytes(secret, "big")
    return [
        secret,
        secret.hex().encode(),
        base64.b64encode(secret).rstrip(b"="),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
        repr(secret)[2:-1].encode(),
        str(number).encode(),
        f"{number:x}".encode(),
    ]


def secrets_of(share: KeyShare) -> list[bytes]:
    """The numbers of a share that nobody may see."""
    size = share.public.half_bits // 16
    crt = share.crt
    return [n.to_bytes(size, "big") for n in (crt.p, crt.q, crt.exponent_p, crt.exponent_q)]


async def test_no_secret_in_log_errors_and_database(home: Home) -> None:
    """Tokens, shares, master key, partials: none is in the log, in an error's text, or in the database in the open."""
    errors: list[str] = []
    with ServerProcess(home, FOURSEAL_LOG_LEVEL="debug") as process:
        ticket = make_ticket(home, "alice", process.serving)
        for request in (b"garbage", new_certificate_request()[1]):
            try:
                await enrol_with(ticket, request)
            except grpc.aio.AioRpcError as error:
                errors.append(str(error))
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            signing = await client.generate()
            decrypting = await client.generate(purpose=Purpose.DECRYPT)
            good, forged = sign_request(signing), sign_request(signing)
            forged.client_partial = secrets.token_bytes(256)
            signature = await client.sign(good)
            ciphertext = (12345).to_bytes(512, "big")
            server_partial = await client.decrypt_partially(decrypting.key_id, ciphertext)
            for attempt in (
                client.sign(forged),
                client.decrypt_partially(signing.key_id, ciphertext),
                client.decrypt_partially(decrypting.key_id, bytes(512)),
                call(client.keys.GetKey, key_service_pb2.GetKeyRequest(key_id="key-" + "a" * 26)),
                call(client.keys.DestroyKey, _destroy(signing.key_id)),
            ):
                with pytest.raises(RemoteError) as refused:
                    await attempt
                errors.append(f"{refused.value!r} {refused.value} {refused.value.metadata}")
        assert process.terminate() == 0
        log = process.log_path.read_bytes()
    master = json.loads((home.folder / "master.key").read_text())["keys"]
    master_keys = [base64.b64decode(text) for text in master.values()]
    shown = log + "\n".join(errors).encode()
    hidden = [*secrets_of(signing.share), *secrets_of(decrypting.share), *master_keys, ticket.token.encode()]
    for secret in (*hidden, good.client_partial, forged.client_partial, server_partial, signature):
        for spelling in spellings(secret):
            assert spelling not in shown
    stored = database_bytes(home)
    for secret in (*hidden, server_partial):
        for spelling in spellings(secret):
            assert spelling not in stored
    assert good.client_partial in stored  # kept on purpose: it proves the client's consent


def _destroy(key_id: str) -> key_service_pb2.DestroyKeyRequest:
    return key_service_pb2.DestroyKeyRequest(key_id=key_id, request_id=new_request_id())


async def test_log_is_one_json_object_a_line(home: Home) -> None:
    """Every line can be read by a program, and a call's line says who, what, how it ended and how long it took."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            with pytest.raises(RemoteError):
                await call(client.keys.GetKey, key_service_pb2.GetKeyRequest(key_id="key-" + "a" * 26))
        assert process.terminate() == 0
        lines = [json.loads(line) for line in process.log_path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["healthy", "serving", "call", "call", "stopping", "stopped"]
    assert all({"time", "level"} <= set(line) for line in lines)
    enrolment, refused = (line for line in lines if line["event"] == "call")
    assert enrolment["method"].endswith("/EnrolAgent")
    assert (refused["caller"], refused["code"], refused["reason"]) == ("alice", "NOT_FOUND", "KEY_NOT_FOUND")
    assert refused["milliseconds"] > 0
