"""Messages that are evidence: in the log before they are delivered, and proven; or not delivered."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fourseal.v1 import evidence_service_pb2 as pb

from contract.evidence_record import EvidenceRecord
from contract.key_ciphertext import TAG_BYTES
from contract.log_entry import LogEntry
from contract.stream import SEGMENT_BYTES
from signer_agent.contracts import messages
from signer_agent.contracts.envelopes import ContentSealing
from signer_agent.contracts.messages import BytesSource, FileSource, Message, NotReceived, StreamSource
from signer_agent.contracts.outbox_entry import OutboxEntry
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.sources import TEXT_TYPE
from signer_agent.evidence.content_upload import ContentUpload
from tests.signer_agent.contracts.company import Company, Person
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused
from transparency.receipt import Receipt
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


def kept(person: Person, envelope_id: str) -> OutboxEntry:
    """What the outbox has of a message."""
    (found,) = [each for each in person.messages._outbox.sent() if each.envelope_id == envelope_id]
    return found


async def test_evidence_is_deposited_and_its_receipt_kept(company: Company, session_id: str, tmp_path: Path) -> None:
    """Of every length; both sides know where the log has it, and the receipt proves it by itself."""
    alice, bob = company.people["alice"], company.people["bob"]
    key = company.server._ground.log_key.verifier
    plain = await alice.messages.send(session_id, BytesSource(b"Good morning", TEXT_TYPE), ["bob"])
    (greeting,) = await bob.received_messages(session_id)
    assert (plain.log_index, greeting.log_index) == (None, None)
    for content in (b"", b"I sell my house", secrets.token_bytes(SEGMENT_BYTES), secrets.token_bytes(5 << 20)):
        path = tmp_path / "offer.txt"
        path.write_bytes(content)
        sent = await alice.messages.send(session_id, FileSource(path), ["bob"], evidence=True)
        (message,) = await bob.received_messages(session_id)
        assert await bob.content(message.number) == content
        assert message.log_index == sent.log_index is not None
        assert (await bob.messages.message(message.number)).log_index == sent.log_index
        deposit = kept(alice, sent.envelope_id).require_evidence().deposit
        assert deposit is not None
        Receipt.from_bytes(deposit.receipt).verify(deposit.entry_der, key)
        record = EvidenceRecord.from_der(LogEntry.from_der(deposit.entry_der).body)
        assert record.statement == message.statement
        assert record.plain_length == len(content)
    assert [each.log_index is not None for each in await alice.messages.sent()] == [False] + [True] * 4


async def test_answers_to_evidence_are_deposited(company: Company, session_id: str) -> None:
    """Both of them; answers to other messages are not."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    for evidence in (True, False):
        await alice.messages.send(session_id, BytesSource(b"Agreed?", TEXT_TYPE), evidence=evidence)
        (for_bob,), (for_carol,) = await bob.received_messages(session_id), await carol.received_messages(session_id)
        accepted = await bob.messages.accept(for_bob.number)
        rejected = await carol.messages.reject(for_carol.number, "too much")
        assert [each.log_index is not None for each in (accepted, rejected)] == [evidence] * 2
        came = await alice.received_messages(session_id)
        assert {each.log_index for each in came} == {accepted.log_index, rejected.log_index}
        await bob.received(session_id)
        await carol.received(session_id)


