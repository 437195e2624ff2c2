"""An organisation's keys in a token: certified by officers as others are, ordinary to other software, nobody else's."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from fourseal.v1 import certificate_service_pb2, registration_service_pb2
from typer.main import get_command

from mpc.errors import FoursealError
from server.cli.main import app
from server.custody.private_keys import NamedEcKey, NamedKey, NamedRsaKey
from server.errors import OperatorError
from server.identity import Authority
from server.organisations import find_key, open_key
from server.root.application import Server
from server.root.home import Home
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.custody.pkcs11.test_authority_in_a_token import openssl
from tests.server.harness import MovableClock, database_path, enrolled, make_home, running_server
from tests.server.identity.accounts.people import Person
from tests.server.registration.test_registration import OWN, stub
from wire.ids import new_request_id
from wire.status import RemoteError

pb = registration_service_pb2
operator = get_command(app)
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Office:
    """A server over a token, its operator and officers, and a folder of theirs."""

    def __init__(self, home: Home, server: Server, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.server = server
        self.folder = folder
        self._capsys = capsys
        authority = server._ground.database.read_now(Authority.find_certificate_pem)
        (folder / "authority.pem").write_bytes(authority)

    async def does(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON
        """What a command says."""
        await asyncio.to_thread(
            operator, [*arguments, "--json", "--home", str(self.home.folder)], standalone_mode=False
        )
        return self.said()

    def said(self) -> Any:  # noqa: ANN401  # JSON
        """By the last command."""
        return json.loads(self._capsys.readouterr().out)

    async def may_not(self, why: str, *arguments: str) -> None:
        """A command is refused."""
        with pytest.raises((OperatorError, FoursealError), match=why):
            await self.does(*arguments)

    async def new_key(self, purpose: str, kind: str) -> str:
        """Make one."""
        made = await self.does("organisation", "key", "acme", "--purpose", purpose, "--kind", kind)
        return str(made["key_id"])

    async def certify(self, key_id: str, out: str) -> tuple[str, str]:
        """Request and certificate of a key, as ``openssl`` shows it."""
        number = (await self.does("organisation", "request", key_id))["certificate_request_id"]
        await self.may_not("waits already", "organisation", "request", key_id)
        assert (await self.does("ra", "approve", number, "--officer", "dora"))["certificate"] is None
        assert (await self.does("ra", "approve", number, "--officer", "edgar"))["certificate"] is not None
        await self.may_not("stands in a certificate", "organisation", "request", key_id)
        shown = await self.does("ra", "show", number, "--out", str(self.folder / out))
        assert (shown["account"], shown["organisation"]) == ("", "acme")
        assert f"{out}: OK" in openssl(self.folder, "verify", "-CAfile", "authority.pem", out)
        return number, openssl(self.folder, "x509", "-in", out, "-noout", "-text")

    async def status(self, certificate: str) -> str:
        """What the responder says of it."""
        url = f"http://{self.server.serving.status_server}/ocsp"
        trusted = ("-issuer", "authority.pem", "-CAfile", "authority.pem", "-url", url, "-cert", certificate)
        return await asyncio.to_thread(openssl, self.folder, "ocsp", *trusted)

    def private_key(self, key_id: str) -> NamedKey:
        """A key, to be used."""
        ground = self.server._ground
        key = ground.database.read_now(lambda connection: find_key(connection, key_id))
        assert key is not None
        return ground.database.read_now(lambda connection: open_key(connection, ground.custody.keys, key))

    def public_key(self, certificate: str) -> Any:  # noqa: ANN401  # of either kind
        """Of a certificate."""
        return x509.load_pem_x509_certificate((self.folder / certificate).read_bytes()).public_key()


@pytest.fixture
async def office(
    in_token: SoftToken,  # noqa: ARG001  # set up in it
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Office]:
    """Two officers, who both must approve."""
    settings = {"registration_officers": ["dora", "edgar"], "registration_approvals": 2, "ocsp_listen": "127.0.0.1:0"}
    home = make_home(tmp_path / "server", **settings)
    async with running_server(home) as server:
        yield Office(home, server, tmp_path, capsys)


async def test_keys_of_an_organisation(office: Office, in_token: SoftToken) -> None:
    """Registered, made, asked for, approved by two, used, revoked; an account of the same name has nothing of it."""
    await office.may_not("has 1 to 63", "organisation", "add", "Acme!", "--display-name", "Acme")
    await office.does("organisation", "add", "acme", "--display-name", "Acme Works")
    await office.may_not("acme is registered", "organisation", "add", "acme", "--display-name", "Another")
    signs, decrypts = await office.new_key("sign", "ecdsa-p384"), await office.new_key("decrypt", "rsa-3072")
    assert {f"fourseal {signs}", f"fourseal {decrypts}"} <= set(in_token.names())
    number, shown = await office.certify(signs, "signs.pem")
    for part in ("O = Acme Works, CN = Acme Works", "URI:urn:fourseal:organisation:acme"):
        assert f"{part}\n" in shown
    assert "Digital Signature, Non Repudiation\n" in shown
    assert (await office.does("custody", "test"))["sound_keys"] == 4
    listed = (await office.does("custody", "list"))["named_keys"]
    assert listed.pop()["key"].startswith("backend-")
    assert [(each["key"], each["state"]) for each in listed] == [
        (name, "kept") for name in ("authority", *sorted((signs, decrypts)))
    ]
    assert len({each["object_id"] for each in listed} - {""}) == 3
    _, shown = await office.certify(decrypts, "decrypts.pem")
    assert "Key Encipherment\n" in shown
    assert "Digital Signature" not in shown
    on_curve, with_rsa = office.private_key(signs), office.private_key(decrypts)
    assert isinstance(on_curve, NamedEcKey)
    assert isinstance(with_rsa, NamedRsaKey)
    signature = on_curve.sign(b"contract", ec.ECDSA(hashes.SHA384()))
    office.public_key("signs.pem").verify(signature, b"contract", ec.ECDSA(hashes.SHA384()))
    assert with_rsa.decrypt(office.public_key("decrypts.pem").encrypt(b"secret", OAEP), OAEP) == b"secret"

    async with await enrolled(office.home, office.server, "thief") as client:
        await sees_nothing(Person("acme", client, MovableClock()), number)
    assert "signs.pem: good" in await office.status("signs.pem")
    await office.does("ra", "revoke", number, "--officer", "dora", "--reason", "cessation_of_operation")
    assert "signs.pem: revoked" in await office.status("signs.pem")
    keys = (await office.does("organisation", "show", "acme"))["keys"]
    assert {each["key_id"]: each["revocation_reason"] for each in keys} == {
        signs: "cessation_of_operation",
        decrypts: None,
    }
    await office.does("crl", "--out", str(office.folder / "list.der"))
    revoked = openssl(office.folder, "crl", "-inform", "DER", "-in", "list.der", "-noout", "-text")
    assert "Cessation Of Operation" in revoked
    events = (await office.does("accounts", "events", "organisation acme"))["events"]
    assert [each["event"] for each in events] == [*["certificates_issued"] * 2, "certificates_revoked"]


async def sees_nothing(mallory: Person, number: str) -> None:
    """Somebody with an account of the organisation's name gets at none of its requests and certificates."""
    await mallory.register()
    listed = await mallory.call(stub(mallory).ListCertificateRequests, pb.ListCertificateRequestsRequest())
    assert not listed.certificate_requests
    wished = pb.RevokePersonalCertificateRequest(
        request_id=new_request_id(),
        certificate_request_id=number,
        reason=certificate_service_pb2.REVOCATION_REASON_SUPERSEDED,
    )
    with pytest.raises(RemoteError, match="no such request"):
        await mallory.call(stub(mallory).RevokePersonalCertificate, wished)
    asked = pb.GetCertificateRequestRequest(certificate_request_id=number)
    with pytest.raises(RemoteError, match="no such request"):
        await mallory.call(stub(mallory).GetCertificateRequest, asked)
    own = await mallory.call(mallory.certificates.GetSignerCertificates, OWN)
    assert not own.HasField("sign_certificate")


async def test_what_cannot_be_asked_for(office: Office) -> None:
    """No key of a kind that does not fit, of nobody, or moved to another organisation by who edits the database."""
    for name in ("acme", "other"):
        await office.does("organisation", "add", name, "--display-name", name)
    listed = (await office.does("organisation", "list"))["organisations"]
    assert [each["organisation"] for each in listed] == ["acme", "other"]
    wish = ("--purpose", "decrypt", "--kind")
    await office.may_not("does not decrypt", "organisation", "key", "acme", *wish, "ecdsa-p384")
    await office.may_not("no organisation nobody", "organisation", "key", "nobody", *wish, "rsa-3072")
    await office.may_not("no key", "organisation", "request", "orgkey-none")
    key_id = await office.new_key("sign", "ecdsa-p256")
    with closing(sqlite3.connect(database_path(office.home))) as connection, connection:
        connection.execute("UPDATE organisation_keys SET organisation = 'other'")
    await office.may_not("damaged or was tampered with", "organisation", "request", key_id)
    with pytest.raises(SystemExit, match="1"):
        await office.does("custody", "test")
    assert office.said() == {"sound": 0, "sound_keys": 2, "damaged": [key_id], "left_over": []}
