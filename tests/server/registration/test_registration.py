"""Certificates for joint keys: asked for with a joint signature, decided on by officers, ordinary to other software."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import (
    certificate_service_pb2,
    key_service_pb2,
    registration_service_pb2,
    registration_service_pb2_grpc,
    signing_service_pb2,
)
from sqlalchemy import Connection

from mpc.four_prime_rsa import (
    EncodedMessage,
    OaepParameters,
    Purpose,
    SignatureAlgorithm,
    SigningShare,
    create_partial_signature,
)
from mpc.oprf import Blinded
from server.clock import system_clock
from server.identity import Authority
from server.registration import Office as RaOffice
from server.registration import approve
from server.root.application import Server
from server.root.home import Home
from signer_agent.joint_private_key import JointPrivateKey, LoopSigner
from tests.server.cli.test_cli import answer, refusal
from tests.server.harness import (
    ENGINE,
    Client,
    ClientKey,
    MovableClock,
    call,
    enrolled,
    make_home,
    query,
    running_server,
)
from tests.server.identity.accounts.people import Person, pair_of
from tests.server.pins.test_pins import create
from wire.convert import signature_algorithm_to_proto
from wire.ids import new_request_id
from wire.status import RemoteError

pb = registration_service_pb2
OWN = certificate_service_pb2.GetSignerCertificatesRequest()


class Signer:
    """An agent's work for one joint key."""

    def __init__(self, client: Client, key: ClientKey) -> None:
        self._client = client
        self._key = key

    async def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """Both parties' signature."""
        assert isinstance(self._key.share, SigningShare)
        salt = secrets.token_bytes(algorithm.salt_length)
        message = EncodedMessage(self._key.joint_key, algorithm, digest, salt)
        request = signing_service_pb2.SignDigestRequest(
            request_id=new_request_id(),
            key_id=key,
            algorithm=signature_algorithm_to_proto(algorithm),
            digest=digest,
            salt=salt,
            client_partial=create_partial_signature(self._key.share, message, ENGINE, secrets.token_bytes).to_bytes(),
        )
        return await self._client.sign(request)

    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """Nobody asks for this."""
        raise AssertionError(key, ciphertext, parameters)


