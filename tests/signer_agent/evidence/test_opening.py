"""Evidence is opened and disclosed by whom it concerns, and only if all that the server shows holds."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from fourseal.v1 import evidence_service_pb2 as pb

from contract.bundle.checks import BundleTrust
from contract.bundle.verification import CHECKS
from contract.content_key import ContentKey
from contract.evidence_record import EvidenceRecord
from contract.key_sealing import seal_key
from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from contract.statement import Decision, Statement
from contract.stream import SEGMENT_BYTES, sealed_length
from mpc.errors import PeerMisbehaved
from signer_agent.contracts import sending
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine, Logins
from signer_agent.contracts.messages import BytesSource, FileSource
from signer_agent.contracts.outbox_entry import OutboxEntry
from signer_agent.contracts.outbox_signing import OutboxSigning, SealedContent
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import KeyChoice, SignerKeyring
from signer_agent.contracts.sources import TEXT_TYPE
from signer_agent.evidence.archive import reading_archive
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.model import OpenedEvidence
from signer_agent.evidence.verification import verify_archive
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import Issuer
from tests.signer_agent.contracts.company import Company, Person
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused
from transparency.receipt import Receipt

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def evidence_of(person: Person) -> Evidence:
    """What concerns somebody."""
    return await Evidence.of(person.signer, person.store)


async def deposited(company: Company, session_id: str, text: str = "I sell my house") -> bytes:
    """A message of alice's to bob, which is evidence; its digest."""
    alice, bob = company.people["alice"], company.people["bob"]
    sent = await alice.messages.send(session_id, BytesSource(text.encode(), TEXT_TYPE), ["bob"], evidence=True)
    await bob.received_messages(session_id)
    return sent.statement.digest


def problems(opened: OpenedEvidence) -> list[str]:
    """The checks that did not pass."""
    reports = (opened.report.message, *(each.report for each in opened.report.answers))
    checks = [check for report in reports for check in report.checks]
    return [f"{each.name} {each.reason}" for each in checks if each.outcome is not Outcome.PASSED]


def left_over(person: Person) -> list[Path]:
    """Sealed contents that were not removed."""
    return list(person.home.folder.rglob("*.sealed"))


async def test_others_cannot_tell_that_it_is_there(company: Company, session_id: str) -> None:
    """A member to whom it was not sent, and any digest: the same answer."""
    digest = await deposited(company, session_id)
    carol = await evidence_of(company.people["carol"])
    for asked in (digest, bytes(32)):
        with refused("EVIDENCE_NOT_FOUND"):
            await carol.open(asked)
    assert digest not in [each.digest for each in await carol.list(session_id)]


async def test_time_stamp_is_believed_of_whom_we_trust(company: Company, session_id: str, tmp_path: Path) -> None:
    """Else that check stays open; one over something else fails."""
    bob, authority = company.people["bob"], TimeStampAuthority(tmp_path)
    evidence, digest = await evidence_of(bob), await deposited(company, session_id)

    def stamped(answer: lying.Answer) -> None:
        answer.time_stamp_der = authority.stamp(Receipt.from_bytes(answer.receipt).checkpoint.to_bytes())

    def of_another(answer: lying.Answer) -> None:
        answer.time_stamp_der = authority.stamp(b"another checkpoint")

    with lying.lying(bob, "GetEvidence", stamped):
        assert problems(await evidence.open(digest)) == ["time-stamp TRUST_MISSING"]
        assert problems(await evidence.open(digest, None, [authority.root])) == []
    with lying.lying(bob, "GetEvidence", of_another):
        opened = await evidence.open(digest, None, [authority.root])
    assert problems(opened) == ["time-stamp TIME_STAMP_NOT_GENUINE"]


def certificate_of(name: str, other: str) -> Callable[[Any], None]:
    """Show one certificate in the place of another."""

    def lie(answer: Any) -> None:  # noqa: ANN401
        setattr(answer, name, getattr(answer, other))

    return lie


