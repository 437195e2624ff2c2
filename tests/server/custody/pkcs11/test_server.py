"""A server whose shares live in a token: what somebody does to the token, and what callers see of it."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.main import get_command

from mpc.four_prime_rsa import Purpose, commit_to_share
from server.cli.main import app
from server.clock import system_clock
from server.config import load_settings
from server.custody.pkcs11 import TokenHolder, WorkerPool
from server.errors import OperatorError
from server.root.application import Server
from server.root.ground import open_ground
from server.root.home import Home
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.custody.pkcs11.test_pool import until
from tests.server.harness import (
    Client,
    ClientKey,
    call,
    database_path,
    enrolled,
    make_home,
    opening_of,
    running_server,
    sign_request,
    silent_log,
    verify,
)
from wire.status import RemoteError

operator = get_command(app)


@pytest.fixture
def home(in_token: SoftToken, tmp_path: Path) -> Home:  # noqa: ARG001  # set up in it
    """A server's folder; its keys are in a token."""
    return make_home(tmp_path / "server")


def pool_of(server: Server) -> WorkerPool:
    """Its workers."""
    holder = server._ground.custody.shares.holder
    assert isinstance(holder, TokenHolder)
    return holder.pool()


def objects(home: Home) -> dict[str, tuple[str, str]]:
    """What the database says of halves: object id and state by key."""
    with closing(sqlite3.connect(database_path(home))) as connection:
        rows = connection.execute(
            "SELECT key_id, object_id, state FROM token_objects"
            " WHERE key_id <> 'authority' AND key_id NOT LIKE 'backend-%'"
        ).fetchall()
    return {key_id: (object_id, state) for key_id, object_id, state in rows}


def pin_file(home: Home, token: SoftToken) -> Path:
    """The PIN, in a file that everybody can read."""
    path = home.folder / "pin"
    path.write_text(token.settings["FOURSEAL_PKCS11_PIN"] + "\n")
    path.chmod(0o644)
    return path


async def refusal(alice: Client, key: ClientKey) -> RemoteError:
    """How a signature is refused."""
    with pytest.raises(RemoteError) as refused:
        await call(alice.signing.SignDigest, sign_request(key))
    return refused.value


async def test_token_taken_out_under_load(
    home: Home, server: Server, alice: Client, key: ClientKey, in_token: SoftToken
) -> None:
    """Callers hear UNAVAILABLE, and when to come again; who repeats gets the signature; one operation was recorded."""
    await call(alice.signing.SignDigest, sign_request(key))
    in_token.pull()
    requests = [sign_request(key) for _ in range(8)]
    answers = await asyncio.gather(*(call(alice.signing.SignDigest, each) for each in requests), return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, RemoteError)
        assert (answer.code, answer.reason) == (grpc.StatusCode.UNAVAILABLE, "CUSTODY_UNAVAILABLE")
        assert answer.retry_seconds == 1
    in_token.put_back()
    pool = pool_of(server)
    await asyncio.to_thread(until, lambda: bool(pool.process_ids))
    for request in requests:
        signed = await call(alice.signing.SignDigest, request)
        assert (await call(alice.signing.SignDigest, request)).signature == signed.signature
    with closing(sqlite3.connect(database_path(home))) as connection:
        sql = "SELECT count(*), count(DISTINCT request_id) FROM operations WHERE method LIKE 'SignDigest%'"
        assert connection.execute(sql).fetchone() == (9, 9)


async def test_planted_and_missing_objects(
    home: Home, server: Server, alice: Client, key: ClientKey, in_token: SoftToken
) -> None:
    """A key that somebody put in the place of ours is not used; one that is not there is said to be destroyed."""
    object_id, state = objects(home)[key.key_id]
    assert state == "kept"
    pool_of(server).destroy(object_id)
    gone = await refusal(alice, key)
    assert (gone.code, gone.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "KEY_DESTROYED")
    in_token.plant(rsa.generate_private_key(65537, 2048), object_id)
    assert (await refusal(alice, key)).reason == "SHARE_DAMAGED"


