"""What a server that cheats shows an agent of evidence and permissions: every part of it that is checked, alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from grpc import StatusCode

from contract.permission import SignedPermission
from contract.statement import Answer, Decision
from mpc.four_prime_rsa import Role
from signer_agent.contracts.entries import Contact, Drawers
from signer_agent.contracts.messages import BytesSource
from signer_agent.contracts.sources import TEXT_TYPE
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.reading import LoggedMessage
from tests.contract.world import Issuer, half_person
from tests.mpc.parties import decryption_share, signing_share
from tests.signer_agent.contracts.company import Company
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _set(path: str, value: object) -> lying.Lie:
    """Set a field, by the names that lead to it, to a value or to what a function makes of it."""

    def lie(answer: lying.Answer) -> None:
        *names, last = path.split(".")
        for name in names:
            answer = answer[int(name)] if name.isdigit() else getattr(answer, name)
        setattr(answer, last, value(getattr(answer, last)) if callable(value) else value)

    return lie


def _no_time(path: str) -> lying.Lie:
    return _set(f"{path}.seconds", 1 << 60)


async def test_parts_of_a_permission(company: Company, session_id: str) -> None:
    """For another message, another entry or somebody else; in lists, and when it is given; certificates of others."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    giving, seeing = await Evidence.of(alice.signer, alice.store), await Evidence.of(carol.signer, carol.store)
    sent = await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), ["bob"], evidence=True)
    digest, end = sent.statement.digest, datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    await bob.received_messages(session_id)
    await seeing.permissions.ask(digest, "I am the notary")
    no_time = _no_time("permission_requests.0.ask_time")
    with lying.lying(alice, "ListPermissionRequests", no_time), refused("ANSWER_MALFORMED", culprit="server"):
        await giving.permissions.requests()
    other = half_person(Issuer(), "carol", signing_share(Role.CLIENT), decryption_share(Role.CLIENT))
    certificates = {
        "sign": other.sign.certificate.public_bytes(Encoding.DER),
        "encrypt": other.encrypt.certificate.public_bytes(Encoding.DER),
    }
    ours = {
        "sign": alice.signer.sign_certificate.certificate.public_bytes(Encoding.DER),
        "encrypt": alice.signer.encrypt_certificate.certificate.public_bytes(Encoding.DER),
    }
    for purpose in ("sign", "encrypt"):
        for found, reason in ((certificates, "CERTIFICATE_NOT_ISSUED"), (ours, "MEMBER_CERTIFICATE_WRONG")):
            lie = _set(f"{purpose}_certificate.certificate_der", found[purpose])
            with (
                lying.lying(alice, "GetSignerCertificates", lie, "certificates"),
                refused(reason, culprit="server"),
            ):
                await giving.permit(digest, "carol", end)
    contacts = Drawers(alice.store).contacts
    known = contacts.get("carol")
    contacts.put("carol", Contact(("00" * 32 + ":" + "00" * 32,)))
    with refused("CONTACT_CHANGED", name="carol"):
        await giving.permit(digest, "carol", end)
    contacts.put("carol", known) if known is not None else contacts.remove("carol")
    other_one = _set("permission.permission_der", lambda der: der[:-1])
    with lying.lying(alice, "GrantPermission", other_one), refused("PERMISSION_WRONG", culprit="server"):
        await giving.permit(digest, "carol", end)
    await giving.permit(digest, "carol", end)
    for lie, reason in (
        (_set("permissions.0.permission_digest", bytes(32)), "ANSWER_MALFORMED"),
        (_set("permissions.0.permission_der", b"0"), "PERMISSION_MALFORMED"),
        (_no_time("permissions.0.grant_time"), "ANSWER_MALFORMED"),
        (_no_time("permissions.0.revoke_time"), "ANSWER_MALFORMED"),
    ):
        with lying.lying(carol, "ListPermissions", lie), refused(reason, culprit="server"):
            await seeing.permissions.all()

    def permission(**other: Any) -> lying.Lie:  # noqa: ANN401
        def changed(der: bytes) -> bytes:
            given = SignedPermission.from_der(der)
            return SignedPermission(replace(given.core, **other), given.key_ciphertext, given.signature).to_der()

        return _set("permission_der", changed)

    for lie in (permission(statement=bytes(32)), permission(entry=bytes(32)), permission(grantee="dora")):
        with lying.lying(carol, "GetEvidence", lie), refused("PERMISSION_WRONG", culprit="server"):
            await seeing.open(digest)
    await seeing.open(digest)