async def test_every_lie_of_the_server_is_told(company: Company, session_id: str) -> None:
    """Another record, receipt, certificate, list, answer, log: refused with the reason, and the server blamed."""
    bob = company.people["bob"]
    evidence = await evidence_of(bob)
    digest, other = await deposited(company, session_id), await deposited(company, session_id, "another")
    another = await bob.line.evidence.GetEvidence(
        pb.GetEvidenceRequest(statement_digest=other), metadata=await lying.token(bob)
    )
    lies: dict[lying.Lie, str] = {
        lambda answer: answer.CopyFrom(another): "EVIDENCE_OF_OTHER_MESSAGE",
        lying.other_record: "INCLUSION_NOT_PROVEN",
        lying.other_entry: "INCLUSION_NOT_PROVEN",
        lying.wrong_proof: "INCLUSION_NOT_PROVEN",
        lying.forged_checkpoint: "NOTE_SIGNATURE_WRONG",
        lying.nothing: "LOG_ENTRY_MALFORMED",
        lambda answer: answer.answer_digests.append(other): "EVIDENCE_OF_OTHER_MESSAGE",
        lambda answer: answer.answer_digests.extend([bytes(32)] * 2): "EVIDENCE_OF_OTHER_MESSAGE",
        certificate_of("session_encrypt_certificate_der", "session_sign_certificate_der"): "ENVELOPE_CERTIFICATE_WRONG",
        certificate_of("author_certificate_der", "authority_certificate_der"): "CERTIFICATE_MALFORMED",
    }
    for lie, reason in lies.items():
        with lying.lying(bob, "GetEvidence", lie), refused(reason, culprit="server"):
            await evidence.open(digest)
    for size in (1, 1_000_000):
        with lying.having_seen(company, bob, size, bytes(32)), refused("LOG_FORKED", culprit="server"):
            await evidence.open(digest)

    def another_list(answer: Any) -> None:  # noqa: ANN401
        answer.revocation_list_der = Issuer().sign_list(Issuer().revocation_list())

    for service, method, lie, check in (
        ("evidence", "GetEvidence", certificate_of("authority_certificate_der", "log_certificate_der"), "authority"),
        ("certificates", "GetRevocationList", another_list, "author-not-revoked"),
    ):
        with lying.lying(bob, method, lie, service):
            opened = await evidence.open(digest)
        failed = [each.name for each in opened.report.message.checks if each.outcome is Outcome.FAILED]
        assert failed[:1] == [check]
    assert problems(await evidence.open(digest)) == []


