"""A recipient cannot keep the author from its own evidence by an answer that does not open, or is not what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from contract.bundle.checks import BundleTrust
from contract.content_key import ContentKey
from contract.key_sealing import seal_key
from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from contract.statement import Decision
from signer_agent.contracts import sending
from signer_agent.contracts.messages import BytesSource
from signer_agent.contracts.outbox_signing import OutboxSigning, SealedContent
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.verification import verify_archive
from tests.signer_agent.contracts.company import Company

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sealed_for_nobody(patched: pytest.MonkeyPatch) -> None:
    """No key ciphertext opens: each has another label."""

    def seal(key: ContentKey, label: bytes, *rest: Any) -> Any:  # noqa: ANN401
        return seal_key(key, bytes(len(label)), *rest)

    patched.setattr(sending, "seal_key", seal)


def another_key(patched: pytest.MonkeyPatch) -> None:
    """They open, to a key that opens nothing."""

    def seal(_: ContentKey, *rest: Any) -> Any:  # noqa: ANN401
        return seal_key(ContentKey(bytes(32)), *rest)

    patched.setattr(sending, "seal_key", seal)


def another_content(patched: pytest.MonkeyPatch) -> None:
    """Everything opens; the description says another digest than the content has."""
    honest = OutboxSigning.sign_content

    async def sign(self: OutboxSigning, entry: Any, content: SealedContent) -> Any:  # noqa: ANN401
        return await honest(self, entry, replace(content, digest=bytes(32)))

    patched.setattr(OutboxSigning, "sign_content", sign)


@pytest.mark.parametrize("spoil", [sealed_for_nobody, another_key, another_content])
async def test_author_discloses_in_spite_of_it(
    company: Company,
    session_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """The answer stands there with its decision, which is signed, and without what it says."""
    alice, bob = company.people["alice"], company.people["bob"]
    sent = await alice.messages.send(session_id, BytesSource(b"I sell my house"), ["bob"], evidence=True)
    message = (await bob.received_messages(session_id))[-1]
    with monkeypatch.context() as patched:
        spoil(patched)
        await bob.messages.accept(message.number, "gladly")
    evidence, bundle = await Evidence.of(alice.signer, alice.store), tmp_path / "bundle.zip"
    pieces: list[bytes] = []
    opened = await evidence.open(sent.statement.digest, pieces.append)
    assert (b"".join(pieces), opened.report.outcome, opened.texts) == (
        b"I sell my house",
        Outcome.PASSED,
        (None, None),
    )
    await evidence.disclose(sent.statement.digest, bundle)
    trust = BundleTrust(
        x509.load_pem_x509_certificate(alice.line.identity.authority_pem), company.server._ground.log_key.verifier
    )
    found = verify_archive(bundle, trust, DEFAULT_ARC, datetime.now(UTC), lambda *_: None)
    assert found.report.outcome is Outcome.PASSED
    assert [(each.name, each.decision) for each in found.report.answers] == [("bob", Decision.ACCEPT)]
    assert found.bundle.answers[0].disclosure is None
    assert list(alice.home.folder.rglob("*.sealed")) == []
