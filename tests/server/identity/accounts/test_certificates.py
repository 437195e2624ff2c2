"""Certificates of signers: issued for keys whose owner asks for them, checked by OpenSSL, revoked; and possession."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contract.certificate_parts import fingerprint
from contract.certificates import SignerCertificate
from contract.chain import check_chain
from contract.oids import DEFAULT_ARC
from contract.possession import PossessionProof, PossessionRole
from contract.signer_keys import check_signature_alone, sign_alone
from contract.signer_requests import signer_certification_context
from mpc.four_prime_rsa import KeyShare, Purpose, Role, SigningShare, generate_key_share, own_private_key
from mpc.four_prime_rsa.certification import certify_modulus
from server.identity import Proof
from server.journal import Caller
from server.root.application import Server
from server.root.home import Home
from tests.server.harness import ENGINE, MovableClock, call, database_path, query
from tests.server.identity.accounts.people import Person, certificate_pb, pair_of, pb, pkcs10, spki
from wire.catalogue import ServiceError
from wire.ids import new_request_id
from wire.status import RemoteError

Pair = dict[Purpose, x509.Certificate]


@pytest.fixture(scope="module")
def shares() -> dict[Purpose, KeyShare]:
    """Two halves, made once."""
    return {purpose: generate_key_share(Role.CLIENT, purpose, 2048) for purpose in Purpose}


@pytest.fixture
async def pair(logged_in: Person) -> Pair:
    """Alice's certificates."""
    return await logged_in.get_certificates()


def with_halves(person: Person, shares: dict[Purpose, KeyShare]) -> certificate_pb.IssueSignerCertificatesRequest:
    """A request for two halves."""
    sign = shares[Purpose.SIGN]
    assert isinstance(sign, SigningShare)
    person.sign_key = own_private_key(sign)
    person.encrypt_key = shares[Purpose.DECRYPT].public.to_cryptography()
    request_id = new_request_id()
    roots = [
        certify_modulus(
            shares[purpose],
            signer_certification_context(person.name, request_id, purpose),
            ENGINE,
            secrets.token_bytes,
        )
        for purpose in (Purpose.SIGN, Purpose.DECRYPT)
    ]
    return person.signer_request(sign_roots=roots[0], encrypt_roots=roots[1], request_id=request_id)


async def issue(person: Person, request: certificate_pb.IssueSignerCertificatesRequest) -> Pair:
    """Have a pair issued."""
    return pair_of(await person.call(person.certificates.IssueSignerCertificates, request))


async def refusal(person: Person, request: certificate_pb.IssueSignerCertificatesRequest) -> str:
    """Why a request is refused."""
    with pytest.raises(RemoteError) as refused:
        await issue(person, request)
    return refused.value.reason


async def revocation_list(person: Person, *, fresh: bool = False) -> bytes:
    """The list, which needs no login."""
    request = certificate_pb.GetRevocationListRequest(fresh=fresh)
    return (await call(person.certificates.GetRevocationList, request)).revocation_list_der


async def find(person: Person, name: str = "") -> certificate_pb.GetSignerCertificatesResponse:
    """An account's active certificates."""
    request = certificate_pb.GetSignerCertificatesRequest(name=name)
    return await person.call(person.certificates.GetSignerCertificates, request)


async def revoke(person: Person, request_id: str = "") -> certificate_pb.RevokeSignerCertificatesResponse:
    """Revoke the person's pair."""
    request = certificate_pb.RevokeSignerCertificatesRequest(
        request_id=request_id or new_request_id(), reason=certificate_pb.REVOCATION_REASON_KEY_COMPROMISE
    )
    return await person.call(person.certificates.RevokeSignerCertificates, request)