async def test_full_token(server: Server, alice: Client, key: ClientKey, in_token: SoftToken) -> None:
    """Nobody gets a new key, and is told why; what is there works on. With room again it gets one."""
    names = in_token.names()
    (worker,) = pool_of(server).process_ids
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # SoftHSM2 cannot write any file
    with pytest.raises(RemoteError) as refused:
        await alice.generate()
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CUSTODY_FULL")
    assert in_token.names() == names
    await call(alice.signing.SignDigest, sign_request(key))
    assert pool_of(server).process_ids == [worker]
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await call(alice.signing.SignDigest, sign_request(await alice.generate()))


async def test_two_keys_mixed_up(home: Home, alice: Client, key: ClientKey) -> None:
    """The rows of two keys of one purpose are exchanged: neither opens."""
    other = await alice.generate()
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        rows = dict(connection.execute("SELECT key_id, sealed FROM sealed_shares").fetchall())
        for one, two in ((key.key_id, other.key_id), (other.key_id, key.key_id)):
            connection.execute("UPDATE sealed_shares SET sealed = ? WHERE key_id = ?", (rows[two], one))
    for each in (key, other):
        assert (await refusal(alice, each)).reason == "SHARE_DAMAGED"
    assert len(rows) == 2
    assert all(len(sealed) < 64 for sealed in rows.values())  # a name, and no numbers


async def test_what_a_crash_leaves_is_swept(home: Home, in_token: SoftToken, server: Server, alice: Client) -> None:
    """An object whose key was never made goes when its time is over, and one that could not be destroyed at once."""
    key = await alice.generate()
    holder = server._ground.custody.shares.holder
    holder.take("key-" + "z" * 26, key.joint_key.server.purpose, 2048)
    label = "fourseal key-" + "z" * 26
    holder.sweep()
    assert label in in_token.names()  # it may still be kept
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute("UPDATE token_objects SET change_time = change_time - 3601000000 WHERE state = 'made'")
        connection.execute("UPDATE token_objects SET state = 'doomed' WHERE key_id = ?", (key.key_id,))
    in_token.pull()
    holder.sweep()
    assert set(objects(home)) == {key.key_id, "key-" + "z" * 26}
    in_token.put_back()
    pool = pool_of(server)
    await asyncio.to_thread(until, lambda: bool(pool.process_ids))
    holder.sweep()
    assert objects(home) == {}
    assert not {label, f"fourseal {key.key_id}"} & set(in_token.names())


async def test_lost_object_is_replaced_without_the_token(
    home: Home, server: Server, alice: Client, key: ClientKey, in_token: SoftToken
) -> None:
    """A re-key mends a key whose object is lost. One is finished while the token is out: the old object goes later."""
    pool = pool_of(server)
    await asyncio.to_thread(lambda: pool.ask("destroy", object_id=objects(home)[key.key_id][0]))
    assert (await refusal(alice, key)).reason == "KEY_DESTROYED"
    middle = await alice.rekey(key)
    await alice.sign(sign_request(middle))
    assert f"fourseal {middle.key_id}" in in_token.names()

    commitment = commit_to_share(key.share, secrets.token_bytes)
    begun = await alice.begin(commitment, replaces=middle.key_id)
    in_token.pull()
    opening = opening_of(commitment, begun, middle.joint_key)
    await alice.finish(begun.key.key_id, opening)
    in_token.put_back()
    await asyncio.to_thread(until, lambda: bool(pool.process_ids))
    new = ClientKey(begun.key.key_id, key.share, opening.joint_key)
    verify(new, b"contract", await alice.sign(sign_request(new)))
    server._ground.custody.shares.holder.sweep()
    names = in_token.names()
    assert f"fourseal {new.key_id}" in names
    assert not {f"fourseal {key.key_id}", f"fourseal {middle.key_id}"} & set(names)
    assert objects(home).keys() == {new.key_id}


async def test_each_of_two_generations_keeps_its_own_object(home: Home, server: Server) -> None:
    """One generation can be under way twice: whoever ends first, its half is the object that was made for it."""
    custody, key_id = server._ground.custody.shares, "key-" + "y" * 26
    first, second = (custody.take(key_id, Purpose.SIGN, 2048) for _ in range(2))
    assert first.key.object_id != second.key.object_id
    server._ground.database.write_now(lambda connection: custody.keep(connection, key_id, first, system_clock()))
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute("UPDATE token_objects SET change_time = change_time - 3601000000")
    custody.holder.sweep()
    assert objects(home) == {key_id: (first.key.object_id, "kept")}
    opened = custody.open(key_id, first.public)
    assert opened is not None
    assert custody.holder.works(opened)
    assert not custody.holder.works(second)