async def test_lists_end(company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages a server says there are: one that leads back, or more than anybody has."""
    bob = company.people["bob"]
    evidence = await evidence_of(bob)
    lists: dict[str, tuple[Any, Callable[[], Awaitable[object]]]] = {
        "ListEvidence": (pb.ListEvidenceResponse, lambda: evidence.list(session_id)),
        "ListPermissions": (pb.ListPermissionsResponse, evidence.permissions.all),
        "ListPermissionRequests": (pb.ListPermissionRequestsResponse, evidence.permissions.requests),
    }
    for method, (response, listed) in lists.items():
        for tokens, problem in ((itertools.cycle("ab"), "back"), (map(str, itertools.count(1)), "not end")):

            async def page(*_: object, tokens: Iterator[str] = tokens, response: Any = response, **__: object) -> Any:  # noqa: ANN401
                return response(next_page_token=next(tokens))

            with monkeypatch.context() as patched:
                patched.setattr(bob.line.evidence, method, page)
                with pytest.raises(PeerMisbehaved, match=problem) as caught:
                    await listed()
            assert (caught.value.reason, caught.value.culprit) == ("ANSWER_MALFORMED", "server")


def described_shorter(patched: pytest.MonkeyPatch) -> None:
    """An author describes, and signs, a content that is shorter than the one that it deposits."""
    sign, record_of = OutboxSigning.sign_content, OutboxEntry.record

    async def shorter(self: OutboxSigning, entry: OutboxEntry, content: SealedContent) -> OutboxEntry:
        return await sign(self, entry, replace(content, length=content.length - 1))

    def longer(self: OutboxEntry) -> EvidenceRecord:
        return replace(record_of(self), content_length=record_of(self).content_length + 1)

    patched.setattr(OutboxSigning, "sign_content", shorter)
    patched.setattr(OutboxEntry, "record", longer)


def described_unsigned(patched: pytest.MonkeyPatch) -> None:
    """An author signs another description than the one that it seals."""
    make = OutboxSigning._statement

    def uncommitted(self: OutboxSigning, *named: Any) -> Statement:  # noqa: ANN401
        return replace(make(self, *named), description=bytes(32))

    patched.setattr(OutboxSigning, "_statement", uncommitted)


async def test_no_more_is_fetched_than_was_signed(
    company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what an author did not describe, nor what a server, whose log may say anything, put in another's name."""
    alice, bob = company.people["alice"], company.people["bob"]
    evidence, digest = await evidence_of(bob), await deposited(company, session_id)
    misdescribed: list[tuple[bytes, str]] = []
    other_session = await company.session(("alice", "bob"))
    for spoil, reason in ((described_shorter, "CONTENT_DAMAGED"), (described_unsigned, "DESCRIPTION_WRONG")):
        with monkeypatch.context() as patched:
            spoil(patched)
            sent = await alice.messages.send(other_session, BytesSource(b"text"), evidence=True)
        misdescribed.append((sent.statement.digest, reason))

    async def in_the_log(*_: object) -> None:
        """As of a log whose server signs what it likes."""

    async def fetched(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(bob.signer.log, "hold", in_the_log)
    monkeypatch.setattr(evidence._opener._contents, "_fetch", fetched)
    for statement, reason in misdescribed:
        with refused(reason):
            await evidence.open(statement)
    for lie, reason in ((lying.other_signature, "SIGNATURE_INVALID"), (lying.other_author, "CERTIFICATE_NOT_ISSUED")):
        with lying.lying(bob, "GetEvidence", lie), refused(reason, culprit="server"):
            await evidence.open(digest)


async def test_other_content_is_refused_and_a_broken_download_goes_on(
    company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed, shorter, longer; nothing of it stays. What breaks is fetched from there on."""
    bob = company.people["bob"]
    evidence, content = await evidence_of(bob), secrets.token_bytes(4 * SEGMENT_BYTES)
    sent = await company.people["alice"].messages.send(session_id, BytesSource(content), ["bob"], evidence=True)
    honest = bob.line.evidence.GetEvidenceContent
    firsts: list[int] = []

    def cheating(change: Callable[[int, bytes], bytes], pieces: int = 99) -> Callable[..., Any]:
        class Stream:
            def __init__(self, request: pb.GetEvidenceContentRequest, **named: Any) -> None:  # noqa: ANN401
                firsts.append(request.first_byte)
                self._call = honest(request, **named)
                self._bytes = request.first_byte

            async def __aiter__(self) -> Any:  # noqa: ANN401
                number = 0
                async for part in self._call:
                    if number == pieces:
                        self._call.cancel()
                        raise asyncio.CancelledError
                    piece = change(number, part.piece)
                    self._bytes += len(piece)
                    yield pb.GetEvidenceContentResponse(piece=piece)
                    assert piece  # else it could go on for ever, as it could
                    assert self._bytes <= sealed_length(len(content))  # with more than there is
                    number += 1
                if change(number, b"") == b"!":
                    yield pb.GetEvidenceContentResponse(piece=b"!")
                    raise AssertionError

            def cancel(self) -> None:
                self._call.cancel()

        return Stream

    for change in (
        lambda _, piece: hashlib.sha256(piece).digest() + piece[32:],
        lambda number, piece: piece if number < 2 else piece[:-1],
        lambda _, piece: piece + b"!",
        lambda _, __: b"",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(bob.line.evidence, "GetEvidenceContent", cheating(change))
            with refused("EVIDENCE_OF_OTHER_MESSAGE", culprit="server"):
                await evidence.open(sent.statement.digest)
        assert left_over(bob) == []
        assert firsts == [0]  # nor is it asked again for what it did not send
        firsts.clear()
    with monkeypatch.context() as patched:
        patched.setattr(bob.line.evidence, "GetEvidenceContent", cheating(lambda _, piece: piece, 2))
        with pytest.raises(asyncio.CancelledError):  # as if the program had been killed
            await evidence.open(sent.statement.digest)
        assert len(left_over(bob)) == 1
        patched.setattr(bob.line.evidence, "GetEvidenceContent", cheating(lambda _, piece: piece))
        assert problems(await evidence.open(sent.statement.digest)) == []
    assert firsts[0] == 0 < firsts[1]
    assert left_over(bob) == []


async def test_bundle_is_made_and_holds_elsewhere(company: Company, session_id: str, tmp_path: Path) -> None:
    """With the content, the answers and what they say; whole or not at all; and only by whom it concerns."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    content = secrets.token_bytes(2 * SEGMENT_BYTES + 7)
    path, bundle = tmp_path / "contract.pdf", tmp_path / "bundle.zip"
    path.write_bytes(content)
    sent = await alice.messages.send(session_id, FileSource(path), ["bob"], evidence=True)
    *_, message = await bob.received_messages(session_id)
    await bob.messages.reject(message.number, "the price")
    await alice.received_messages(session_id)
    evidence = await Evidence.of(alice.signer, alice.store)
    await evidence.disclose(sent.statement.digest, bundle)
    assert bundle.stat().st_mode & 0o777 == 0o600
    trust = BundleTrust(
        x509.load_pem_x509_certificate(alice.line.identity.authority_pem), company.server._ground.log_key.verifier
    )
    finding = verify_archive(bundle, trust, DEFAULT_ARC, datetime.now(UTC), lambda *_: None)
    assert finding.report.outcome is Outcome.PASSED, finding.report
    assert [(each.name, each.decision) for each in finding.report.answers] == [("bob", Decision.REJECT)]
    with reading_archive(bundle) as files:
        found = {each.name: b"".join(each.read()) for each in files}
    assert (found["content"], found["answers/1-content"]) == (content, b"the price")

    other = tmp_path / "other.zip"
    with refused("EVIDENCE_NOT_FOUND"):
        await (await Evidence.of(carol.signer, carol.store)).disclose(sent.statement.digest, other)

    def another_list(answer: lying.Answer) -> None:
        issuer = Issuer()
        answer.revocation_list_der = issuer.sign_list(issuer.revocation_list())

    with (
        lying.lying(alice, "GetRevocationList", another_list, "certificates"),
        refused("EVIDENCE_DOES_NOT_HOLD", check="author-not-revoked"),
    ):
        await evidence.disclose(sent.statement.digest, other)
    assert not other.exists()
    assert list(alice.home.folder.rglob("*.sealed")) == []


async def test_answer_that_does_not_hold_does_not_close_the_message(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a recipient deposits as its answer, author and others open and disclose the message all the same."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id = await company.session()
    sent = await alice.messages.send(session_id, BytesSource(b"Agreed?", TEXT_TYPE), evidence=True)
    (for_bob,), (for_carol,) = await bob.received_messages(session_id), await carol.received_messages(session_id)

    def misdescribed(segments: int, length: int, _: bytes) -> SealedContent:
        return SealedContent(segments, length, bytes(32))

    def unreadable(_: object, *named: Any) -> Any:  # noqa: ANN401
        return seal_key(ContentKey.new(secrets.token_bytes), *named)

    with monkeypatch.context() as cheating:
        cheating.setattr(sending, "SealedContent", misdescribed)
        await bob.messages.accept(for_bob.number, "of another content")
    with monkeypatch.context() as cheating:
        cheating.setattr(sending, "seal_key", unreadable)
        await carol.messages.reject(for_carol.number, "for nobody")
    evidence, bundle = await evidence_of(alice), tmp_path / "bundle.zip"
    opened = await evidence.open(sent.statement.digest)
    assert problems(opened) == []
    assert [(each.name, each.decision) for each in opened.report.answers] == [
        ("bob", Decision.ACCEPT),
        ("carol", Decision.REJECT),
    ]
    assert opened.texts == ("Agreed?", None, None)
    await evidence.disclose(sent.statement.digest, bundle)
    finding = verify_archive(bundle, BundleTrust(), DEFAULT_ARC, datetime.now(UTC), lambda *_: None)
    assert [(each.name, each.decision) for each in finding.report.answers] == [
        ("bob", Decision.ACCEPT),
        ("carol", Decision.REJECT),
    ]
    assert finding.report.outcome is Outcome.INDETERMINATE  # nobody was named whom to believe
    assert left_over(alice) == []


async def test_both_sides_open_it_with_all_answers_after_the_close_and_with_renewed_keys(
    company: Company, tmp_path: Path
) -> None:
    """Author and recipient; what was signed, who answered, the content; every check passes each time."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id, content = await company.session(), secrets.token_bytes(3 * SEGMENT_BYTES + 5)
    path = tmp_path / "contract.pdf"
    path.write_bytes(content)
    sent = await alice.messages.send(session_id, FileSource(path), evidence=True)
    (for_bob,), _ = await bob.received_messages(session_id), await carol.received_messages(session_id)
    accepted = await bob.messages.accept(for_bob.number, "gladly")
    await Sessions(alice.signer).close(session_id)

    async def require_opens(evidence: Evidence, digest: bytes) -> None:
        pieces: list[bytes] = []
        opened = await evidence.open(digest, pieces.append)
        assert problems(opened) == []
        assert b"".join(pieces) == content
        assert opened.bundle.message.statement == sent.statement
        assert [(each.name, each.decision) for each in opened.report.answers] == [
            ("bob", Decision.ACCEPT),
            ("carol", None),
        ]
        assert opened.texts == (None, "gladly")
        made = {check.name for check in opened.report.message.checks}
        assert made == set(CHECKS) - {"time-stamp", "answered"}

    for person in (alice, bob):
        await require_opens(await evidence_of(person), sent.statement.digest)
        await require_opens(await evidence_of(person), accepted.statement.digest)  # by an answer, what it answers
        assert left_over(person) == []
    listed = await (await evidence_of(carol)).list(session_id)
    assert [(each.digest, each.log_index, each.answered) for each in listed] == [
        (sent.statement.digest, sent.log_index, b""),
        (accepted.statement.digest, accepted.log_index, sent.statement.digest),
    ]
    with_login = LoginLine(carol.line, Drawers(carol.store))
    await SignerKeyring(with_login).make(KeyChoice(bits=2048))
    await Logins(with_login).prove()
    renewed = await Signer.open(carol.store, carol.line)
    assert renewed.encrypt_certificate != carol.signer.encrypt_certificate
    await require_opens(await Evidence.of(renewed, carol.store), sent.statement.digest)
