"""Organisation keys in trust from the agent's side: what works at a real server, and what a lying one could show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import certificate_service_pb2
from fourseal.v1.trusteeship_service_pb2 import GetOrganisationRequest

from contract.joint_statement import JointStatement
from contract.log_entry import LogEntry
from contract.trusteeship.grants import GrantRequest, grant_id
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord
from signer_agent.contracts.signer_keys import RevocationReason
from signer_agent.trusteeship.granted_keys import GrantedRsaPrivateKey
from signer_agent.trusteeship.grants import GrantState
from signer_agent.trusteeship.records import RecordFilter
from signer_agent.trusteeship.uses import new_use_id
from tests.server.trusteeship.people import OAEP
from tests.signer_agent.evidence import lying
from tests.signer_agent.lies import flipped
from tests.signer_agent.refusals import refused
from tests.signer_agent.trusteeship.people import Company, Lie, Trustee, command, gathered, in_an_hour
from transparency.receipt import Receipt

Answer = Any
"""A protobuf message of any kind, whose fields are set by name."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice and Bob."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


async def test_grants(company: Company) -> None:
    """Asked for, approved, suspended, approved again, revoked; what cannot be asked for is refused here."""
    alice, bob = company.alice.trust, company.bob.trust
    acme = await bob.organisation("acme")
    assert (acme.display_name, acme.approvals, acme.administrators) == ("Acme Works", 1, ("alice",))
    assert {each.key_id for each in acme.keys} == {each.key_id for each in company.keys.values()}
    asked = await company.asked("seal", document_kinds=["offer", "invoice"], digests=[bytes(32)])
    assert (asked.state, asked.request.user, asked.request.document_kinds) == (
        GrantState.REQUESTED,
        "bob",
        ("invoice", "offer"),
    )
    (waiting,) = await alice.grants("acme")
    assert waiting == asked
    approved = await alice.approve(waiting, "as agreed")
    assert (approved.state, approved.approved_by, approved.orders[0].reason) == (
        GrantState.ACTIVE,
        ("alice",),
        "as agreed",
    )
    suspended = await alice.suspend(approved)
    with refused("GRANT_ORDER_WRONG"):
        await alice.approve(approved)
    assert (suspended.state, suspended.round, suspended.approved_by) == (GrantState.SUSPENDED, 2, ())
    assert (await alice.approve(suspended)).state is GrantState.ACTIVE
    assert (await alice.revoke(await alice.grant(asked.grant_id))).state is GrantState.REVOKED
    assert (await bob.grants())[0].state is GrantState.REVOKED
    seal = company.keys["seal"].key_id
    for reason, name, key, changed in (
        ("ORGANISATION_NOT_FOUND", "nowhere", seal, {}),
        ("GRANT_REQUEST_WRONG", "acme", "orgkey-" + "a" * 16, {}),
        ("TRUST_STATEMENT_MALFORMED", "acme", seal, {"uses": 0}),
        ("WHY_MALFORMED", "acme", seal, {"reason": ""}),
    ):
        wanted: dict[str, Any] = {"uses": 1, "end": in_an_hour(), "reason": "why", **changed}
        with refused(reason):
            await bob.request_grant(name, key, **wanted)


def _other_authority(answer: Answer) -> None:
    """The same name and key, by an authority that nobody knows."""
    for key in answer.keys:
        genuine = x509.load_der_x509_certificate(key.certificate_der)
        names = genuine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = genuine.extensions.get_extension_for_class(x509.KeyUsage).value
        public = genuine.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        builder = x509.CertificateBuilder(genuine.issuer, genuine.subject, public, genuine.serial_number)
        forged = (
            builder.not_valid_before(genuine.not_valid_before_utc)
            .not_valid_after(genuine.not_valid_after_utc)
            .add_extension(names, critical=False)
            .add_extension(usage, critical=True)
            .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        )
        key.certificate_der = forged.public_bytes(Encoding.DER)


def _other_purpose(answer: Answer) -> None:
    """What signs shall decrypt."""
    for key in answer.keys:
        key.purpose = certificate_service_pb2.CERTIFICATE_PURPOSE_ENCRYPT


