"""Uses: a result for a signed record that stands in the log, a record for every refusal, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord
from tests.server.harness import query
from tests.server.trusteeship.conftest import Company
from tests.server.trusteeship.people import DIGEST
from transparency.receipt import Receipt

pytestmark = pytest.mark.asyncio(loop_scope="module")

LETTER = b"the board resigns on Monday"
TEN_MINUTES = timedelta(minutes=10)


def records(company: Company, key_id: str = "") -> list[UseRecord]:
    """All records in the log, of one key or of all, by number."""
    entries = [LogEntry.from_der(row[0]) for row in query(company.home, "SELECT entry FROM log_entries")]
    found = [RecordedUse.from_der(entry.body).record for entry in entries if entry.kind is EntryKind.USE]
    return sorted((each for each in found if each.key_id == (key_id or each.key_id)), key=lambda each: each.number)


async def test_signs_for_a_record_that_both_sign(company: Company) -> None:
    """The signature is the organisation's, request and record are Bob's, the record is in the log before he has it."""
    bob, public = company.bob, company.signs.public_key
    grant = await company.granted()
    asked = bob.using(grant)
    begun = await bob.begin_use(asked)
    record = UseRecord.from_der(begun.record_der)
    assert (record.outcome, record.user, record.key_id) == (UseOutcome.DONE, "bob", company.signs.key_id)
    assert record not in records(company)
    request = bob.finishing(asked, begun)
    finished = await bob.finish_use(request)
    public.verify(finished.result, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert record.result == sha256(finished.result).digest()
    entry = LogEntry.from_der(finished.entry_der)
    recorded = RecordedUse.from_der(entry.body)
    assert (entry.kind, recorded.record, recorded.asked) == (EntryKind.USE, record, asked)
    own = bob.known.key.joint_key.to_cryptography()
    recorded.request.check(own)
    assert recorded.signed_record is not None
    recorded.signed_record.check(own)
    receipt = Receipt.from_bytes(finished.receipt)
    receipt.verify(finished.entry_der, company.server._ground.log_key.verifier)
    assert await bob.finish_use(request) == finished
    assert (await bob.look(grant.grant_id)).used == 1
