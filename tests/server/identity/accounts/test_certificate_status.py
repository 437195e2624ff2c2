"""What everybody is told about certificates, as other software asks: OCSP, and the list of revoked ones, by HTTP."""

from __future__ import annotations

import asyncio
import subprocess
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from mpc.four_prime_rsa import Purpose
from server.root.application import Server
from server.root.home import Home
from tests.server.cli.test_cli import answer, refusal
from tests.server.harness import MovableClock, make_home
from tests.server.identity.accounts.people import Person, certificate_pb
from tests.wire.certificates import Authority
from wire import http
from wire.ids import new_request_id

PUBLIC = "http://status.example"
UNKNOWN, UNAUTHORIZED = ocsp.OCSPCertStatus.UNKNOWN, ocsp.OCSPResponseStatus.UNAUTHORIZED
MALFORMED = ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.fixture
def account_home(tmp_path: Path) -> Home:
    """A server's folder: it answers about certificates, and its certificates say where."""
    return make_home(
        tmp_path / "accounts",
        ocsp_listen="127.0.0.1:0",
        ocsp_url=f"{PUBLIC}/ocsp",
        revocation_list_url=f"{PUBLIC}/revoked.crl",
    )


@pytest.fixture
async def pair(logged_in: Person) -> dict[Purpose, x509.Certificate]:
    """Alice's certificates."""
    return await logged_in.get_certificates()


async def revoke(person: Person) -> None:
    """Revoke somebody's pair."""
    request = certificate_pb.RevokeSignerCertificatesRequest(
        request_id=new_request_id(), reason=certificate_pb.REVOCATION_REASON_KEY_COMPROMISE
    )
    await person.call(person.certificates.RevokeSignerCertificates, request)