async def test_what_was_deposited_is_what_came(
    company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An author who deposits, under the same signature, what bob could never open gets no evidence past him."""
    alice, bob, honest, text = company.people["alice"], company.people["bob"], OutboxEntry.record, b"I sell my house"
    garbage = bytes(len(text) + TAG_BYTES)

    def another_key(entry: OutboxEntry) -> EvidenceRecord:
        record = honest(entry)
        keys = tuple(replace(each, ciphertext=record.sender_key) for each in record.header.keys)
        return replace(record, header=replace(record.header, keys=keys))

    def another_trailer(entry: OutboxEntry) -> EvidenceRecord:
        return replace(honest(entry), trailer=bytes(len(honest(entry).trailer)))

    for record, content in ((another_key, False), (another_trailer, False), (honest, True)):
        with monkeypatch.context() as cheating:
            cheating.setattr(OutboxEntry, "record", record)
            if content:
                cheating.setattr(ContentUpload, "part", lambda *_: pb.PutContentRequest(piece=garbage))
                cheating.setattr(ContentSealing, "sealed_digest", property(lambda _: hashlib.sha256(garbage).digest()))
            sent = await alice.messages.send(session_id, BytesSource(text, TEXT_TYPE), ["bob"], evidence=True)
        (came,) = await bob.received_messages(session_id)
        assert sent.log_index is not None
        assert (came.verdict.verified, came.log_index, came.note) == (
            True,
            None,
            "what was deposited is another message",
        )


async def test_rule_of_a_session(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is deposited, though nobody asks for it; a message of who does not keep the rule says so."""
    alice, bob = company.people["alice"], company.people["bob"]
    end = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    made = await Sessions(alice.signer).create("Sale", ["bob"], end, all_is_evidence=True)
    await Sessions(bob.signer).join(made.session_id)
    await alice.signer.session(made.session_id, refresh=True)
    await alice.messages.send(made.session_id, BytesSource(b"by the rule", TEXT_TYPE))
    with monkeypatch.context() as cheating:
        cheating.setattr(messages, "is_evidence", lambda *_, **__: False)
        await alice.messages.send(made.session_id, BytesSource(b"against the rule", TEXT_TYPE))
    honest, other = await bob.received_messages(made.session_id)
    assert (honest.log_index is not None, honest.note) == (True, "")
    assert (other.log_index, other.note) == (None, "not deposited, against the session's rule")
    assert (await bob.messages.accept(other.number)).log_index is not None


async def test_pipe_is_no_evidence(company: Company, session_id: str) -> None:
    """It cannot be read for the evidence server and then for the media server; nothing is signed."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    alice = company.people["alice"]
    source = StreamSource(pieces(), asyncio.get_running_loop(), TEXT_TYPE)
    before = (await company.look("alice", session_id)).counters.last_sequence
    with refused("SOURCE_NOT_REPEATABLE"):
        await alice.messages.send(session_id, source, evidence=True)
    assert (await company.look("alice", session_id)).counters.last_sequence == before


async def test_file_that_changes_between_both_passes_is_not_signed(
    company: Company, session_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies at the evidence server must be what is delivered."""
    alice = company.people["alice"]
    path = tmp_path / "contract.txt"
    path.write_bytes(b"ninety thousand")
    before = (await company.look("alice", session_id)).counters.last_sequence
    honest = ContentUpload.part

    def changing(self: ContentUpload, segment: object) -> object:
        path.write_bytes(b"ninety")
        return honest(self, segment)  # type: ignore[arg-type]

    monkeypatch.setattr(ContentUpload, "part", changing)
    with refused("SOURCE_CHANGED"):
        await alice.messages.send(session_id, FileSource(path), evidence=True)
    assert (await company.look("alice", session_id)).counters.last_sequence == before
    assert alice.messages._outbox.open_entries() == []


async def test_server_without_a_receipt_gets_nothing_delivered(company: Company) -> None:
    """Whatever is wrong with its answer to a deposit, the server is blamed, and the media server gets no trailer."""
    alice, bob, session_id = company.people["alice"], company.people["bob"], await company.session(("alice", "bob"))
    lies = {
        lying.wrong_proof: "INCLUSION_NOT_PROVEN",
        lying.forged_checkpoint: "NOTE_SIGNATURE_WRONG",
        lying.other_entry: "INCLUSION_NOT_PROVEN",
        lying.other_record: "EVIDENCE_OF_OTHER_MESSAGE",
        lying.nothing: "LOG_ENTRY_MALFORMED",
        lying.other_kind: "EVIDENCE_OF_OTHER_MESSAGE",
    }
    for lie, reason in lies.items():
        with lying.lying(alice, "DepositEvidence", lie), refused(reason, culprit="server"):
            await alice.messages.send(session_id, BytesSource(b"signed", TEXT_TYPE), evidence=True)
        assert alice.messages._outbox.open_entries() == []
    found = await bob.received(session_id)
    assert [each.error.reason for each in found if isinstance(each, NotReceived)] == ["MESSAGE_WITHHELD"] * len(lies)


async def test_log_that_does_not_go_with_what_was_seen_before(company: Company) -> None:
    """It is shorter than it was, or another one, by the server's own key: refused, and the proof of it is kept."""
    alice, session_id = company.people["alice"], await company.session(("alice", "bob"))

    async def send() -> None:
        await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), ["bob"], evidence=True)

    await send()
    for size in (1, 1_000_000):
        with lying.having_seen(company, alice, size, bytes(32)), refused("LOG_FORKED", culprit="server"):
            await send()
    await send()