async def is_proven(person: Person) -> bool:
    """Whether the person's newest login is."""
    page = await person.call(person.accounts.ListLogins, pb.ListLoginsRequest())
    return page.logins[0].proven


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run OpenSSL in a folder."""
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def verify(folder: Path, person: Person, pair: Pair, crl: bytes) -> list[subprocess.CompletedProcess[str]]:
    """What OpenSSL says of both certificates, with the list."""
    (folder / "authority.pem").write_bytes(person.client.identity.authority_pem)
    (folder / "crl.pem").write_bytes(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM))
    done = []
    for purpose, certificate in pair.items():
        (folder / f"{purpose}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        done.append(
            openssl(
                folder, "verify", "-x509_strict", "-crl_check", "-CAfile", "authority.pem", "-CRLfile", "crl.pem",
                f"{purpose}.pem",
            )
        )  # fmt: skip
    return done


async def test_certificates_say_who_and_what_for(logged_in: Person, pair: Pair) -> None:
    """The account decides the names, not the request; each certificate holds for its one use."""
    authority = x509.load_pem_x509_certificate(logged_in.client.identity.authority_pem)
    for purpose, usage in ((Purpose.SIGN, DEFAULT_ARC.signer_sign), (Purpose.DECRYPT, DEFAULT_ARC.signer_encrypt)):
        read = SignerCertificate(pair[purpose], DEFAULT_ARC)
        assert (read.name, read.display_name, read.purpose) == ("alice", "Alice", purpose)
        check_chain(pair[purpose], authority, usage, logged_in.clock())
        assert pair[purpose].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "Alice"
        assert pair[purpose].not_valid_after_utc - logged_in.clock() < timedelta(days=397)


async def test_openssl_agrees(logged_in: Person, pair: Pair, tmp_path: Path) -> None:
    """With chain, strictness and the list; and after revocation it says revoked, for exactly these certificates."""
    before = await revocation_list(logged_in)
    assert [done.returncode for done in verify(tmp_path, logged_in, pair, before)] == [0, 0]
    await revoke(logged_in)
    after = await revocation_list(logged_in)
    for done in verify(tmp_path, logged_in, pair, after):
        assert done.returncode != 0
        assert "certificate revoked" in done.stderr
    shown = openssl(tmp_path, "crl", "-in", "crl.pem", "-CAfile", "authority.pem", "-noout", "-text")
    assert "verify OK" in shown.stderr
    assert shown.stdout.count("Key Compromise") == 2
    numbers = [_number(x509.load_der_x509_crl(each)) for each in (before, after)]
    assert numbers[0] < numbers[1]


async def test_halves_are_certified(
    logged_in: Person, shares: dict[Purpose, KeyShare], mallory: Person, account_home: Home
) -> None:
    """With their roots; which are worth nothing for another account, request or purpose, or spoilt."""
    request = with_halves(logged_in, shares)
    spoilt = certificate_pb.IssueSignerCertificatesRequest()
    spoilt.CopyFrom(request)
    spoilt.sign_certification_roots[0] = bytes(256)
    assert await refusal(logged_in, spoilt) == "CERTIFICATION_INVALID"
    swapped = certificate_pb.IssueSignerCertificatesRequest()
    swapped.CopyFrom(request)
    del swapped.sign_certification_roots[:]
    swapped.sign_certification_roots.extend(request.encrypt_certification_roots)
    assert await refusal(logged_in, swapped) == "CERTIFICATION_INVALID"
    fewer = certificate_pb.IssueSignerCertificatesRequest()
    fewer.CopyFrom(request)
    del fewer.sign_certification_roots[8]
    assert await refusal(logged_in, fewer) == "CERTIFICATION_MALFORMED"
    mallory.sign_key, mallory.encrypt_key = logged_in.sign_key, logged_in.encrypt_key  # as if both were stolen
    stolen = mallory.signer_request(
        sign_roots=request.sign_certification_roots,
        encrypt_roots=request.encrypt_certification_roots,
        request_id=request.request_id,
    )
    assert await refusal(mallory, stolen) == "CERTIFICATION_INVALID"
    first = await issue(logged_in, request)
    assert await issue(logged_in, request) == first
    assert query(account_home, "SELECT is_half FROM signer_certificates") == [(1,), (1,)]
    certificates = [SignerCertificate(first[purpose], DEFAULT_ARC) for purpose in shares]
    assert [each.public_share() for each in certificates] == [shares[purpose].public for purpose in shares]


async def test_request_without_the_key_is_refused(logged_in: Person, mallory: Person) -> None:
    """Mallory has Alice's PKCS#10 request and her binding, and not her key."""
    request = logged_in.signer_request()
    assert await refusal(mallory, request) == "SIGNER_REQUEST_INVALID"
    request.encrypt_binding_signature = mallory.signer_request(request_id=request.request_id).encrypt_binding_signature
    assert await refusal(mallory, request) == "SIGNER_REQUEST_INVALID"


