"""People for tests: each has a name, a password, an authenticator app, keys; and speaks the protocol step by step."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pyotp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fourseal.v1 import (
    account_pb2,
    account_service_pb2,
    account_service_pb2_grpc,
    certificate_service_pb2,
    certificate_service_pb2_grpc,
)
from google.protobuf.message import Message

from contract.certificate_parts import fingerprint
from contract.possession import PossessionProof, PossessionRole
from contract.signer_keys import SignerPrivateKey, sign_alone
from contract.signer_requests import EncryptKeyBinding
from mpc.four_prime_rsa import Purpose
from tests.server.harness import Client, MovableClock, call
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.peer import LOGIN_KEY

pb = account_service_pb2
certificate_pb = certificate_service_pb2

PASSWORD = "correct horse battery staple"  # noqa: S105
STEP = timedelta(seconds=30)

Response = TypeVar("Response")
EncryptKey = rsa.RSAPublicKey | x25519.X25519PublicKey


class Authenticator:
    """An app with one-time codes, which never gives a code twice: it lets the clock go on instead."""

    def __init__(self, uri: str, clock: MovableClock) -> None:
        self.secret = parse_qs(urlsplit(uri).query)["secret"][0]
        self._clock = clock
        self._last = 0

    def code(self) -> str:
        """A code that was not used yet."""
        present = self.step
        if present <= self._last:
            self._clock.move(STEP * (self._last + 1 - present))
        self._last = self.step
        return pyotp.TOTP(self.secret).generate_otp(self._last)

    @property
    def step(self) -> int:
        """The present time step."""
        return int(self._clock().timestamp()) // 30


@dataclass
class Person:
    """Somebody at an agent."""

    name: str
    client: Client
    clock: MovableClock
    password: str = PASSWORD
    token: str = ""
    login_id: str = ""
    first_login_id: str = ""
    factor_id: str = ""
    app: Authenticator | None = None
    sign_key: SignerPrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    encrypt_key: EncryptKey = field(default_factory=lambda: x25519.X25519PrivateKey.generate().public_key())

    @property
    def accounts(self) -> account_service_pb2_grpc.AccountServiceAsyncStub:
        """AccountService."""
        return account_service_pb2_grpc.AccountServiceStub(self.client.channel)

    @property
    def certificates(self) -> certificate_service_pb2_grpc.CertificateServiceAsyncStub:
        """CertificateService."""
        return certificate_service_pb2_grpc.CertificateServiceStub(self.client.channel)

    async def call(self, method: Callable[..., Awaitable[Response]], request: Message) -> Response:
        """A call with the person's login."""
        return await call(partial(method, metadata=((LOGIN_KEY, self.token),)), request)

    def registration(self, **changed: object) -> pb.RegisterAccountRequest:
        """A valid request, to be sent or to be spoilt."""
        wanted = {
            "request_id": new_request_id(),
            "name": self.name,
            "display_name": self.name.title(),
            "password": self.password,
            "second_factor": pb.NewSecondFactor(kind=account_pb2.SECOND_FACTOR_KIND_TOTP, hint="phone"),
        }
        return pb.RegisterAccountRequest(**(wanted | changed))  # type: ignore[arg-type]  # its fields

    async def register(self) -> None:
        """Register, and show that the app works."""
        made = await call(self.accounts.RegisterAccount, self.registration())
        self.factor_id = made.setup.factor.factor_id
        self.app = Authenticator(made.setup.totp_uri, self.clock)
        confirmed = await call(self.accounts.ConfirmSecondFactor, self.confirmation(self.app.code()))
        assert confirmed.account.state == account_pb2.ACCOUNT_STATE_ACTIVE
        self.token, self.login_id = confirmed.token, confirmed.login.login_id
        self.first_login_id = self.login_id

    def confirmation(self, code: str) -> pb.ConfirmSecondFactorRequest:
        """The answer to a new factor."""
        return pb.ConfirmSecondFactorRequest(
            name=self.name, factor_id=self.factor_id, password=self.password, code=code
        )

    async def begin(self, password: str | None = None) -> str:
        """First step of logging in; the challenge."""
        request = pb.BeginLoginRequest(name=self.name, password=password or self.password)
        return (await call(self.accounts.BeginLogin, request)).challenge

    async def finish(self, challenge: str, code: str) -> pb.FinishLoginResponse:
        """Second step."""
        request = pb.FinishLoginRequest(challenge=challenge, factor_id=self.factor_id, code=code)
        return await call(self.accounts.FinishLogin, request)

    async def log_in(self) -> str:
        """Both steps; the token."""
        assert self.app is not None
        finished = await self.finish(await self.begin(), self.app.code())
        self.token, self.login_id = finished.token, finished.login.login_id
        return self.token

    def signer_request(
        self, *, sign_roots: Sequence[bytes] = (), encrypt_roots: Sequence[bytes] = (), request_id: str = ""
    ) -> certificate_pb.IssueSignerCertificatesRequest:
        """A valid request for certificates, to be sent or to be spoilt."""
        chosen = request_id or new_request_id()
        encrypt = spki(self.encrypt_key)
        binding = EncryptKeyBinding(self.name, chosen, spki(self.sign_key.public_key()), encrypt)
        return certificate_pb.IssueSignerCertificatesRequest(
            request_id=chosen,
            sign_request_der=pkcs10(self.sign_key),
            sign_certification_roots=sign_roots,
            encrypt_public_key_der=encrypt,
            encrypt_certification_roots=encrypt_roots,
            encrypt_binding_signature=sign_alone(self.sign_key, binding.to_der()),
        )

    async def get_certificates(self) -> dict[Purpose, x509.Certificate]:
        """Have a pair issued."""
        response = await self.call(self.certificates.IssueSignerCertificates, self.signer_request())
        return pair_of(response)

    async def begin_proof(self, nonce: bytes) -> pb.BeginPossessionProofResponse:
        """First step of a proof of possession."""
        request = pb.BeginPossessionProofRequest(client_nonce=nonce)
        return await self.call(self.accounts.BeginPossessionProof, request)

    def proof(
        self,
        begun: pb.BeginPossessionProofResponse,
        nonce: bytes,
        pair: dict[Purpose, x509.Certificate],
        **changed: object,
    ) -> PossessionProof:
        """What this person signs, with anything changed."""
        own = x509.load_pem_x509_certificate(self.client.identity.certificate_pem)
        values = {
            "role": PossessionRole.SIGNER,
            "account": self.name,
            "login_id": self.login_id,
            "agent_certificate": fingerprint(own),
            "server_certificate": fingerprint(x509.load_der_x509_certificate(begun.server_certificate_der)),
            "client_nonce": nonce,
            "server_nonce": begun.server_nonce,
            "time": self.now(),
            "certificates": (fingerprint(pair[Purpose.SIGN]), fingerprint(pair[Purpose.DECRYPT])),
        }
        return PossessionProof(**(values | changed))  # type: ignore[arg-type]  # its fields

    def proof_request(
        self, proof: PossessionProof, pair: dict[Purpose, x509.Certificate], signature: bytes | None = None
    ) -> pb.FinishPossessionProofRequest:
        """The second step, signed by this person's key unless another signature is given."""
        return pb.FinishPossessionProofRequest(
            server_nonce=proof.server_nonce,
            time=timestamp_of(proof.time),
            sign_certificate_der=pair[Purpose.SIGN].public_bytes(Encoding.DER),
            encrypt_certificate_der=pair[Purpose.DECRYPT].public_bytes(Encoding.DER),
            signature=sign_alone(self.sign_key, proof.to_der()) if signature is None else signature,
        )

    async def prove(self, pair: dict[Purpose, x509.Certificate]) -> account_pb2.Login:
        """Prove possession."""
        nonce = secrets.token_bytes(32)
        proof = self.proof(await self.begin_proof(nonce), nonce, pair)
        finished = await self.call(self.accounts.FinishPossessionProof, self.proof_request(proof, pair))
        return finished.login

    def now(self) -> datetime:
        """The time, in whole seconds."""
        return self.clock().replace(microsecond=0)


def spki(key: object) -> bytes:
    """A public key as DER SubjectPublicKeyInfo."""
    assert isinstance(
        key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
    )
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pkcs10(key: SignerPrivateKey) -> bytes:
    """A PKCS#10 request by a key, for a name that nobody shall get."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def pair_of(
    response: certificate_pb.IssueSignerCertificatesResponse | certificate_pb.GetSignerCertificatesResponse,
) -> dict[Purpose, x509.Certificate]:
    """Both certificates of an answer."""
    return {
        Purpose.SIGN: x509.load_der_x509_certificate(response.sign_certificate.certificate_der),
        Purpose.DECRYPT: x509.load_der_x509_certificate(response.encrypt_certificate.certificate_der),
    }