async def test_custody_is_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_token: SoftToken) -> None:
    """Who changes the setting when there are keys already is told so, and nothing is said to be damaged."""

    async def refused(home: Home, custody: str, where: str) -> None:
        with monkeypatch.context() as patch:
            for name, value in (shared_token.settings | {"FOURSEAL_CUSTODY": custody}).items():
                patch.setenv(name, value)
            with pytest.raises(OperatorError, match=f"of authority is {where}, the configuration says otherwise"):
                async with running_server(home):
                    pass
            with open_ground(home, load_settings(home.folder), silent_log()):
                pass  # commands that need no such key work
            with closing(sqlite3.connect(database_path(home))) as connection, connection:
                connection.execute("INSERT INTO sealed_shares VALUES ('key-one', '', 0)")
                if "token" in where:
                    connection.execute(
                        "INSERT INTO token_objects VALUES ('ee', 'key-one', 'kept', 0, NULL, NULL, NULL)"
                    )
            with pytest.raises(OperatorError, match=f"shares of this server are {where}, the configuration says"):
                open_ground(home, load_settings(home.folder), silent_log())

    await refused(make_home(tmp_path / "in-database"), "pkcs11", "sealed in the database")
    with monkeypatch.context() as patch:
        for name, value in shared_token.settings.items():
            patch.setenv(name, value)
        home = make_home(tmp_path / "in-token")
    await refused(home, "database", "in a token")


async def test_start_needs_the_right_pin(home: Home, in_token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a wrong PIN does not start; with one in a file that others read neither; commands need none."""
    for pin, said in (("999999", "does not take the PIN"), ("", "there is no PIN")):
        monkeypatch.setenv("FOURSEAL_PKCS11_PIN", pin)
        with pytest.raises(OperatorError, match=said):
            async with running_server(home):
                pass
    with open_ground(home, load_settings(home.folder), silent_log()):
        pass
    file = pin_file(home, in_token)
    monkeypatch.delenv("FOURSEAL_PKCS11_PIN")
    monkeypatch.setenv("FOURSEAL_PKCS11_PIN_FILE", str(file))
    with pytest.raises(OperatorError, match="open to others"):
        async with running_server(home):
            pass
    os.chmod(file, 0o600)  # noqa: PTH101  # nothing else to wait for
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        await call(alice.signing.SignDigest, sign_request(await alice.generate()))


async def test_operator_sees_what_is_in_custody(
    home: Home, server: Server, alice: Client, key: ClientKey, in_token: SoftToken, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the running server: what token it is, that every share works, which there are, and what is not ours."""

    def shown(*arguments: str) -> tuple[object, Any]:
        command = ["custody", *arguments, "--json", "--home", str(home.folder)]
        code = operator(command, standalone_mode=False)
        return code, json.loads(capsys.readouterr().out)

    stranger = "ee" * 16
    in_token.plant(rsa.generate_private_key(65537, 2048), stranger, label="fourseal key-of-somebody")
    other = await alice.generate()
    names = sorted([key.key_id, other.key_id])
    assert shown("status")[1]["custody"] == "pkcs11"
    assert shown("test")[1] == {"sound": 2, "sound_keys": 2, "damaged": [], "left_over": []}
    first = shown("list", "--page-size", "1")[1]
    assert ([row["share"] for row in first["shares"]], first["next_page_token"]) == (names[:1], names[0])
    last = shown("list", "--page-token", names[0])[1]
    states = {(row["share"], row["state"]) for row in last["shares"]}
    assert states >= {(names[1], "kept"), ("key-of-somebody", "not ours")}
    pool_of(server).destroy(objects(home)[key.key_id][0])
    with pytest.raises(SystemExit, match="1"):
        shown("test")
    assert json.loads(capsys.readouterr().out)["damaged"] == [key.key_id]
    assert {row["share"]: row["state"] for row in shown("list")[1]["shares"]}[key.key_id] == "missing"
    assert operator(["custody", "list", "--home", str(home.folder)], standalone_mode=False) is None
    assert "not ours" in capsys.readouterr().out