async def pkcs10_of(client: Client, key: ClientKey, subject: str) -> bytes:
    """A PKCS#10 request, jointly signed."""
    signer = LoopSigner(Signer(client, key), asyncio.get_running_loop())
    joint = JointPrivateKey(signer, key.key_id, key.joint_key)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(subject))
    made = await asyncio.to_thread(builder.sign, joint, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def name(common: str) -> x509.Name:
    """A common name, alone."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


class Office:
    """A server with a registration authority, and the people who ask there."""

    def __init__(self, home: Home, server: Server, alice: Person, mallory: Person, key: ClientKey) -> None:
        self.home = home
        self.server = server
        self.alice = alice
        self.mallory = mallory
        self.key = key

    async def ask(self, person: Person, key: ClientKey, pkcs10: bytes, request_id: str = "") -> pb.CertificateRequest:
        """Ask for a certificate."""
        request = pb.RequestCertificateRequest(
            request_id=request_id or new_request_id(), key_id=key.key_id, pkcs10_der=pkcs10
        )
        return (await person.call(stub(person).RequestCertificate, request)).certificate_request

    async def refused(self, person: Person, key: ClientKey, pkcs10: bytes) -> str:
        """Why a request is refused."""
        with pytest.raises(RemoteError) as refusal_of:
            await self.ask(person, key, pkcs10)
        return refusal_of.value.reason

    async def look(self, person: Person, request_id: str) -> pb.CertificateRequest:
        """What became of a request."""
        request = pb.GetCertificateRequestRequest(certificate_request_id=request_id)
        return (await person.call(stub(person).GetCertificateRequest, request)).certificate_request

    async def does(self, *arguments: str) -> dict[str, object]:
        """What an officer's command says."""
        done = await asyncio.to_thread(answer, self.home.folder, "ra", *arguments)
        assert isinstance(done, dict)
        return done

    async def may_not(self, *arguments: str) -> str:
        """Why an officer's command is refused."""
        return await asyncio.to_thread(refusal, self.home.folder, "ra", *arguments)


def stub(person: Person) -> registration_service_pb2_grpc.RegistrationServiceAsyncStub:
    """RegistrationService."""
    return registration_service_pb2_grpc.RegistrationServiceStub(person.client.channel)


async def own_pair(person: Person) -> dict[Purpose, x509.Certificate]:
    """The pair for contract sessions."""
    return pair_of(await person.call(person.certificates.GetSignerCertificates, OWN))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Three officers, of whom two must approve; Alice with a joint key; Mallory."""
    home = make_home(
        tmp_path / "server",
        registration_officers=["dora", "edgar", "frank"],
        registration_approvals=2,
        ocsp_listen="127.0.0.1:0",
    )
    clock = MovableClock()
    async with (
        running_server(home, clock=clock) as server,
        await enrolled(home, server, "laptop") as laptop,
        await enrolled(home, server, "thief") as thief,
    ):
        alice, mallory = Person("alice", laptop, clock), Person("mallory", thief, clock)
        for person in (alice, mallory):
            await person.register()
        yield Office(home, server, alice, mallory, await laptop.generate())


def openssl(folder: Path, *arguments: str) -> str:
    """What ``openssl`` says."""
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


async def test_two_officers_make_a_certificate_that_others_take(office: Office, tmp_path: Path) -> None:
    """From the request to its revocation by its owner; every step by an officer only once, and none by others."""
    alice, key = office.alice, office.key
    pkcs10 = await pkcs10_of(alice.client, key, "alice")
    request_id = new_request_id()
    asked = await office.ask(alice, key, pkcs10, request_id)
    assert await office.ask(alice, key, pkcs10, request_id) == asked
    number = asked.certificate_request_id
    assert asked.state == pb.CERTIFICATE_REQUEST_STATE_WAITING

    assert (await office.does("approve", number, "--officer", "dora"))["certificate"] is None
    assert "has approved" in await office.may_not("approve", number, "--officer", "dora")
    assert "no officer" in await office.may_not("approve", number, "--officer", "mallory")
    assert (await office.look(alice, number)).certificate_der == b""
    issued = await office.does("approve", number, "--officer", "edgar")
    assert "is issued" in await office.may_not("approve", number, "--officer", "frank")
    assert "is issued" in await office.may_not("refuse", number, "--officer", "frank", "--why", "late")
    shown = await office.does("show", number, "--out", str(tmp_path / "alice.pem"))
    assert [each["officer"] for each in shown["approvals"]] == ["dora", "edgar"]  # type: ignore[attr-defined]

    found = await office.look(alice, number)
    certificate = x509.load_der_x509_certificate(found.certificate_der)
    assert issued["certificate"]["fingerprint"] == certificate.fingerprint(hashes.SHA256()).hex()  # type: ignore[index]
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.public_numbers() == key.joint_key.to_cryptography().public_numbers()
    assert certificate.subject == name("Alice")
    signature = await Signer(alice.client, key).sign_digest(
        key.key_id, SignatureAlgorithm.PKCS1_SHA256.hash.digest(b"contract"), SignatureAlgorithm.PKCS1_SHA256
    )
    public.verify(signature, b"contract", padding.PKCS1v15(), hashes.SHA256())
    status = office.server._status
    assert status is not None
    (tmp_path / "authority.pem").write_bytes(status._authority.certificate_pem)
    assert "OK" in openssl(tmp_path, "verify", "-CAfile", "authority.pem", "alice.pem")

    async def asked_by_ocsp() -> str:
        url = f"http://{office.server.serving.status_server}/ocsp"
        trusted = ("-issuer", "authority.pem", "-CAfile", "authority.pem", "-url", url, "-cert", "alice.pem")
        return await asyncio.to_thread(openssl, tmp_path, "ocsp", *trusted)

    assert "alice.pem: good" in await asked_by_ocsp()
    none = await alice.call(alice.certificates.GetSignerCertificates, OWN)
    assert not none.HasField("sign_certificate")
    pair = await alice.get_certificates()  # the pair for contract sessions is another matter
    assert "alice.pem: good" in await asked_by_ocsp()
    assert await own_pair(alice) == pair
    revocation = pb.RevokePersonalCertificateRequest(
        request_id=new_request_id(),
        certificate_request_id=number,
        reason=certificate_service_pb2.REVOCATION_REASON_SUPERSEDED,
    )
    with pytest.raises(RemoteError, match="no such request"):
        await office.mallory.call(stub(office.mallory).RevokePersonalCertificate, revocation)
    await alice.call(stub(alice).RevokePersonalCertificate, revocation)
    assert "alice.pem: revoked" in await asked_by_ocsp()
    assert "no certificate that holds" in await office.may_not("revoke", number, "--officer", "dora")
    assert await own_pair(alice) == pair
    logged = query(office.home, "SELECT method, outcome FROM operations WHERE log_index IS NOT NULL ORDER BY sequence")
    assert ("RequestCertificate", "done") in logged
    assert ("RevokePersonalCertificate", "done") in logged


async def test_nobody_gets_a_certificate_for_what_is_not_theirs(office: Office) -> None:
    """Somebody else's key or name, a request that was used before, one that others signed, or too large."""
    alice, mallory, key = office.alice, office.mallory, office.key
    good = await pkcs10_of(alice.client, key, "alice")
    assert await office.refused(mallory, key, good) == "KEY_NOT_FOUND"
    hers = await mallory.client.generate()
    assert await office.refused(mallory, hers, good) == "PERSONAL_REQUEST_INVALID"
    other = rsa.generate_private_key(65537, 2048)
    foreign = x509.CertificateSigningRequestBuilder().subject_name(name("alice")).sign(other, hashes.SHA256())
    wrong = {
        "another key": foreign.public_bytes(Encoding.DER),
        "another name": await pkcs10_of(alice.client, key, "mallory"),
        "another signature": good[:-1] + bytes([good[-1] ^ 1]),
        "nothing": b"",
        "too large": good + bytes(8192),
    }
    for what, pkcs10 in wrong.items():
        assert await office.refused(alice, key, pkcs10) == "PERSONAL_REQUEST_INVALID", what
    asked = await office.ask(alice, key, good)
    assert await office.refused(alice, key, good) == "KEY_CERTIFIED_BEFORE"
    with pytest.raises(RemoteError, match="no such request"):
        await office.look(mallory, asked.certificate_request_id)
    listed = await mallory.call(stub(mallory).ListCertificateRequests, pb.ListCertificateRequestsRequest())
    assert not listed.certificate_requests

    number = asked.certificate_request_id
    await office.does("approve", number, "--officer", "dora")
    settings = office.home.config.read_text().replace('"dora", ', "")
    office.home.config.write_text(settings)  # who is an officer no more decides nothing, nor has
    assert "no officer" in await office.may_not("approve", number, "--officer", "dora")
    assert (await office.does("approve", number, "--officer", "edgar"))["certificate"] is None
    await office.does("refuse", number, "--officer", "frank", "--why", "ask in person")
    found = await office.look(alice, number)
    assert (found.state, found.refusal) == (pb.CERTIFICATE_REQUEST_STATE_REFUSED, "ask in person")
    assert found.certificate_der == b""

    encrypt = await alice.client.generate(purpose=Purpose.DECRYPT)
    assert await office.refused(alice, encrypt, good) == "PERSONAL_REQUEST_INVALID"
    number = (await office.ask(alice, encrypt, b"")).certificate_request_id
    for officer in ("edgar", "frank"):
        await office.does("approve", number, "--officer", officer)
    certificate = x509.load_der_x509_certificate((await office.look(alice, number)).certificate_der)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_encipherment, usage.digital_signature) == (True, False)
    await office.does("revoke", number, "--officer", "frank")
    revoked = await office.look(alice, number)
    assert revoked.revocation_reason == certificate_service_pb2.REVOCATION_REASON_PRIVILEGE_WITHDRAWN