def _other_grant(answer: Answer) -> None:
    """A grant of more uses than were asked for, with the name that it then has."""
    signed = JointStatement.from_der(answer.grant.request_der)
    changed = replace(GrantRequest.from_der(signed.statement), uses=1_000)
    answer.grant.request_der = JointStatement(changed.to_der(), signed.signature).to_der()
    answer.grant.grant_id = grant_id(changed.digest)
    del answer.grant.orders_der[:]


def _other_signature(answer: Answer) -> None:
    signed = JointStatement.from_der(answer.grant.request_der)
    answer.grant.request_der = JointStatement(signed.statement, flipped(signed.signature)).to_der()


def _order_not_signed(answer: Answer) -> None:
    signed = JointStatement.from_der(answer.grant.orders_der[-1])
    answer.grant.orders_der[-1] = JointStatement(signed.statement, flipped(signed.signature)).to_der()


def _no_order(answer: Answer) -> None:
    del answer.grant.orders_der[:]


def _keys_exchanged(answer: Answer) -> None:
    """Each key has the next one's name."""
    names = [each.key_id for each in answer.keys]
    for key, name in zip(answer.keys, [*names[1:], names[0]], strict=True):
        key.key_id = name


async def test_grants_that_a_server_makes_up(company: Company) -> None:
    """Certificates of others, another grant than was asked for, orders that were not given: the server is to blame."""
    alice, bob = company.alice, company.bob
    for reason, lie in (
        ("TRUST_ANSWER_WRONG", lambda answer: setattr(answer, "organisation", "other")),
        ("CERTIFICATE_NOT_ISSUED", _other_authority),
        ("CERTIFICATE_NOT_OURS", _other_purpose),
        ("CERTIFICATE_MALFORMED", lambda answer: setattr(answer.keys[0], "certificate_der", b"none")),
        ("ANSWER_MALFORMED", lambda answer: setattr(answer.keys[0], "purpose", 0)),
    ):
        with bob.told("GetOrganisation", lie), refused(reason, culprit="server"):
            await bob.trust.organisation("acme")
    acme = await bob.trust._line.call(bob.trust._rpc.GetOrganisation, GetOrganisationRequest(organisation="acme"))
    acme.organisation = "other"
    with bob.told("GetOrganisation", lambda answer: answer.CopyFrom(acme)), refused("CERTIFICATE_NOT_OURS"):
        await bob.trust.organisation("other")
    for reason, lie in (
        ("TRUST_ANSWER_WRONG", _other_grant),
        ("JOINT_SIGNATURE_INVALID", _other_signature),
        ("JOINT_STATEMENT_MALFORMED", lambda answer: answer.Clear()),
    ):
        with bob.told("RequestGrant", lie), refused(reason, culprit="server"):
            await company.asked("seal")
    asked, another = await company.asked("seal"), await company.asked("stamp")
    for reason, lie in (
        ("TRUST_ANSWER_WRONG", lambda answer: setattr(answer.grant, "grant_id", another.grant_id)),
        ("TRUST_ANSWER_WRONG", _other_grant),
        ("ANSWER_MALFORMED", lambda answer: setattr(answer.grant, "used", 11)),
        ("TRUST_ANSWER_WRONG", lambda answer: setattr(answer.grant, "round", 0)),
        ("TRUST_ANSWER_WRONG", lambda answer: setattr(answer.grant, "round", 2)),  # to keep approvals for that one
        ("ANSWER_MALFORMED", lambda answer: setattr(answer.grant.create_time, "seconds", 1 << 60)),
    ):
        with alice.told("GetGrant", lie), refused(reason, culprit="server"):
            await alice.trust.grant(asked.grant_id)
    order = (await alice.trust.approve(another)).signed_orders[0].to_der()
    with (
        alice.told("GetGrant", lambda answer: answer.grant.orders_der.append(order)),
        refused("TRUST_ANSWER_WRONG", culprit="server"),
    ):
        await alice.trust.grant(asked.grant_id)
    fresh = bob.contracts.trusteeship(bob.agent, "mine")
    with bob.told("GetOrganisation", _keys_exchanged), refused("TRUST_ANSWER_WRONG", culprit="server"):
        await fresh.sign(another, b"invoice", reason="Invoice 1")
    now = await alice.trust.approve(asked)
    for reason, lie in (
        ("TRUST_ANSWER_WRONG", _no_order),
        ("JOINT_SIGNATURE_INVALID", _order_not_signed),
        ("TRUST_ANSWER_WRONG", _other_grant),
    ):
        with alice.told("OrderGrant", lie), refused(reason, culprit="server"):
            now = await alice.trust.suspend(now) if now.state is GrantState.ACTIVE else await alice.trust.approve(now)
        now = await alice.trust.grant(asked.grant_id)


