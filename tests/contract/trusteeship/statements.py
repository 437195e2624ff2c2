"""One valid value of every structure about organisation keys, without real keys."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from contract.joint_statement import JointStatement
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from mpc.four_prime_rsa import Purpose
from tests.contract.world import NOW

KEY_ID: Final = "orgkey-abcdefghijklmn27"
GRANT: Final = GrantRequest(
    organisation="acme",
    key_id=KEY_ID,
    key_certificate=bytes([1]) * 32,
    purpose=Purpose.SIGN,
    user="alice",
    user_certificate=bytes([2]) * 32,
    document_kinds=("letter", "offer"),
    digests=(bytes([3]) * 32, bytes([4]) * 32),
    uses=100,
    begin=NOW,
    end=NOW + timedelta(days=30),
    approvals=2,
    reason="Offers of May",
    nonce=bytes(range(16)),
)
ORDER: Final = GrantOrder(
    grant=GRANT.digest,
    round=1,
    action=GrantAction.APPROVE,
    administrator="bob",
    administrator_certificate=bytes([5]) * 32,
    reason="",
    time=NOW + timedelta(minutes=1),
)
USE: Final = UseRequest(
    grant=GRANT.digest,
    request_id="request-0123456789",
    organisation=GRANT.organisation,
    key_id=KEY_ID,
    user=GRANT.user,
    user_certificate=GRANT.user_certificate,
    operation=KeyOperation.ECDSA_SHA256,
    digest=bytes([3]) * 32,
    label=b"",
    document_kind="offer",
    reason="Offer 17",
    time=NOW + timedelta(minutes=2),
)
SIGNED_USE: Final = JointStatement(USE.to_der(), b"\x55" * 768)
RECORD: Final = UseRecord(
    request=hashlib.sha256(SIGNED_USE.to_der()).digest(),
    organisation=GRANT.organisation,
    key_id=KEY_ID,
    number=7,
    user=GRANT.user,
    user_certificate=GRANT.user_certificate,
    user_number=3,
    outcome=UseOutcome.DONE,
    detail="",
    result=bytes([6]) * 32,
    time=NOW + timedelta(minutes=3),
)
RECORDED: Final = RecordedUse(SIGNED_USE, RECORD, b"\x66" * 768)
