"""TLS 1.3 and nothing older, and nobody who does not prove who they are: tried with OpenSSL at the other end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.architecture.source import ROOT
from tests.wire.certificates import Authority, Identity
from tests.wire.line import CALL, SERVICE
from wire import tls
from wire.cipher_suites import SUITE, VARIABLE
from wire.peer import peer_certificate

Handle = Callable[[bytes, Any], Awaitable[bytes]]

HOST = "localhost"
KINDS = ["ECDSA", "RSA"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    """The one that both sides believe."""
    return Authority("authority")


@pytest.fixture(scope="module")
def stranger() -> Authority:
    """One that nobody believes."""
    return Authority("stranger")


async def _echo(request: bytes, _: object) -> bytes:
    return request


@asynccontextmanager
async def listening(credentials: grpc.ServerCredentials, handle: Handle = _echo) -> AsyncIterator[int]:
    """Listen with our credentials, on a free port."""
    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(handle)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Call": handler}),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def call(port: int, credentials: grpc.ChannelCredentials, host: str = HOST) -> bytes:
    """Call with our credentials. Raises AioRpcError when no connection comes about."""
    options = [("grpc.ssl_target_name_override", host)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CALL)
        return await method(b"hello", timeout=30)


async def refused(port: int, credentials: grpc.ChannelCredentials, host: str = HOST) -> None:
    """Call, and expect no connection."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(port, credentials, host)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def openssl_client(port: int, *options: str) -> bool:
    """Say whether ``openssl s_client`` comes through the handshake."""
    command = ("s_client", "-connect", f"127.0.0.1:{port}", "-alpn", "h2", "-brief", *options)
    process = await asyncio.create_subprocess_exec("openssl", *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    return b"CONNECTION ESTABLISHED" in output


@asynccontextmanager
async def openssl_server(identity: Identity, folder: Path, *options: str) -> AsyncIterator[int]:
    """Let ``openssl s_server`` listen, on a free port."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    key.write_bytes(identity.key)
    chain.write_bytes(identity.chain)
    command = ["s_server", "-accept", "127.0.0.1:0", "-key", str(key), "-cert", str(chain), "-alpn", "h2", *options]
    process = await asyncio.create_subprocess_exec("openssl", *command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    try:
        while not (line := await process.stdout.readline()).startswith(b"ACCEPT "):
            assert line, "openssl s_server ended"
        yield int(line.rpartition(b":")[2])
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("version", "accepted"), [("-tls1_3", True), ("-tls1_2", False), ("-tls1_1", False)])
async def test_listener_speaks_tls_1_3_only(version: str, accepted: bool, kind: str, authority: Authority) -> None:  # noqa: FBT001
    """Whatever key its certificate has; also to a client that would take any cipher suite."""
    identity = authority.identity(HOST, kind)
    async with listening(tls.server_credentials(identity.key, identity.chain, None)) as port:
        assert await openssl_client(port, version, "-cipher", "ALL:@SECLEVEL=0") is accepted


@pytest.mark.parametrize("kind", KINDS)
async def test_channel_does_not_speak_tls_1_2(kind: str, authority: Authority, tmp_path: Path) -> None:
    """Not even with a server whose certificate is good."""
    async with openssl_server(authority.identity(HOST, kind), tmp_path, "-tls1_2") as port:
        await refused(port, tls.channel_credentials(authority.certificate))


async def test_channel_and_listener_understand_each_other(authority: Authority) -> None:
    """Without a client's certificate where none is asked for."""
    identity = authority.identity(HOST)
    async with listening(tls.server_credentials(identity.key, identity.chain, None)) as port:
        assert await call(port, tls.channel_credentials(authority.certificate)) == b"hello"


async def test_server_of_another_authority_or_name_is_not_believed(authority: Authority, stranger: Authority) -> None:
    """A certificate of the right name by a stranger; a certificate of ours for another host; the machine's own list."""
    identity, foreign = authority.identity(HOST), stranger.identity(HOST)
    async with listening(tls.server_credentials(identity.key, identity.chain, None)) as port:
        await refused(port, tls.channel_credentials(authority.certificate), "example.com")
        await refused(port, tls.channel_credentials(stranger.certificate))
    async with listening(tls.server_credentials(foreign.key, foreign.chain, None)) as port:
        await refused(port, tls.channel_credentials(authority.certificate))


async def test_mutual_listener_wants_a_certificate_of_its_authority(authority: Authority, stranger: Authority) -> None:
    """None, a stranger's, and one signed by itself are refused; a stranger's with the right issuer's name too."""
    server, client = authority.identity(HOST), authority.identity("alice")
    namesake = Authority("authority").identity("alice")
    credentials = tls.server_credentials(server.key, server.chain, authority.certificate)
    async with listening(credentials) as port:
        believed = authority.certificate
        assert await call(port, tls.channel_credentials(believed, client.key, client.chain)) == b"hello"
        await refused(port, tls.channel_credentials(believed))
        for other in (stranger.identity("alice"), namesake):
            await refused(port, tls.channel_credentials(believed, other.key, other.chain))


async def test_renewed_certificate_is_shown_to_new_connections(authority: Authority, stranger: Authority) -> None:
    """Without a restart; here it even comes from another authority, so that a client sees the difference."""
    current = authority.identity(HOST)
    ours, theirs = (tls.channel_credentials(each.certificate) for each in (authority, stranger))
    async with listening(tls.renewable_server_credentials(lambda: (current.key, current.chain), None)) as port:
        for _ in range(2):
            assert await call(port, ours) == b"hello"
            await refused(port, theirs)
        current = stranger.identity(HOST)
        for _ in range(2):
            assert await call(port, theirs) == b"hello"
            await refused(port, ours)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_renewable_listener_keeps_the_same_rules(version: str, authority: Authority, stranger: Authority) -> None:
    """TLS 1.3 only, and a certificate of its authority from every client, before and after a renewal."""
    current, client, other = (each.identity(HOST) for each in (authority, authority, stranger))
    believed = authority.certificate
    credentials = tls.renewable_server_credentials(lambda: (current.key, current.chain), believed)
    async with listening(credentials) as port:
        for _ in range(2):
            assert await openssl_client(port, version) is (version == "-tls1_3")
            assert await call(port, tls.channel_credentials(believed, client.key, client.chain)) == b"hello"
            await refused(port, tls.channel_credentials(believed))
            await refused(port, tls.channel_credentials(believed, other.key, other.chain))
            current = authority.identity(HOST)


async def test_caller_is_known_by_its_certificate(authority: Authority) -> None:
    """The very certificate that TLS has checked; none where the listener asks for none."""
    seen: list[bytes | None] = []

    async def look(request: bytes, context: Any) -> bytes:  # noqa: ANN401
        seen.append(peer_certificate(context))
        return request

    server, client = authority.identity(HOST), authority.identity("alice")
    credentials = tls.channel_credentials(authority.certificate, client.key, client.chain)
    for asked in (authority.certificate, None):
        async with listening(tls.server_credentials(server.key, server.chain, asked), look) as port:
            assert await call(port, credentials) == b"hello"
    assert seen == [client.chain, None]


def _fresh_python(program: str, **environment: str) -> str:
    """Run a program in an interpreter that has imported nothing yet, and where nothing is set."""
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE} | environment
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize(
    "module",
    [
        "wire.status",
        "server.cli",
        "signer_agent",
        "signer_agent.cli",
        "signer_agent.daemon",
        "terminal",
        "terminal.cli",
    ],
)
def test_programs_say_it_before_grpc_is_there(module: str) -> None:
    """GRPC reads the setting when it is imported: our programs and the library are faster."""
    program = f"import {module}, wire.cipher_suites; print(wire.cipher_suites.IN_FORCE)"
    assert _fresh_python(program) == "True\n"


GRPC_FIRST = """
import grpc
from wire import tls

for make in (
    lambda: tls.server_credentials(b"key", b"chain", None),
    lambda: tls.renewable_server_credentials(lambda: (b"key", b"chain"), None),
):
    try:
        make()
    except RuntimeError as error:
        print(error)
"""


def test_listener_is_not_made_where_grpc_was_faster() -> None:
    """It would speak TLS 1.2. With the setting in the environment, the order does not matter."""
    assert _fresh_python(GRPC_FIRST).count("import wire first") == 2
    assert _fresh_python(GRPC_FIRST, **{VARIABLE: SUITE}) == ""
