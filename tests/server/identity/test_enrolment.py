"""Enrolment over real TLS: tokens that work once, certificates that count, agents that are revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from fourseal.v1 import key_pb2, key_service_pb2, key_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.clock import system_clock
from server.identity import CallerReader, Ticket, list_agents, revoke
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import (
    Client,
    ClientKey,
    MovableClock,
    call,
    database_bytes,
    enrol,
    enrol_with,
    enrolled,
    key_pem,
    make_ticket,
    new_certificate_request,
    running_server,
    sign_request,
)
from wire import tls
from wire.catalogue import ServiceError
from wire.limits import channel_options
from wire.status import RemoteError, error_from_rpc


async def refusal(ticket: Ticket, request_der: bytes) -> RemoteError:
    """Why an enrolment is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await enrol_with(ticket, request_der)
    return error_from_rpc(refused.value)


async def list_keys(client: Client) -> key_service_pb2.ListKeysResponse:
    """A call that needs nothing but a caller."""
    return await call(client.keys.ListKeys, key_service_pb2.ListKeysRequest())


async def test_certificate_names_the_agent_and_nothing_else_that_was_asked_for(home: Home, server: Server) -> None:
    """The token decides the name; the request's names and extensions are ignored."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    wanted = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:fourseal:agent:root")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(wanted, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ticket = make_ticket(home, "alice", server.serving)
    response = await enrol_with(ticket, request.public_bytes(Encoding.DER))
    certificate = x509.load_der_x509_certificate(response.certificate_der)
    authority = x509.load_der_x509_certificate(response.authority_certificate_der)
    certificate.verify_directly_issued_by(authority)
    assert response.agent_id == "alice"
    assert certificate.public_key() == key.public_key()
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(alternatives) == [x509.UniformResourceIdentifier("urn:fourseal:agent:alice")]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert authority.public_bytes(Encoding.PEM).decode() == ticket.authority_certificate
    assert response.expire_time.ToDatetime(UTC) == certificate.not_valid_after_utc


async def test_token_works_once(home: Home, server: Server) -> None:
    """A repeat of the same request gets the same certificate; another request gets none."""
    ticket = make_ticket(home, "alice", server.serving)
    _, request = new_certificate_request()
    first = await enrol_with(ticket, request)
    assert (await enrol_with(ticket, request)).certificate_der == first.certificate_der
    _, other = new_certificate_request()
    error = await refusal(ticket, other)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, "ENROLMENT_TOKEN_INVALID")


async def test_hundred_at_once_with_one_token(home: Home, server: Server) -> None:
    """Of a hundred that come with one token, exactly one gets a certificate, and that one works."""
    ticket = make_ticket(home, "alice", server.serving)
    requests = [new_certificate_request()[1] for _ in range(100)]
    results = await asyncio.gather(*(enrol_with(ticket, request) for request in requests), return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_unknown_used_and_expired_tokens_are_refused_alike(home: Home) -> None:
    """Nobody learns by the answer whether a token ever was one."""
    clock = MovableClock()
    async with running_server(home, clock=clock) as server:
        used, expiring = (make_ticket(home, name, server.serving, hours=1) for name in ("used", "expiring"))
        await enrol(used)
        clock.move(timedelta(hours=1))
        _, request = new_certificate_request()
        unknown = replace(used, token="A" * 43)
        malformed = [replace(used, token=token) for token in ("", "A", "A" * 44, "ä" * 43, "\0" * 43)]
        errors = [await refusal(ticket, request) for ticket in (unknown, used, expiring, *malformed)]
    assert {(error.code, error.reason, str(error)) for error in errors} == {
        (grpc.StatusCode.UNAUTHENTICATED, "ENROLMENT_TOKEN_INVALID", str(errors[0]))
    }


def _bad_requests() -> dict[str, bytes]:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    good = new_certificate_request()[1]
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(5000))
    p256 = ec.generate_private_key(ec.SECP256R1())
    requests = {
        "RSA": builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256()),
        "P-384": builder.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256()),
        "Ed25519": builder.sign(ed25519.Ed25519PrivateKey.generate(), None),
        "too long": builder.add_extension(padding, critical=False).sign(p256, hashes.SHA256()),
    }
    return {kind: request.public_bytes(Encoding.DER) for kind, request in requests.items()} | {
        "empty": b"",
        "no DER": b"certificate request",
        "truncated": good[:-1],
        "version 6": good.replace(b"\x02\x01\x00", b"\x02\x01\x05", 1),
        "signature broken": good[:-1] + bytes([good[-1] ^ 1]),
        "PEM": b"-----BEGIN CERTIFICATE REQUEST-----\n",
    }


@pytest.mark.parametrize("kind", _bad_requests())
async def test_bad_certificate_request_leaves_the_token_good(home: Home, server: Server, kind: str) -> None:
    """Only a PKCS#10 request for a P-256 key, signed by it, uses the token up."""
    ticket = make_ticket(home, "alice", server.serving)
    error = await refusal(ticket, _bad_requests()[kind])
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CERTIFICATE_REQUEST_INVALID")
    assert (await enrol(ticket)).agent_id == "alice"


