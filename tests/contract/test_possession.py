"""What proofs of possession and requests for certificates are bound to: each field counts, and the bytes stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from contract.possession import PossessionProof, PossessionRole
from contract.signer_requests import EncryptKeyBinding, signer_certification_context
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose

PROOF = PossessionProof(
    role=PossessionRole.SIGNER,
    account="alice",
    login_id="abcdefghijklmnop",
    agent_certificate=b"\x01" * 32,
    server_certificate=b"\x02" * 32,
    client_nonce=b"\x03" * 32,
    server_nonce=b"\x04" * 32,
    time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    certificates=(b"\x05" * 32, b"\x06" * 32),
)
BINDING = EncryptKeyBinding("alice", "request-0000-0001", b"\x30\x01", b"\x30\x02")


def test_proof_has_one_encoding() -> None:
    """A snapshot of the bytes, field by field."""
    fields = [
        "020101",
        "0c16" + b"fourseal/v1/possession".hex(),
        "020102",
        "0c05" + b"alice".hex(),
        "0c10" + b"abcdefghijklmnop".hex(),
        *("0420" + f"{number:02x}" * 32 for number in (1, 2, 3, 4)),
        "180f" + b"20260102030405Z".hex(),
        "3044" + "".join("0420" + f"{number:02x}" * 32 for number in (5, 6)),
    ]
    content = bytes.fromhex("".join(fields))
    assert PROOF.to_der() == b"\x30\x82" + len(content).to_bytes(2, "big") + content


def test_binding_has_one_encoding() -> None:
    """A snapshot."""
    fields = [
        "020101",
        "0c1f" + b"fourseal/v1/encrypt key binding".hex(),
        "0c05" + b"alice".hex(),
        "0c11" + b"request-0000-0001".hex(),
        "04023001",
        "04023002",
    ]
    content = bytes.fromhex("".join(fields))
    assert BINDING.to_der() == b"\x30" + bytes([len(content)]) + content


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "bob"},
        {"login_id": "b"},
        {"agent_certificate": bytes(32)},
        {"server_certificate": bytes(32)},
        {"client_nonce": bytes(32)},
        {"server_nonce": bytes(32)},
        {"time": PROOF.time + timedelta(seconds=1)},
        {"certificates": PROOF.certificates[::-1]},
        {"role": PossessionRole.SERVER, "certificates": ()},
    ],
)
def test_every_field_of_a_proof_counts(changed: dict[str, object]) -> None:
    """Two proofs that differ have other bytes."""
    assert replace(PROOF, **changed).to_der() != PROOF.to_der()  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "Bob"},
        {"login_id": ""},
        {"login_id": "x" * 65},
        {"agent_certificate": bytes(31)},
        {"server_certificate": b""},
        {"client_nonce": bytes(33)},
        {"server_nonce": bytes(31)},
        {"time": PROOF.time.replace(microsecond=1)},
        {"time": PROOF.time.astimezone(timezone(timedelta(hours=1)))},
        {"certificates": (bytes(32),)},
        {"certificates": (bytes(32), bytes(31))},
        {"role": PossessionRole.SERVER},
    ],
)
def test_malformed_proof(changed: dict[str, object]) -> None:
    """None exists."""
    with pytest.raises(MalformedInput) as refused:
        replace(PROOF, **changed)  # type: ignore[arg-type]  # its fields
    assert refused.value.reason in {"POSSESSION_MALFORMED", "ACCOUNT_NAME_MALFORMED"}


@pytest.mark.parametrize(
    "changed",
    [{"account": ""}, {"request_id": ""}, {"request_id": "x" * 65}, {"sign_key": b""}, {"encrypt_key": bytes(4096)}],
)
def test_malformed_binding(changed: dict[str, object]) -> None:
    """None exists."""
    with pytest.raises(MalformedInput):
        replace(BINDING, **changed)  # type: ignore[arg-type]  # its fields


def test_certification_context_is_of_one_account_request_and_purpose() -> None:
    """Fields cannot be shifted into each other."""
    contexts = {
        signer_certification_context(account, request_id, purpose)
        for account, request_id in (
            ("alice", "request-1"),
            ("alic", "erequest-1"),
            ("bob", "request-1"),
            ("alice", "2"),
        )
        for purpose in Purpose
    }
    assert len(contexts) == 8
    with pytest.raises(MalformedInput):
        signer_certification_context("Alice", "request-1", Purpose.SIGN)