async def test_deposit_that_gets_no_answer_is_made_again(
    company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed, deposited, and the server away: nothing is delivered until the receipt is here; then it is, once."""
    alice, bob = company.people["alice"], company.people["bob"]
    await bob.received(session_id)
    honest = alice.line.evidence.DepositEvidence
    seen: list[int] = []

    async def lost(*arguments: object, **named: object) -> pb.DepositEvidenceResponse:
        answer = await honest(*arguments, **named)  # type: ignore[arg-type]
        seen.append(answer.log_index)
        raise asyncio.CancelledError

    with monkeypatch.context() as losing:
        losing.setattr(alice.line.evidence, "DepositEvidence", lost)
        sending = asyncio.create_task(
            alice.messages.send(session_id, BytesSource(b"deposited", TEXT_TYPE), ["bob"], evidence=True)
        )
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert [each.deposit for entry in alice.messages._outbox.open_entries() if (each := entry.evidence)] == [None]
    await alice.messages.send(session_id, BytesSource(b"next", TEXT_TYPE), ["bob"])
    first, second = [each for each in await bob.received(session_id) if isinstance(each, Message)]
    assert [await bob.content(each.number) for each in (first, second)] == [b"deposited", b"next"]
    assert [first.log_index] == seen
    deposit = kept(alice, first.envelope_id).require_evidence().deposit
    assert deposit is not None
    assert [deposit.log_index] == seen


async def test_deposits_that_wait_together_go_together(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of several sessions: one call; what is refused is refused alone; and a server that leaves one out."""
    alice = company.people["alice"]
    sessions = [await company.session(("alice", "bob")) for _ in range(6)]
    honest, calls = alice.line.evidence.BatchDepositEvidence, list[pb.BatchDepositEvidenceRequest]()

    async def spoilt(request: pb.BatchDepositEvidenceRequest, **named: Any) -> pb.BatchDepositEvidenceResponse:  # noqa: ANN401
        calls.append(request)
        changed = pb.BatchDepositEvidenceRequest(items=[*request.items[:-1], pb.DepositEvidenceRequest()])
        return await honest(changed, **named)

    async def records(text: bytes) -> list[bytes]:
        """Of messages that were deposited: again they get the same answers."""
        for session_id in sessions:
            await alice.messages.send(session_id, BytesSource(text, TEXT_TYPE), ["bob"], evidence=True)
        entries = [each.evidence.deposit for each in alice.messages._outbox.sent() if each.evidence is not None]
        return [LogEntry.from_der(each.entry_der).body for each in entries[-len(sessions) :] if each is not None]

    deposits, sent = alice.signer.deposits, await records(b"one of many")
    with monkeypatch.context() as spoiling:
        spoiling.setattr(alice.line.evidence, "BatchDepositEvidence", spoilt)
        outcomes = await asyncio.gather(*map(deposits.deposit, sent), return_exceptions=True)
    *good, bad = outcomes
    assert [len(each.items) for each in calls] == [len(sent)]
    assert isinstance(bad, RemoteError)
    assert bad.reason == "EVIDENCE_RECORD_MALFORMED"
    for record, answer in zip(sent[:-1], good, strict=True):
        assert isinstance(answer, pb.DepositEvidenceResponse)
        assert LogEntry.from_der(answer.entry_der).body == record

    with lying.lying(alice, "BatchDepositEvidence", lambda answer: answer.results.pop()):
        outcomes = await asyncio.gather(*map(deposits.deposit, sent), return_exceptions=True)
    assert [getattr(each, "reason", "") for each in outcomes] == ["ANSWER_MALFORMED"] * len(sent)

    cancelled, *rest = [asyncio.create_task(deposits.deposit(each)) for each in sent]
    cancelled.cancel()
    assert len(await asyncio.gather(*rest)) == len(sent) - 1
    large = [bytes(1 << 20)] * 4
    outcomes = await asyncio.gather(*map(deposits.deposit, large), return_exceptions=True)
    assert {getattr(each, "reason", "") for each in outcomes} == {"EVIDENCE_RECORD_MALFORMED"}  # each, not the batch
