"""A server that does not prove who it is gets no proof from us."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fourseal.v1 import account_service_pb2 as pb

from contract.certificate_parts import fingerprint
from contract.possession import PossessionProof, PossessionRole
from contract.profiles import Profile
from contract.signer_keys import check_signature_alone, sign_alone
from signer_agent.contracts.entries import SignerKeys, StoredLogin
from signer_agent.contracts.possession import _answer
from tests.contract.world import Issuer, person
from tests.signer_agent.refusals import refused
from wire.client.identity import Identity
from wire.convert import timestamp_of


def profile(host: str, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH) -> Profile:
    """A certificate of a host."""
    return Profile(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
        (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage([usage]), False),
            (x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]), False),
        ),
    )


@dataclass(frozen=True)
class Case:
    """A login, and a server that proves itself."""

    authority: Issuer
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    identity: Identity
    login: StoredLogin
    keys: SignerKeys
    nonce: bytes
    proof: PossessionProof

    def begun(
        self, proof: PossessionProof | None = None, key: ec.EllipticCurvePrivateKey | None = None
    ) -> pb.BeginPossessionProofResponse:
        """The server's answer, over that proof, by that key."""
        return pb.BeginPossessionProofResponse(
            server_nonce=self.proof.server_nonce,
            time=timestamp_of((proof or self.proof).time),
            server_certificate_der=self.certificate.public_bytes(Encoding.DER),
            server_signature=sign_alone(key or self.key, (proof or self.proof).to_der()),
        )

    def answer(self, begun: pb.BeginPossessionProofResponse) -> pb.FinishPossessionProofRequest:
        """What the agent makes of it."""
        return _answer(self.identity, self.login, self.keys, self.nonce, begun)


@pytest.fixture
def case() -> Case:
    """All is right."""
    authority, key = Issuer(), ec.generate_private_key(ec.SECP256R1())
    certificate = authority.issue(profile("server.example"), key.public_key())
    own = authority.issue(profile("agent", ExtendedKeyUsageOID.CLIENT_AUTH), key.public_key())
    pem = authority.certificate.public_bytes(Encoding.PEM)
    identity = Identity("agent", "server.example:7443", pem, own.public_bytes(Encoding.PEM), key)
    sign, encrypt = ec.generate_private_key(ec.SECP256R1()), x25519.X25519PrivateKey.generate()
    alice = person(authority, "alice", sign, encrypt)
    ders = [each.certificate.public_bytes(Encoding.DER) for each in (alice.sign, alice.encrypt)]
    nonce = secrets.token_bytes(32)
    proof = PossessionProof(
        PossessionRole.SERVER,
        "alice",
        "a" * 16,
        fingerprint(own),
        fingerprint(certificate),
        nonce,
        secrets.token_bytes(32),
        datetime.now(UTC).replace(microsecond=0),
        (),
    )
    login = StoredLogin("alice", "a" * 16, "t" * 43, proven=False)
    return Case(
        authority, key, certificate, identity, login, SignerKeys("alice", b"", sign, encrypt, *ders), nonce, proof
    )


def test_a_server_that_proves_itself_gets_our_proof(case: Case) -> None:
    """Over the same nonces, in our role, by our key."""
    answer = case.answer(case.begun())
    expected = replace(
        case.proof,
        role=PossessionRole.SIGNER,
        time=answer.time.ToDatetime(UTC),
        certificates=tuple(
            fingerprint(x509.load_der_x509_certificate(each))
            for each in (answer.sign_certificate_der, answer.encrypt_certificate_der)
        ),
    )
    public = x509.load_der_x509_certificate(answer.sign_certificate_der).public_key()
    check_signature_alone(public, answer.signature, expected.to_der())


PROOFS: Final[dict[str, Callable[[Case], PossessionProof]]] = {
    "an old nonce of ours": lambda case: replace(case.proof, client_nonce=secrets.token_bytes(32)),
    "another nonce of its own": lambda case: replace(case.proof, server_nonce=secrets.token_bytes(32)),
    "another login": lambda case: replace(case.proof, login_id="b" * 16),
    "another account": lambda case: replace(case.proof, account="bob"),
    "another agent": lambda case: replace(case.proof, agent_certificate=bytes(32)),
    "another server": lambda case: replace(case.proof, server_certificate=bytes(32)),
    "our role, reflected": lambda case: replace(
        case.proof, role=PossessionRole.SIGNER, certificates=(bytes(32), bytes(32))
    ),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_of_something_else_is_refused(case: Case, name: str) -> None:
    """Signed by the right key."""
    with refused("SERVER_NOT_PROVEN", culprit="server"):
        case.answer(case.begun(PROOFS[name](case)))


def test_a_proof_by_another_key_is_refused(case: Case) -> None:
    """The certificate is the right one."""
    with refused("SERVER_NOT_PROVEN", culprit="server"):
        case.answer(case.begun(key=ec.generate_private_key(ec.SECP256R1())))


CERTIFICATES: Final[dict[str, Callable[[Case], x509.Certificate]]] = {
    "another authority's": lambda case: Issuer().issue(profile("server.example"), case.key.public_key()),
    "another host's": lambda case: case.authority.issue(profile("relay.example"), case.key.public_key()),
    "an agent's": lambda case: case.authority.issue(
        profile("server.example", ExtendedKeyUsageOID.CLIENT_AUTH), case.key.public_key()
    ),
    "an expired one": lambda case: case.authority.issue(
        profile("server.example"), case.key.public_key(), end=datetime.now(UTC) - timedelta(days=1)
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_proof_with_another_certificate_is_refused(case: Case, name: str) -> None:
    """Rightly signed by its key."""
    certificate = CERTIFICATES[name](case)
    lying = replace(
        case, certificate=certificate, proof=replace(case.proof, server_certificate=fingerprint(certificate))
    )
    with refused("SERVER_NOT_PROVEN", culprit="server"):
        lying.answer(lying.begun())


@pytest.mark.parametrize("minutes", [-11, 11])
def test_a_proof_of_another_time_is_refused(case: Case, minutes: int) -> None:
    """Ten minutes at most."""
    proof = replace(case.proof, time=case.proof.time + timedelta(minutes=minutes))
    with refused("CLOCK_DIFFERS"):
        case.answer(case.begun(proof))


@pytest.mark.parametrize("field", ["server_nonce", "server_certificate_der", "server_signature"])
def test_an_answer_without_a_part_is_refused(case: Case, field: str) -> None:
    """Whatever is missing."""
    begun = case.begun()
    begun.ClearField(field)  # type: ignore[arg-type]  # one of its fields
    with refused("SERVER_NOT_PROVEN", culprit="server"):
        case.answer(begun)
