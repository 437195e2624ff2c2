"""A client of the server that knows its own shares: what prepares requests ahead must have them in hand.

It does what an agent does for enrolment and generation, with the same core, and without the agent's key store.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import enrolment_service_pb2, enrolment_service_pb2_grpc, key_pb2, key_service_pb2
from fourseal.v1.key_service_pb2_grpc import KeyServiceStub

from bench.load.target import Target
from bench.rig.joint_pair import make_signing_share
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import (
    GenerationTerms,
    JointPublicKey,
    Purpose,
    Role,
    SigningShare,
    commit_to_share,
    open_commitment,
)
from wire import limits, tls
from wire.ids import new_request_id

_DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class ClientKey:
    """A joint key for signing whose server share is on the server."""

    key_id: str
    joint_key: JointPublicKey
    share: SigningShare


def enrol(ticket: Path, folder: Path) -> Target:
    """Trade a ticket for a certificate; key and certificates are written to ``folder``."""
    content = json.loads(ticket.read_text(encoding="utf-8"))
    authority = content["authority_certificate"].encode()
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with grpc.secure_channel(
        content["enrolment_server"], tls.channel_credentials(authority), limits.channel_options()
    ) as channel:
        answer = enrolment_service_pb2_grpc.EnrolmentServiceStub(channel).EnrolAgent(
            enrolment_service_pb2.EnrolAgentRequest(
                token=content["token"], certificate_request_der=request.public_bytes(Encoding.DER)
            ),
            timeout=_DEADLINE_SECONDS,
        )
    certificate = x509.load_der_x509_certificate(answer.certificate_der)
    return Target(
        content["server"],
        _write(folder / "authority.pem", authority),
        _write(folder / "client.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
        _write(folder / "client.pem", certificate.public_bytes(Encoding.PEM)),
    )


class KeyMaker:
    """Makes joint keys over gRPC, for as long as the context lasts."""

    def __init__(self, target: Target) -> None:
        self._channel = grpc.secure_channel(target.address, target.credentials(), limits.channel_options())
        self._keys = KeyServiceStub(self._channel)

    def __enter__(self) -> Self:
        grpc.channel_ready_future(self._channel).result(_DEADLINE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def generate(self, half_bits: int) -> ClientKey:
        """Make a key for signing: the client's half here, the server's there, with every check."""
        share = make_signing_share(Role.CLIENT, half_bits)
        commitment = commit_to_share(share, secrets.token_bytes)
        begun = self._keys.BeginKeyGeneration(
            key_service_pb2.BeginKeyGenerationRequest(
                request_id=new_request_id(),
                purpose=key_pb2.KEY_PURPOSE_SIGN,
                half_bits=half_bits,
                client_commitment=commitment.commitment,
            ),
            timeout=_DEADLINE_SECONDS,
        )
        terms = GenerationTerms(begun.key.key_id, Purpose.SIGN, half_bits, commitment.commitment)
        opening = open_commitment(
            commitment,
            terms,
            begun.key.server_modulus,
            list(begun.server_certification_roots),
            Gmpy2Engine(),
            secrets.token_bytes,
        )
        self._keys.FinishKeyGeneration(
            key_service_pb2.FinishKeyGenerationRequest(
                key_id=terms.key_id,
                client_modulus=opening.modulus,
                commitment_nonce=opening.nonce,
                client_certification_roots=opening.roots,
            ),
            timeout=_DEADLINE_SECONDS,
        )
        return ClientKey(terms.key_id, opening.joint_key, share)


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)