async def test_wrong_keys_are_refused(logged_in: Person) -> None:
    """One key for both, keys of wrong kinds and sizes, requests that cannot be read: each with its reason."""
    good = logged_in.signer_request()
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505  # too small
    for changes, reason in (
        ({"sign_request_der": b""}, "SIGNER_REQUEST_INVALID"),
        ({"sign_request_der": b"x" * 9000}, "SIGNER_REQUEST_INVALID"),
        ({"sign_request_der": good.sign_request_der[:-1] + b"\0"}, "SIGNER_REQUEST_INVALID"),
        ({"sign_request_der": pkcs10(ec.generate_private_key(ec.SECP384R1()))}, "SIGNER_KEY_UNSUITABLE"),
        ({"sign_request_der": pkcs10(small)}, "SIGNER_KEY_UNSUITABLE"),
        ({"encrypt_public_key_der": b"\x30\x00"}, "SIGNER_REQUEST_INVALID"),
        ({"encrypt_public_key_der": good.encrypt_public_key_der + b"\0"}, "SIGNER_REQUEST_INVALID"),
        ({"encrypt_public_key_der": spki(small.public_key())}, "SIGNER_KEY_UNSUITABLE"),
        ({"encrypt_public_key_der": spki(logged_in.sign_key.public_key())}, "SIGNER_KEY_UNSUITABLE"),
        ({"encrypt_public_key_der": spki(x25519.X25519PrivateKey.generate().public_key())}, "SIGNER_REQUEST_INVALID"),
        ({"encrypt_binding_signature": b""}, "SIGNER_REQUEST_INVALID"),
        ({"encrypt_binding_signature": b"x" * 5000}, "SIGNER_REQUEST_INVALID"),
        ({"sign_certification_roots": [b"1"] * 9}, "SIGNER_REQUEST_INVALID"),
        ({"request_id": "short"}, "REQUEST_ID_MALFORMED"),
    ):
        spoilt = certificate_pb.IssueSignerCertificatesRequest()
        spoilt.CopyFrom(good)
        for name, value in changes.items():
            spoilt.ClearField(name)  # type: ignore[arg-type]  # the fields above
            spoilt.MergeFrom(certificate_pb.IssueSignerCertificatesRequest(**{name: value}))  # type: ignore[arg-type]
        assert await refusal(logged_in, spoilt) == reason, changes
    assert not (await find(logged_in)).HasField("sign_certificate")


async def test_sessions_learn_what_was_proved(logged_in: Person, pair: Pair, account_server: Server) -> None:
    """Nothing before the proof; then both certificates; nothing after a revocation, and no login after its end."""
    logins, database = account_server._rules.accounts.logins, account_server._ground.database
    own = x509.load_pem_x509_certificate(logged_in.client.identity.certificate_pem)
    login = await logins.read(logged_in.token, Caller("laptop", fingerprint(own)))

    async def proved() -> Proof:
        return await database.write(lambda connection: logins.require_proven(connection, login))

    with pytest.raises(ServiceError) as refused:
        await proved()
    assert refused.value.reason == "PROOF_REQUIRED"
    await logged_in.prove(pair)
    found = await proved()
    assert (found.sign_certificate, found.encrypt_certificate) == tuple(map(fingerprint, pair.values()))
    await revoke(logged_in)
    with pytest.raises(ServiceError) as refused:
        await proved()
    assert refused.value.reason == "PROOF_REQUIRED"
    await logged_in.call(logged_in.accounts.RevokeLogin, pb.RevokeLoginRequest())
    with pytest.raises(ServiceError) as refused:
        await proved()
    assert refused.value.reason == "LOGIN_REQUIRED"


async def test_one_rsa_key_for_both_is_refused(logged_in: Person, shares: dict[Purpose, KeyShare]) -> None:
    """Even with everything else right."""
    sign = shares[Purpose.SIGN]
    assert isinstance(sign, SigningShare)
    logged_in.sign_key = own_private_key(sign)
    logged_in.encrypt_key = sign.public.to_cryptography()
    assert await refusal(logged_in, logged_in.signer_request()) == "SIGNER_REQUEST_INVALID"


async def test_key_of_another_account_is_refused(logged_in: Person, pair: Pair, mallory: Person) -> None:
    """Whatever stands in one certificate stands in no second, even if Mallory has stolen it."""
    assert pair
    mallory.sign_key = logged_in.sign_key
    assert await refusal(mallory, mallory.signer_request()) == "KEY_CERTIFIED_BEFORE"
    mallory.sign_key = ed25519.Ed25519PrivateKey.generate()
    mallory.encrypt_key = logged_in.encrypt_key
    assert await refusal(mallory, mallory.signer_request()) == "KEY_CERTIFIED_BEFORE"