def _crash(answer: Answer) -> None:
    """The agent ends before it has read the answer."""
    raise SystemError(answer)


async def test_uses(company: Company) -> None:
    """A signature and a plaintext; repeated, refused, failed; all on record."""
    bob = company.bob.trust
    seal, letters = [await company.granted(each, document_kinds=["invoice"]) for each in ("seal", "letters")]
    document = b"invoice"
    said: dict[str, Any] = {"reason": "Invoice 4711", "document_kind": "invoice"}
    use_id = new_use_id()
    first = await bob.sign(seal, document, **said, request_id=use_id)
    company.keys["seal"].public_key.verify(first.result, document, ec.ECDSA(hashes.SHA256()))
    again = await company.bob.contracts.trusteeship(company.bob.agent).sign(seal, document, **said, request_id=use_id)
    assert (again.result, again.entry_der) == (first.result, first.entry_der)
    assert (await bob.grant(seal.grant_id)).used == 1
    use_id = new_use_id()
    for step in ("BeginUse", "FinishUse"):
        with company.bob.told(step, _crash), pytest.raises(SystemError):
            await bob.sign(seal, document, **said, request_id=use_id)
    assert (await bob.sign(seal, document, **said, request_id=use_id)).recorded.record.number == 2
    assert (await bob.grant(seal.grant_id)).used == 2
    with refused("REQUEST_ID_REUSED"):
        await bob.sign(seal, b"another", **said, request_id=use_id)
    with refused("FIELD_INVALID"):
        await bob.sign(seal, document, **said, request_id="a" * 22)
    with refused("USE_REFUSED", cause="KIND_OUTSIDE_GRANT", number="3"):
        await bob.sign(seal, document, reason="Offer", document_kind="offer")
    with refused("WRONG_PURPOSE"):
        await bob.decrypt(seal, b"", reason="none")
    with refused("FIELD_INVALID", field="algorithm"):
        await bob.sign(seal, document, KeyOperation.PSS_SHA256, reason="none")

    ciphertext = company.keys["letters"].public_key.encrypt(b"secret", OAEP)
    with refused("DECRYPTION_FAILED"):
        await bob.decrypt(letters, flipped(ciphertext), **said)
    opened = await bob.decrypt(letters, ciphertext, **said)
    assert opened.result == b"secret"
    assert "secret" not in repr(opened)

    mine = await bob.records(RecordFilter())
    theirs = await company.alice.trust.records(RecordFilter("acme", company.keys["letters"].key_id))
    assert [each.record for each in mine if each.record.key_id == letters.request.key_id] == [
        each.record for each in theirs
    ]
    numbered = [(each.record.number, each.record.outcome.value) for each in theirs]
    assert numbered == [(1, "failed"), (2, "done")]
    assert theirs[1] == opened.recorded
    alien = mine[0].to_der()
    with (
        company.alice.told("ListRecords", lambda answer: answer.records_der.append(alien)),
        refused("TRUST_ANSWER_WRONG", culprit="server"),
    ):
        await company.alice.trust.records(RecordFilter("acme", company.keys["letters"].key_id))
    with refused("NOT_AN_ADMINISTRATOR"):
        await bob.records(RecordFilter("acme"))