async def test_parts_of_evidence(company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, entries, certificates; what fails is not written out; and what could not be asked for is not absent."""
    alice = company.people["alice"]
    evidence = await Evidence.of(alice.signer, alice.store)
    sent = await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), evidence=True)
    digest, pieces = sent.statement.digest, list[bytes]()
    for lie in (
        _set("evidence.0.statement_digest", b"0"),
        _set("evidence.0.answered_digest", b"0"),
        _no_time("evidence.0.deposit_time"),
    ):
        with lying.lying(alice, "ListEvidence", lie), refused("ANSWER_MALFORMED", culprit="server"):
            await evidence.list(session_id)
    with (
        lying.lying(alice, "GetEvidence", lying.other_kind),
        refused("EVIDENCE_OF_OTHER_MESSAGE", problem="the log's entry is of another kind"),
    ):
        await evidence.open(digest)

    another = _set("authority_certificate_der", Issuer().certificate.public_bytes(Encoding.DER))
    with lying.lying(alice, "GetEvidence", another):
        opened = await evidence.open(digest)
    assert opened.report.message.check("authority").reason == "AUTHORITY_WRONG"

    def another_list(found: lying.Answer) -> None:
        found.revocation_list_der = Issuer().sign_list(Issuer().revocation_list())

    with (
        lying.lying(alice, "GetRevocationList", another_list, "certificates"),
        refused("EVIDENCE_DOES_NOT_HOLD", check="author-not-revoked"),
    ):
        await evidence.open(digest, pieces.append)
    assert pieces == []
    with monkeypatch.context() as patched:

        async def failing(_: bytes) -> LoggedMessage:
            raise RemoteError("SERVER_UNAVAILABLE", "text", StatusCode.UNAVAILABLE)

        patched.setattr(evidence._reader, "get", failing)
        with refused("SERVER_UNAVAILABLE"):  # which is not that there is none
            await evidence._reader.find(digest)


async def test_answers_among_evidence(company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of who is no recipient, another one than the first, and one to another message."""
    alice, bob = company.people["alice"], company.people["bob"]
    evidence = await Evidence.of(alice.signer, alice.store)
    sent = await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), evidence=True)
    *_, message = await bob.received_messages(session_id)
    answer = await bob.messages.accept(message.number)
    digest = sent.statement.digest
    logged = await evidence._reader.get(digest)
    accepted = await evidence._reader.get(answer.statement.digest)

    def shown(**other: Any) -> LoggedMessage:  # noqa: ANN401
        statement = replace(accepted.message.statement, **other)
        return replace(accepted, message=replace(accepted.message, statement=statement))

    second = Answer(Decision.REJECT, sent.statement)
    for first, others, decision in (
        (accepted, [shown(answer=second)], Decision.ACCEPT),
        (None, [], None),  # it does not concern us
    ):
        answers = iter([first, *others])

        async def find(_: bytes, answers: Any = answers) -> LoggedMessage | None:  # noqa: ANN401
            found: LoggedMessage | None = next(answers)
            return found

        with monkeypatch.context() as patched:
            patched.setattr(evidence._opener._reader, "find", find)
            found = await evidence._opener._answers(replace(logged, answers=(b"",) * (1 + len(others))))
        decisions = [each.message.statement.answer.decision for each in found if each.message.statement.answer]
        assert decisions == ([decision] if decision else [])

    async def of_another(_: bytes) -> LoggedMessage:
        another = replace(sent.statement, sequence=sent.statement.sequence + 1)
        return shown(answer=Answer(Decision.ACCEPT, another))

    with monkeypatch.context() as patched:
        patched.setattr(evidence._opener._reader, "find", of_another)
        with refused("EVIDENCE_OF_OTHER_MESSAGE", culprit="server"):
            await evidence._opener._answers(replace(logged, answers=(b"",)))