async def test_new_pair_supersedes_the_old(logged_in: Person, pair: Pair, mallory: Person) -> None:
    """The old one is on the list, others are shown the new one, and no login is proven any more."""
    assert (await logged_in.prove(pair)).proven
    logged_in.sign_key = ed25519.Ed25519PrivateKey.generate()
    logged_in.encrypt_key = x25519.X25519PrivateKey.generate().public_key()
    new = await logged_in.get_certificates()
    assert not await is_proven(logged_in)
    assert pair_of(await find(mallory, "alice")) == new
    revoked = x509.load_der_x509_crl(await revocation_list(mallory))
    for certificate in pair.values():
        entry = revoked.get_revoked_certificate_by_serial_number(certificate.serial_number)
        assert entry is not None
        assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.superseded
    for certificate in new.values():
        assert revoked.get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    with pytest.raises(RemoteError) as refused:
        await logged_in.prove(pair)
    assert refused.value.reason == "POSSESSION_NOT_PROVEN"
    assert (await logged_in.prove(new)).proven


async def test_revocation_is_once(logged_in: Person, pair: Pair, mallory: Person) -> None:
    """A repeat answers the same; another one finds nothing to revoke; nobody is shown the pair any more."""
    assert pair
    request_id = new_request_id()
    assert await revoke(logged_in, request_id) == await revoke(logged_in, request_id)
    with pytest.raises(RemoteError) as refused:
        await revoke(logged_in)
    assert refused.value.reason == "NO_CERTIFICATES"
    assert not (await find(mallory, "alice")).HasField("sign_certificate")
    assert not (await find(mallory, "nobody-at-all")).HasField("sign_certificate")


async def test_list_is_made_anew_in_time(logged_in: Person, clock: MovableClock) -> None:
    """Read often it is the same; half its time later it is another with a higher number."""
    first = await revocation_list(logged_in)
    assert await revocation_list(logged_in) == first
    clock.move(timedelta(days=4))
    second = x509.load_der_x509_crl(await revocation_list(logged_in))
    assert _number(second) == _number(x509.load_der_x509_crl(first)) + 1
    assert second.next_update_utc is not None
    assert second.next_update_utc > clock() + timedelta(days=6)


async def test_fresh_list_is_made_once_a_second(logged_in: Person, clock: MovableClock) -> None:
    """It says of now what was not revoked until now; who asks again in the same second gets the same one."""
    await revocation_list(logged_in)
    clock.move(timedelta(seconds=2))
    first = await revocation_list(logged_in, fresh=True)
    assert x509.load_der_x509_crl(first).last_update_utc == clock().replace(microsecond=0)
    assert await revocation_list(logged_in, fresh=True) == first == await revocation_list(logged_in)


async def test_server_proves_itself(logged_in: Person) -> None:
    """Over the client's nonce, its own, and the time: by the key of a certificate of the authority that Alice knows."""
    nonce = secrets.token_bytes(32)
    begun = await logged_in.begin_proof(nonce)
    server = x509.load_der_x509_certificate(begun.server_certificate_der)
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(logged_in.client.identity.authority_pem))
    proof = _server_proof(logged_in, begun.server_nonce, nonce, fingerprint(server), begun.time.seconds)
    check_signature_alone(server.public_key(), begun.server_signature, proof.to_der())


@pytest.mark.parametrize("kind", ["p256", "ed25519", "rsa"])
async def test_signer_proves_itself(logged_in: Person, kind: str, shares: dict[Purpose, KeyShare]) -> None:
    """With a key of every kind; the login says so."""
    sign = shares[Purpose.SIGN]
    assert isinstance(sign, SigningShare)
    if kind == "rsa":
        logged_in.sign_key = own_private_key(sign)
    elif kind == "ed25519":
        logged_in.sign_key = ed25519.Ed25519PrivateKey.generate()
    assert (await logged_in.prove(await logged_in.get_certificates())).proven


async def test_every_part_of_the_proof_counts(logged_in: Person, pair: Pair, mallory: Person) -> None:
    """A proof for another account, login, agent, server, nonce, certificate, time or role proves nothing."""
    for changed in (
        {"account": "mallory"},
        {"login_id": mallory.login_id},
        {"agent_certificate": bytes(32)},
        {"server_certificate": bytes(32)},
        {"client_nonce": bytes(32)},
        {"certificates": (fingerprint(pair[Purpose.DECRYPT]), fingerprint(pair[Purpose.SIGN]))},
        {"role": PossessionRole.SERVER, "certificates": ()},
    ):
        nonce = secrets.token_bytes(32)
        begun = await logged_in.begin_proof(nonce)
        honest = logged_in.proof(begun, nonce, pair)
        signature = sign_alone(logged_in.sign_key, replace(honest, **changed).to_der())
        assert await _proof_refusal(logged_in, honest, pair, signature) == "POSSESSION_NOT_PROVEN", changed