async def test_key_objects(company: Company) -> None:
    """Keys of cryptography's, of both kinds, whose every operation is a use; what needs the key itself is refused."""
    bob, document, said = company.bob.trust, b"invoice", {"reason": "Invoice 4711"}
    seal, stamp, letters = [await company.granted(each) for each in company.keys]
    for grant, padding_of_it in ((stamp, padding.PSS(padding.MGF1(hashes.SHA384()), 48)), (stamp, padding.PKCS1v15())):
        key = await bob.private_key(grant, **said)
        assert isinstance(key, GrantedRsaPrivateKey)
        made = await asyncio.to_thread(key.sign, document, padding_of_it, hashes.SHA384())
        key.public_key().verify(made, document, padding_of_it, hashes.SHA384())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "acme")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for grant in (seal, stamp):
        key = await bob.private_key(grant, **said)
        asked = await asyncio.to_thread(builder.sign, key, hashes.SHA256())
        assert asked.is_signature_valid
        with refused("PRIVATE_KEY_IN_CUSTODY"):
            key.private_numbers()
        with refused("PRIVATE_KEY_IN_CUSTODY"):
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    key = await bob.private_key(letters, **said)
    assert isinstance(key, GrantedRsaPrivateKey)
    ciphertext = key.public_key().encrypt(b"secret", OAEP)
    assert await asyncio.to_thread(key.decrypt, ciphertext, OAEP) == b"secret"
    with pytest.raises(ValueError, match="Decryption failed"):
        await asyncio.to_thread(key.decrypt, flipped(ciphertext), OAEP)


def _flip(name: str) -> Lie:
    """A field has another last bit."""
    return lambda answer: setattr(answer, name, flipped(getattr(answer, name)))


def _record(**changed: Any) -> Lie:  # noqa: ANN401
    """The record says something else."""

    def lie(answer: Answer) -> None:
        answer.record_der = replace(UseRecord.from_der(answer.record_der), **changed).to_der()

    return lie


def _logged(**changed: Any) -> Lie:  # noqa: ANN401
    """What was logged is something else."""

    def lie(answer: Answer) -> None:
        entry = LogEntry.from_der(answer.entry_der)
        body = replace(RecordedUse.from_der(entry.body), **changed).to_der()
        answer.entry_der = replace(entry, body=body).to_der()

    return lie


async def test_uses_that_a_server_makes_up(company: Company) -> None:
    """No record that says something else is signed, and no result is returned that is not the recorded one."""
    bob, day = company.bob, timedelta(days=1)
    grant = await company.granted("seal", uses=100)
    earlier = await bob.trust.sign(grant, b"earlier", reason="Invoice 1")
    now = earlier.recorded.record.time
    finished: list[Answer] = []
    failed = {"outcome": UseOutcome.FAILED, "detail": "DECRYPTION_FAILED", "result": b""}
    with bob.told("FinishUse", finished.append):
        for reason, lie in (
            ("TRUST_ANSWER_WRONG", _record(request=bytes(32))),
            ("TRUST_ANSWER_WRONG", _record(organisation="other")),
            ("TRUST_ANSWER_WRONG", _record(key_id=company.keys["stamp"].key_id)),
            ("TRUST_ANSWER_WRONG", _record(user="alice")),
            ("TRUST_ANSWER_WRONG", _record(user_certificate=bytes(32))),
            ("TRUST_ANSWER_WRONG", _record(**failed)),
            ("TRUST_ANSWER_WRONG", _record(**failed | {"outcome": UseOutcome.REFUSED})),
            ("TRUST_ANSWER_WRONG", _record(time=now - day)),
            ("TRUST_ANSWER_WRONG", _record(time=now + day)),
            ("TRUST_STATEMENT_MALFORMED", lambda answer: answer.ClearField("record_der")),
            ("JOINT_SIGNATURE_INVALID", _flip("request_signature")),
        ):
            with bob.told("BeginUse", lie), refused(reason, culprit="server"):
                await bob.trust.sign(grant, b"invoice", reason="Invoice 2")
    assert not finished

    for reason, lie in (
        ("TRUST_ANSWER_WRONG", _flip("result")),
        ("TRUST_ANSWER_WRONG", lying.other_kind),
        ("TRUST_ANSWER_WRONG", lambda answer: setattr(answer, "entry_der", earlier.entry_der)),
        ("JOINT_SIGNATURE_INVALID", _logged(signature=bytes(512))),
        ("INCLUSION_NOT_PROVEN", lying.wrong_proof),
        ("INCLUSION_NOT_PROVEN", lying.other_entry),
        ("NOTE_SIGNATURE_WRONG", lying.forged_checkpoint),
        ("LOG_ENTRY_MALFORMED", lying.nothing),
    ):
        with bob.told("FinishUse", lie), refused(reason, culprit="server"):
            await bob.trust.sign(grant, b"invoice", reason="Invoice 3")
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.MonkeyPatch.context() as patched, refused("TRUST_ANSWER_WRONG", culprit="server"):
        patched.setitem(bob.trust._public_keys, grant.request.key_certificate, other)
        await bob.trust.sign(grant, b"invoice", reason="Invoice 4")
    letters = await company.granted("letters")
    ciphertext = company.keys["letters"].public_key.encrypt(b"secret", OAEP)
    with bob.told("FinishUse", _flip("result")), refused("TRUST_ANSWER_WRONG", culprit="server"):
        await bob.trust.decrypt(letters, ciphertext, reason="Letter 1")