async def test_token_is_nowhere_on_the_disk(home: Home, server: Server) -> None:
    """The database keeps its digest only."""
    ticket = make_ticket(home, "alice", server.serving)
    assert ticket.token.encode() not in database_bytes(home)
    await enrol(ticket)
    assert ticket.token.encode() not in database_bytes(home)
    assert ticket.token not in repr(ticket)


async def test_renewal_replaces_the_certificate(home: Home, server: Server, alice: Client, key: ClientKey) -> None:
    """Only the newest certificate counts; the agent's keys are its own under the new one."""
    renewed = await enrol(make_ticket(home, "alice", server.serving))
    for use in (list_keys(alice), alice.sign(sign_request(key))):
        with pytest.raises(RemoteError) as refused:
            await use
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN")
    async with Client(server.serving, renewed) as again:
        await again.sign(sign_request(key))


async def test_revoked_agent_is_refused_at_once(home: Home, server: Server, alice: Client, key: ClientKey) -> None:
    """A connection that stands does not help: every operation looks into the database."""
    database = server._ground.database
    await alice.sign(sign_request(key))
    unused = make_ticket(home, "alice", server.serving)
    await database.write(lambda connection: revoke(connection, "alice", system_clock()))
    begin = key_service_pb2.BeginKeyGenerationRequest(
        request_id="r" * 16, purpose=key_pb2.KEY_PURPOSE_SIGN, half_bits=2048, client_commitment=bytes(32)
    )
    disable = key_service_pb2.DisableKeyRequest(key_id=key.key_id, request_id="r" * 16)
    for use in (
        alice.sign(sign_request(key)),
        list_keys(alice),
        call(alice.keys.BeginKeyGeneration, begin),
        call(alice.keys.DisableKey, disable),
        call(alice.keys.GetKey, key_service_pb2.GetKeyRequest(key_id=key.key_id)),
    ):
        with pytest.raises(RemoteError) as refused:
            await use
        assert refused.value.reason == "CALLER_UNKNOWN"
    _, request = new_certificate_request()
    assert (await refusal(unused, request)).reason == "ENROLMENT_TOKEN_INVALID"
    (agent,) = await database.read(list_agents)
    assert agent.state == "revoked"
    assert agent.revoke_time is not None


async def test_expired_certificate_on_a_standing_connection(home: Home) -> None:
    """A connection may outlive a certificate: its end is looked at in every call."""
    clock = MovableClock()
    async with running_server(home, clock=clock) as server, await enrolled(home, server, "alice") as alice:
        await list_keys(alice)
        clock.move(timedelta(days=398))
        with pytest.raises(RemoteError) as refused:
            await list_keys(alice)
    assert refused.value.reason == "CALLER_UNKNOWN"


async def test_certificate_of_another_authority(server: Server, alice: Client) -> None:
    """TLS itself refuses a certificate that our authority did not sign, whatever name it has."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:fourseal:agent:alice")])
    pem = self_signed(key, names).public_bytes(Encoding.PEM)
    identity = replace(alice.identity, key_pem=key_pem(key), certificate_pem=pem)
    async with Client(server.serving, identity) as intruder:
        with pytest.raises(RemoteError) as refused:
            await list_keys(intruder)
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE


async def test_caller_without_certificate(server: Server, alice: Client) -> None:
    """The listener of the agents lets nobody in who shows none."""
    credentials = tls.channel_credentials(alice.identity.authority_pem)
    async with grpc.aio.secure_channel(server.serving.server, credentials, channel_options()) as channel:
        stub = key_service_pb2_grpc.KeyServiceStub(channel)
        with pytest.raises(RemoteError) as refused:
            await call(stub.ListKeys, key_service_pb2.ListKeysRequest())
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE


async def test_caller_without_tls(server: Server) -> None:
    """Nothing is served in plain text."""
    for address in (server.serving.server, server.serving.enrolment_server):
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
async def test_tls_version(server: Server, version: str) -> None:
    """Both listeners speak TLS 1.3 and nothing older."""
    for address in (server.serving.server, server.serving.enrolment_server):
        ciphers = () if version == "1.3" else ("-cipher", "ALL:@SECLEVEL=0")
        options = (f"-tls{version.replace('.', '_')}", "-alpn", "h2", *ciphers)
        process = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-connect", address, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert (b"Cipher is (NONE)" in output) == (version != "1.3")
        assert (b"TLSv1.3, Cipher is TLS_" in output) == (version == "1.3")


async def test_certificate_of_the_server_is_no_agents() -> None:
    """A certificate without an agent's name, or with two, names no caller."""
    reader = CallerReader(system_clock, None)
    key = ec.generate_private_key(ec.SECP256R1())
    for names in ([], ["urn:fourseal:agent:a", "urn:fourseal:agent:b"], ["https://localhost"]):
        uris = [x509.UniformResourceIdentifier(name) for name in names]
        alternatives = x509.SubjectAlternativeName([*uris, x509.DNSName("localhost")])
        with pytest.raises(ServiceError):
            reader.read(self_signed(key, alternatives).public_bytes(Encoding.PEM))
    for nothing in (None, b"", b"no certificate"):
        with pytest.raises(ServiceError):
            reader.read(nothing)


def self_signed(key: ec.EllipticCurvePrivateKey, alternatives: x509.SubjectAlternativeName) -> x509.Certificate:
    """A certificate that somebody made for himself, in our authority's name."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Fourseal development authority")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
    )