async def test_proof_is_not_reflected(logged_in: Person, pair: Pair) -> None:
    """The server's own signature, sent back, is none of a signer's."""
    nonce = secrets.token_bytes(32)
    begun = await logged_in.begin_proof(nonce)
    honest = logged_in.proof(begun, nonce, pair)
    assert await _proof_refusal(logged_in, honest, pair, begun.server_signature) == "POSSESSION_NOT_PROVEN"


async def test_nonce_is_good_once_and_for_two_minutes(logged_in: Person, pair: Pair, clock: MovableClock) -> None:
    """After a failure too; and many at a time are one."""
    nonce = secrets.token_bytes(32)
    proof = logged_in.proof(await logged_in.begin_proof(nonce), nonce, pair)
    assert await _proof_refusal(logged_in, proof, pair, b"") == "POSSESSION_NOT_PROVEN"
    assert await _proof_refusal(logged_in, proof, pair) == "POSSESSION_NOT_PROVEN"
    proof = logged_in.proof(await logged_in.begin_proof(nonce), nonce, pair)
    clock.move(timedelta(minutes=2))
    assert await _proof_refusal(logged_in, proof, pair) == "POSSESSION_NOT_PROVEN"
    proof = logged_in.proof(await logged_in.begin_proof(nonce), nonce, pair)
    finish = logged_in.accounts.FinishPossessionProof
    attempts = [logged_in.call(finish, logged_in.proof_request(proof, pair)) for _ in range(3)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in outcomes) == 1


async def test_clock_that_is_far_off_is_told(logged_in: Person, pair: Pair) -> None:
    """Ten minutes are allowed."""
    nonce = secrets.token_bytes(32)
    begun = await logged_in.begin_proof(nonce)
    far = logged_in.proof(begun, nonce, pair, time=logged_in.now() - timedelta(minutes=11))
    assert await _proof_refusal(logged_in, far, pair) == "CLOCK_DIFFERS"
    near = logged_in.proof(begun, nonce, pair, time=logged_in.now() - timedelta(minutes=9))
    finish = logged_in.accounts.FinishPossessionProof
    assert (await logged_in.call(finish, logged_in.proof_request(near, pair))).login.proven


async def test_anothers_certificates_prove_nothing(logged_in: Person, pair: Pair, mallory: Person) -> None:
    """Mallory stole Alice's sign key: in Mallory's login it is nobody's. And no login comes of a signature alone."""
    mallory.sign_key = logged_in.sign_key
    nonce = secrets.token_bytes(32)
    proof = mallory.proof(await mallory.begin_proof(nonce), nonce, pair)
    assert await _proof_refusal(mallory, proof, pair) == "POSSESSION_NOT_PROVEN"
    mallory.token = ""
    with pytest.raises(RemoteError) as refused:
        await mallory.begin_proof(nonce)
    assert refused.value.reason == "LOGIN_REQUIRED"


async def test_expired_pair_is_not_active(logged_in: Person, pair: Pair, account_home: Home) -> None:
    """Neither shown nor accepted."""
    with contextlib.closing(sqlite3.connect(database_path(account_home))) as connection:
        connection.execute("UPDATE signer_certificates SET expire_time = create_time")
        connection.commit()
    assert not (await find(logged_in)).HasField("sign_certificate")
    nonce = secrets.token_bytes(32)
    proof = logged_in.proof(await logged_in.begin_proof(nonce), nonce, pair)
    assert await _proof_refusal(logged_in, proof, pair) == "POSSESSION_NOT_PROVEN"


async def _proof_refusal(person: Person, proof: PossessionProof, pair: Pair, signature: bytes | None = None) -> str:
    with pytest.raises(RemoteError) as refused:
        await person.call(person.accounts.FinishPossessionProof, person.proof_request(proof, pair, signature))
    return refused.value.reason


def _server_proof(
    person: Person, server_nonce: bytes, client_nonce: bytes, server: bytes, seconds: int
) -> PossessionProof:
    own = x509.load_pem_x509_certificate(person.client.identity.certificate_pem)
    epoch = person.now() - timedelta(seconds=int(person.now().timestamp()))
    return PossessionProof(
        role=PossessionRole.SERVER,
        account=person.name,
        login_id=person.login_id,
        agent_certificate=fingerprint(own),
        server_certificate=server,
        client_nonce=client_nonce,
        server_nonce=server_nonce,
        time=epoch + timedelta(seconds=seconds),
        certificates=(),
    )


def _number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
