"""Bundles that an agent makes hold for somebody who knows neither agent nor server; nothing else is disclosed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from contract.bundle.checks import BundleTrust
from contract.oids import DEFAULT_ARC
from contract.report import Outcome
from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from signer_agent.contracts.messages import FileSource
from signer_agent.evidence.archive import reading_archive
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.verification import verify_archive
from tests.contract.world import Issuer
from tests.signer_agent.contracts.company import Company
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_bundle_is_made_and_holds_elsewhere(company: Company, session_id: str, tmp_path: Path) -> None:
    """With the content, the answers and what they say; whole or not at all; and only by whom it concerns."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    content = secrets.token_bytes(2 * SEGMENT_BYTES + 7)
    path, bundle = tmp_path / "contract.pdf", tmp_path / "bundle.zip"
    path.write_bytes(content)
    sent = await alice.messages.send(session_id, FileSource(path), ["bob"], evidence=True)
    (message,) = await bob.received_messages(session_id)
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