async def _said(capsys: pytest.CaptureFixture[str], person: Trustee, *arguments: str) -> Any:  # noqa: ANN401  # JSON
    """What a command says to programs."""
    capsys.readouterr()
    await command(person, *arguments, "--json")
    return json.loads(capsys.readouterr().out)


async def test_commands(company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the organisation to the list of records; who signs sees before what it says; errors say what to do."""
    alice, bob = company.alice, company.bob
    said, pem, seal = partial(_said, capsys), tmp_path / "seal.pem", company.keys["seal"].key_id
    acme = await said(bob, "org", "show", "acme")
    assert acme["administrators"] == ["alice"]
    keys = {each["key_id"]: each for each in acme["keys"]}
    assert keys[seal]["fingerprint"] == company.keys["seal"].certificate.hex()
    await command(bob, "org", "certificate", "acme", seal, "--out", str(pem))
    asking = ("grant", "request", "acme", seal, "--uses", "2", "--until", "2027-01-01", "--reason", "Year's end")
    grant = (await said(bob, *asking, "--kind", "invoice"))["grant_id"]
    waiting = await said(alice, "grant", "list", "--organisation", "acme", "--waiting")
    assert grant in {each["grant_id"] for each in waiting}
    with refused("NOT_CONFIRMED"):
        await command(alice, "grant", "approve", grant)
    shown = capsys.readouterr().err
    for words in ("bob asks to sign with", seal, "acme", "kind invoice", "at most 2", "2027-01-01", "Year's end"):
        assert words in shown
    assert "You are about to APPROVE it" in shown
    assert (await said(alice, "grant", "approve", grant, "--yes", "--reason", "agreed"))["state"] == "active"
    await _use_by_commands(company, grant, tmp_path, capsys)


async def _use_by_commands(company: Company, grant: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alice, bob = company.alice, company.bob
    seal, letters = company.keys["seal"], company.keys["letters"]
    invoice, letter = folder / "invoice.txt", folder / "letter.enc"
    invoice.write_bytes(b"invoice")
    letter.write_bytes(letters.public_key.encrypt(b"secret", OAEP))
    said, receipt = partial(_said, capsys), folder / "invoice.tlog-proof"
    signing = ("use", "sign", grant, str(invoice), "--reason", "Invoice 1", "--kind", "invoice")
    with refused("NOT_CONFIRMED"):
        await command(bob, *signing)
    shown = capsys.readouterr().err
    for words in ("invoice.txt", sha256(b"invoice").hexdigest(), seal.key_id, "ecdsa-sha256", grant, "Invoice 1"):
        assert words in shown
    made = await said(bob, *signing, "--receipt", str(receipt), "--yes")
    certificate = x509.load_pem_x509_certificate((folder / "seal.pem").read_bytes()).public_key()
    assert isinstance(certificate, ec.EllipticCurvePublicKey)
    certificate.verify(invoice.with_name("invoice.txt.sig").read_bytes(), b"invoice", ec.ECDSA(hashes.SHA256()))
    entry = receipt.with_name(receipt.name + ".entry").read_bytes()
    Receipt.from_bytes(receipt.read_bytes()).verify(entry, await bob.trust._log_key())
    with refused("FILE_EXISTS"):
        await command(bob, *signing, "--yes")
    again = await said(bob, *signing, "--request-id", made["request_id"], "--yes", "--force")
    assert again["number"] == made["number"]
    with refused("USE_REFUSED", cause="KIND_OUTSIDE_GRANT", number=str(made["number"] + 1)):
        await command(bob, *signing[:-1], "offer", "--yes", "--force")

    other = await company.granted("letters")
    await command(bob, "use", "decrypt", other.grant_id, str(letter), "--reason", "Letter 1", "--yes")
    assert letter.with_suffix("").read_bytes() == b"secret"
    assert letter.with_suffix("").stat().st_mode & 0o077 == 0
    capsys.readouterr()
    listed = await said(alice, "audit", "list", "--organisation", "acme", "--key", letters.key_id, "--user", "bob")
    assert (listed[-1]["outcome"], listed[-1]["reason"]) == ("done", "Letter 1")
    await command(alice, "audit", "list", "--organisation", "acme")
    assert "refused: KIND_OUTSIDE_GRANT" in " ".join(capsys.readouterr().out.split())


async def test_exports(company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exported by an administrator, verified by an agent that knows the authority, or by anybody with a certificate."""
    alice, bob, stamp, file = company.alice, company.bob, company.keys["stamp"].key_id, tmp_path / "records"
    grant = await company.granted("stamp")
    for number in (1, 2):
        await bob.trust.sign(grant, b"invoice", reason=f"Invoice {number}")
    export = ("audit", "export", "--organisation", "acme", "--key", stamp, "--out", str(file))
    with refused("NOT_AN_ADMINISTRATOR", name="bob", organisation="acme"):
        await command(bob, *export)
    assert not file.exists()
    made = await _said(capsys, alice, *export)
    with refused("FILE_EXISTS"):
        await command(alice, *export)
    assert await command(bob, "audit", "verify", str(file), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["outcome"], report["records"], report["last"]) == ("passed", made["records"], made["records"])
    assert await command(bob, "audit", "verify", str(file)) == 0
    assert "Verdict  passed" in capsys.readouterr().out
    assert await command(bob, "verify", str(file)) == 3
    pem = tmp_path / "authority.pem"
    pem.write_bytes(alice.trust._line.line.identity.authority_pem)
    assert await command(bob, "verify", str(file), "--authority", str(pem)) == 0
    assert await command(bob, "audit", "verify", str(file), "--authority", str(file)) == 2
    data = file.read_bytes()
    last = data.rindex(b"\x0c\x06record")
    file.write_bytes(data[: last - 4])
    capsys.readouterr()
    assert await command(bob, "audit", "verify", str(file)) == 1
    assert "RECORDS_CUT" in capsys.readouterr().out
    file.write_bytes(data[:-1])
    with refused("EXPORT_MALFORMED"):
        await command(bob, "audit", "verify", str(file))


async def test_certificates_that_end(company: Company) -> None:
    """The server refuses a statement under a revoked certificate; the agent then looks anew, and finds none."""
    bob = company.bob
    certificates = bob.contracts.personal_certificates(bob.agent)
    grant = await company.granted("seal")
    with refused("KEY_NOT_FOUND"):
        await bob.contracts.trusteeship(bob.agent, "nothing").sign(grant, b"invoice", reason="Invoice 1")
    (issued,) = await certificates.all()
    await certificates.revoke(issued.certificate_request_id, RevocationReason.SUPERSEDED)
    with refused("PERSONAL_CERTIFICATE_WRONG", problem="it was revoked, or its time is over"):
        await bob.trust.sign(grant, b"invoice", reason="Invoice 1")
    with refused("PERSONAL_CERTIFICATE_WRONG", problem="no key of this agent has one"):
        await bob.trust.sign(grant, b"invoice", reason="Invoice 1")