async def issued(office: Office, person: Person, key: ClientKey, pkcs10: bytes) -> pb.CertificateRequest:
    """Ask for a certificate, and have it approved by two officers."""
    asked = await office.ask(person, key, pkcs10)
    status = office.server._status
    assert status is not None
    rules, authority = RaOffice(frozenset({"dora", "edgar"}), 2, timedelta(days=9)), status._authority
    for officer in ("dora", "edgar"):
        arguments = (rules, authority, asked.certificate_request_id, officer, system_clock())
        await office.server._ground.database.write(partial(_approve, arguments))
    return await office.look(person, asked.certificate_request_id)


def _approve(arguments: tuple[RaOffice, Authority, str, str, datetime], connection: Connection) -> None:
    approve(connection, *arguments)


async def test_replaced_key_takes_its_certificate_with_it(office: Office, tmp_path: Path) -> None:
    """It is revoked as superseded, to everybody; a request that waits is refused; the new key gets one of its own."""
    alice, key = office.alice, office.key
    letters = await alice.client.generate(purpose=Purpose.DECRYPT)
    first = await issued(office, alice, key, await pkcs10_of(alice.client, key, "alice"))
    waiting = (await office.ask(alice, letters, b"")).certificate_request_id
    new, newer = await alice.client.rekey(key), await alice.client.rekey(letters)

    old = await office.look(alice, first.certificate_request_id)
    assert old.revocation_reason == certificate_service_pb2.REVOCATION_REASON_SUPERSEDED
    refused = await office.look(alice, waiting)
    assert refused.state == pb.CERTIFICATE_REQUEST_STATE_REFUSED
    assert newer.key_id in refused.refusal
    assert "is refused" in await office.may_not("approve", waiting, "--officer", "dora")
    assert await office.refused(alice, letters, b"") == "KEY_REPLACED"
    second = await issued(office, alice, new, await pkcs10_of(alice.client, new, "alice"))
    encrypting = await issued(office, alice, newer, b"")
    await alice.client.rekey(newer)
    gone = await office.look(alice, encrypting.certificate_request_id)
    assert gone.revocation_reason == certificate_service_pb2.REVOCATION_REASON_SUPERSEDED

    status = office.server._status
    assert status is not None
    (tmp_path / "authority.pem").write_bytes(status._authority.certificate_pem)
    for file, der in {"old": old, "new": second, "gone": gone}.items():
        certificate = x509.load_der_x509_certificate(der.certificate_der)
        (tmp_path / f"{file}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    listed = x509.load_der_x509_crl((await office.server._rules.accounts.lists.current()).der)
    (tmp_path / "list.pem").write_bytes(listed.public_bytes(Encoding.PEM))
    assert openssl(tmp_path, "crl", "-in", "list.pem", "-noout", "-text").count("Superseded") == 2
    checked = ("verify", "-CAfile", "authority.pem", "-CRLfile", "list.pem", "-crl_check")
    assert "OK" in openssl(tmp_path, *checked, "new.pem")
    with pytest.raises(subprocess.CalledProcessError, match="verify"):
        openssl(tmp_path, *checked, "old.pem")

    url = f"http://{office.server.serving.status_server}/ocsp"
    asked = ("ocsp", "-issuer", "authority.pem", "-CAfile", "authority.pem", "-url", url)
    named = ("-cert", "old.pem", "-cert", "new.pem", "-cert", "gone.pem")
    found = [await asyncio.to_thread(openssl, tmp_path, *asked, *named[place : place + 2]) for place in (0, 2, 4)]
    assert ["superseded" in each for each in found] == [True, False, True]
    assert "new.pem: good" in found[1]
    signature = await Signer(alice.client, new).sign_digest(
        new.key_id, SignatureAlgorithm.PKCS1_SHA256.hash.digest(b"contract"), SignatureAlgorithm.PKCS1_SHA256
    )
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "contract").write_bytes(b"contract")
    openssl(tmp_path, "x509", "-in", "new.pem", "-noout", "-pubkey", "-out", "key.pem")
    assert "OK" in openssl(tmp_path, "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "contract")

    keys, named_key = alice.client.keys, {"key_id": new.key_id}
    schedule = key_service_pb2.ScheduleKeyDestructionRequest(request_id=new_request_id(), **named_key)
    await call(keys.ScheduleKeyDestruction, schedule)
    await call(keys.DestroyKey, key_service_pb2.DestroyKeyRequest(request_id=new_request_id(), **named_key))
    ended = await office.look(alice, second.certificate_request_id)
    assert ended.revocation_reason == certificate_service_pb2.REVOCATION_REASON_CESSATION_OF_OPERATION


async def test_keys_that_a_spent_pin_takes_along_take_their_certificates(office: Office) -> None:
    """Nobody can sign by them any more, and everybody is told so."""
    alice, guard_id = office.alice, secrets.token_bytes(32)
    first = await issued(office, alice, office.key, await pkcs10_of(alice.client, office.key, "alice"))
    await create(alice.client, guard_id, Blinded(b"1234").element)

    await office.server._rules.pins._spend(sha256(guard_id).digest())

    ended = await office.look(alice, first.certificate_request_id)
    assert ended.revocation_reason == certificate_service_pb2.REVOCATION_REASON_CESSATION_OF_OPERATION