async def ask(server: Server, head: str, content: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """One request on a line of its own: status, headers, content."""
    reader, writer = await connect(server)
    writer.write(f"{head}\r\nHost: here\r\n\r\n".encode() + content)
    answer = await read_answer(reader)
    writer.transport.abort()
    return answer


async def connect(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A line to the server."""
    host, _, port = server.serving.status_server.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a line."""
    status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def post(server: Server, der: bytes) -> ocsp.OCSPResponse:
    """An answer about a certificate."""
    status, headers, content = await ask(server, f"POST /ocsp HTTP/1.1\r\nContent-Length: {len(der)}", der)
    assert (status, headers["content-type"]) == (200, "application/ocsp-response")
    assert headers["cache-control"] == "no-store"
    return ocsp.load_der_ocsp_response(content)


def question(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *extensions: tuple[x509.ExtensionType, bool],
    digest: hashes.HashAlgorithm | None = None,
) -> bytes:
    """A request about a certificate."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, digest or hashes.SHA1())  # noqa: S303
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build().public_bytes(Encoding.DER)


def openssl(folder: Path, *arguments: str, fails: bool = False) -> str:
    """What ``openssl`` says."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, check=False, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


async def test_openssl_asks_and_believes(
    logged_in: Person,
    pair: dict[Purpose, x509.Certificate],
    account_home: Home,
    account_server: Server,
    tmp_path: Path,
) -> None:
    """Before and after a revocation, by OCSP and by the list, and of a certificate that nobody is told about."""
    assert account_server._status is not None
    authority = account_server._status._authority
    pem = {"authority": authority.certificate, "sign": pair[Purpose.SIGN], "encrypt": pair[Purpose.DECRYPT]}
    for name, certificate in pem.items():
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "agent.pem").write_bytes(logged_in.client.identity.certificate_pem)
    url = f"http://{account_server.serving.status_server}/ocsp"

    async def asked(name: str, *options: str) -> str:
        trusted = ("-issuer", "authority.pem", "-CAfile", "authority.pem", "-url", url)
        said = await asyncio.to_thread(openssl, tmp_path, "ocsp", *options, *trusted, "-cert", f"{name}.pem")
        assert "Response verify OK" in said
        return said

    async def fetched() -> None:
        _, headers, der = await ask(account_server, "GET /revoked.crl HTTP/1.1")
        assert headers["content-type"] == "application/pkix-crl"
        (tmp_path / "list.crl").write_bytes(der)
        assert "verify OK" in openssl(
            tmp_path, "crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "authority.pem", "-out", "list.pem"
        )

    verify = ("verify", "-crl_check", "-CAfile", "authority.pem", "-CRLfile", "list.pem", "sign.pem")
    assert openssl(tmp_path, "x509", "-in", "sign.pem", "-noout", "-ocsp_uri").strip() == f"{PUBLIC}/ocsp"
    assert f"URI:{PUBLIC}/revoked.crl" in openssl(tmp_path, "x509", "-in", "encrypt.pem", "-noout", "-text")
    for options in ((), ("-no_nonce",), ("-sha256",)):
        said = await asked("sign", *options)
        assert "sign.pem: good" in said
        assert "WARNING" not in said  # the nonce came back
    assert "agent.pem: unknown" in await asked("agent")
    await fetched()
    assert "sign.pem: OK" in openssl(tmp_path, *verify)

    await revoke(logged_in)
    said = await asked("sign")
    assert "sign.pem: revoked" in said
    assert "Reason: keyCompromise" in said
    assert "encrypt.pem: revoked" in await asked("encrypt", "-no_nonce")
    await fetched()
    assert "certificate revoked" in openssl(tmp_path, *verify, fails=True)
    assert "no certificates" in await asyncio.to_thread(refusal, account_home.folder, "accounts", "revoke", "alice")

    logged_in.sign_key = ec.generate_private_key(ec.SECP256R1())
    logged_in.encrypt_key = x25519.X25519PrivateKey.generate().public_key()
    again = (await logged_in.get_certificates())[Purpose.SIGN]
    (tmp_path / "sign.pem").write_bytes(again.public_bytes(Encoding.PEM))
    assert "sign.pem: good" in await asked("sign")
    await asyncio.to_thread(answer, account_home.folder, "accounts", "revoke", "alice")  # by another process
    assert "sign.pem: revoked" in await asked("sign")
    await fetched()
    listed = x509.load_der_x509_crl((tmp_path / "list.crl").read_bytes())
    entry = listed.get_revoked_certificate_by_serial_number(again.serial_number)
    assert entry is not None
    why = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert why is x509.ReasonFlags.privilege_withdrawn
    assert "certificate revoked" in openssl(tmp_path, *verify, fails=True)


async def test_answers_are_bounded_in_time_and_follow_a_revocation(
    logged_in: Person, pair: dict[Purpose, x509.Certificate], account_server: Server, clock: MovableClock
) -> None:
    """Signed by a key for that alone, which is renewed; those by GET may be kept, and are made anew all the same."""
    status = account_server._status
    assert status is not None
    authority = status._authority.certificate
    request = question(pair[Purpose.SIGN], authority)
    path = f"/ocsp/{quote(b64encode(request), safe='')}"

    async def got() -> ocsp.OCSPResponse:
        code, headers, content = await ask(account_server, f"GET {path} HTTP/1.1")
        assert (code, headers["cache-control"]) == (200, "max-age=60, public")
        return ocsp.load_der_ocsp_response(content)

    first = await got()
    (signer,) = first.certificates
    signer.verify_directly_issued_by(authority)
    usages = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert not signer.extensions.get_extension_for_class(x509.OCSPNoCheck).critical
    assert signer.not_valid_after_utc - signer.not_valid_before_utc < timedelta(days=31)
    key = signer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(first.signature, first.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    assert first.this_update_utc <= clock()
    assert first.next_update_utc == first.this_update_utc + timedelta(hours=1)
    nonced = await post(account_server, question(pair[Purpose.SIGN], authority, (x509.OCSPNonce(b"n" * 128), False)))
    assert nonced.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 128

    await revoke(logged_in)
    second = await got()
    assert second.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert second.revocation_reason is x509.ReasonFlags.key_compromise
    assert second.revocation_time_utc is not None
    assert first.this_update_utc <= second.revocation_time_utc <= second.this_update_utc + timedelta(seconds=1)

    await account_server._keep_house_once()
    assert (await got()).certificates == [signer]
    clock.move(timedelta(days=16))
    await account_server._keep_house_once()
    renewed = (await got()).certificates
    assert len(renewed) == 1
    assert renewed != [signer]


async def test_what_cannot_be_answered_is_refused(
    pair: dict[Purpose, x509.Certificate], account_server: Server
) -> None:
    """Other issuers, their serial numbers under our name, what is no request, too much: nothing of that is good."""
    status = account_server._status
    assert status is not None
    ours, other = status._authority.certificate, Authority("Fourseal development authority")
    foreign = x509.load_pem_x509_certificate(other.certificate)
    sign = pair[Purpose.SIGN]
    assert (await post(account_server, question(sign, foreign))).response_status is UNAUTHORIZED
    assert (await post(account_server, question(sign, ours, digest=hashes.SHA224()))).response_status is UNAUTHORIZED
    theirs = await post(account_server, question(foreign, ours))
    assert theirs.certificate_status is UNKNOWN
    good = question(sign, ours)
    malformed = {
        "nothing": b"",
        "no DER": b"what is it?",
        "cut off": good[:-1],
        "more behind": good + b"\0",
        "no nonce": question(sign, ours, (x509.OCSPNonce(b""), False)),
        "a long nonce": question(sign, ours, (x509.OCSPNonce(b"n" * 129), False)),
        "critical": question(sign, ours, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)),
    }
    for name, der in malformed.items():
        assert (await post(account_server, der)).response_status is MALFORMED, name
    statuses = {
        "POST /ocsp HTTP/1.1\r\nContent-Length: 10485760": 413,  # refused before it is sent
        "POST /ocsp HTTP/1.1\r\nContent-Length: 2049": 413,
        "GET /ocsp HTTP/1.1": 405,
        "POST /revoked.crl HTTP/1.1": 405,
        "PUT /ocsp/MEIw HTTP/1.1": 405,
        "GET / HTTP/1.1": 404,
        f"GET /{'x' * 40000} HTTP/1.1": 431,
        "no HTTP": 400,
    }
    for head, wanted in statuses.items():
        assert (await ask(account_server, head))[0] == wanted, head[:60]
    chunk = b"%x\r\n%b\r\n" % (2048, b"x" * 2048)
    chunked = "POST /ocsp HTTP/1.1\r\nTransfer-Encoding: chunked"
    assert (await ask(account_server, chunked, chunk * 20))[0] == 413
    _, _, content = await ask(account_server, "GET /ocsp/%%% HTTP/1.1")
    assert ocsp.load_der_ocsp_response(content).response_status is MALFORMED


async def test_slow_clients_hold_nobody_up(
    pair: dict[Purpose, x509.Certificate], account_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may fill every place: who comes takes the slowest one's. Alone, they are shut out after a while."""
    status = account_server._status
    assert status is not None
    request = question(pair[Purpose.SIGN], status._authority.certificate)
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 8)
    lines: list[Any] = [await connect(account_server) for _ in range(8)]
    for _, writer in lines:
        writer.write(b"POST /ocsp HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nx")
    for _ in range(4):
        assert (await post(account_server, request)).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert await lines[0][0].read() == b""  # the one that has waited the longest
    reader, writer = lines[-1]
    writer.write(b"x" * 99)
    assert (await read_answer(reader))[0] == 200  # the latest one has kept its place
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.1)
    late, writer = await connect(account_server)
    writer.write(b"POST /ocsp HTTP/1.1\r\nContent-")
    assert await late.read() == b""
    for _, each in [*lines, (late, writer)]:
        each.transport.abort()
