"""Key stores with something in them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from mpc.four_prime_rsa import JointPublicKey, Purpose, SignatureAlgorithm, commit_to_share
from signer_agent.keystore.entries import GenerationRequest, KeyRecord, PendingGeneration
from signer_agent.keystore.store import KeyStore
from tests.mpc.parties import Signers
from wire.client.identity import Identity, PendingEnrolment
from wire.client.revocation_secret import RevocationSecret
from wire.ids import new_key_id, new_request_id

PASSPHRASE: Final = "correct horse battery staple"  # noqa: S105  # of stores that only tests have
NOW: Final = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def generation_request(label: str = "contracts") -> GenerationRequest:
    """What a key was asked for."""
    return GenerationRequest(new_request_id(), Purpose.SIGN, 2048, (SignatureAlgorithm.PSS_SHA256,), 100, label, NOW)


def pending_generation(signers: Signers, request: GenerationRequest | None = None) -> PendingGeneration:
    """A generation under way."""
    return PendingGeneration(request or generation_request(), commit_to_share(signers.client, secrets.token_bytes))


def save_key(store: KeyStore, signers: Signers, label: str = "contracts") -> KeyRecord:
    """Put a finished key into a store."""
    pending = pending_generation(signers, generation_request(label))
    store.save_pending_generation(pending)
    joint_key = JointPublicKey(signers.client.public, signers.server.public)
    record = KeyRecord(new_key_id(), pending.request, joint_key)
    store.finish_generation(pending, record)
    return record


def identity() -> Identity:
    """An identity whose certificates nobody looks at."""
    return Identity(
        "alice", "localhost:7443", b"authority\n", b"certificate\n", ec.generate_private_key(ec.SECP256R1())
    )


def pending_enrolment() -> PendingEnrolment:
    """An enrolment under way."""
    secret = RevocationSecret(bytes(32))
    return PendingEnrolment("00" * 32, b"request", ec.generate_private_key(ec.SECP256R1()), secret)
