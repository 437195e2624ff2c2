"""Proof of possession, both ways: the server proves itself first, then the signer (``contract.possession``).

1. We send a fresh nonce; the server sends its own, the time, its certificate and its signature.
2. Its certificate was issued by the authority that we enrolled with, for servers, for the host that we call.
3. Its time is not far from ours, and the signature holds over both nonces, this login and our TLS certificate.
4. We sign the same in the role of the signer, with our certificates. Nothing is signed for a server that failed.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from fourseal.v1 import account_pb2
from fourseal.v1 import account_service_pb2 as pb

from contract.certificate_parts import fingerprint, load_certificate
from contract.chain import check_chain
from contract.errors import VerificationFailed
from contract.possession import NONCE_BYTES, PossessionProof, PossessionRole
from contract.signer_keys import SignerPrivateKey, check_signature_alone, sign_alone
from mpc.errors import FoursealError
from mpc.four_prime_rsa import SigningShare, own_private_key
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.entries import SignerKeys, SignKey, StoredLogin
from wire.catalogue import ServiceError
from wire.client.blame import server_lied
from wire.client.identity import Identity
from wire.convert import timestamp_of

_CLOCK_DIFFERENCE: Final = timedelta(minutes=10)


async def prove_possession(line: ServerLine, login: StoredLogin, keys: SignerKeys) -> account_pb2.Login:
    """Let the server prove itself, then prove that we have the keys.

    Returns:
        The login as the server has it then, proven.

    Raises:
        PeerMisbehaved: SERVER_NOT_PROVEN; the culprit is the server.
        ServiceError: CLOCK_DIFFERS.
        FoursealError: POSSESSION_NOT_PROVEN and what else the server refuses.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    request = pb.BeginPossessionProofRequest(client_nonce=nonce)
    begun = await line.call(line.accounts.BeginPossessionProof, request, login_token=login.token)
    answer = await asyncio.to_thread(_answer, line.identity, login, keys, nonce, begun)
    finished = await line.call(line.accounts.FinishPossessionProof, answer, login_token=login.token)
    if finished.login.login_id != login.login_id or not finished.login.proven:
        raise server_lied("SERVER_NOT_PROVEN", "it says that another login is proven")
    return finished.login


def alone(key: SignKey) -> SignerPrivateKey:
    """A key for signing, used by itself."""
    return own_private_key(key) if isinstance(key, SigningShare) else key


def _answer(
    identity: Identity,
    login: StoredLogin,
    keys: SignerKeys,
    nonce: bytes,
    begun: pb.BeginPossessionProofResponse,
) -> pb.FinishPossessionProofRequest:
    now = datetime.now(UTC).replace(microsecond=0)
    server_certificate = _check_server(identity, login, nonce, begun, now)
    proof = _proof(
        PossessionRole.SIGNER,
        login,
        identity,
        server_certificate,
        (nonce, begun.server_nonce),
        now,
        (sha256(keys.sign_certificate).digest(), sha256(keys.encrypt_certificate).digest()),
    )
    return pb.FinishPossessionProofRequest(
        server_nonce=begun.server_nonce,
        time=timestamp_of(now),
        sign_certificate_der=keys.sign_certificate,
        encrypt_certificate_der=keys.encrypt_certificate,
        signature=sign_alone(alone(keys.sign_key), proof.to_der()),
    )


def _check_server(
    identity: Identity, login: StoredLogin, nonce: bytes, begun: pb.BeginPossessionProofResponse, now: datetime
) -> bytes:
    """Steps 2 and 3. Returns the fingerprint of the server's certificate."""
    try:
        time = begun.time.ToDatetime(UTC)
        certificate = load_certificate(begun.server_certificate_der)
        authority = x509.load_pem_x509_certificate(identity.authority_pem)
        check_chain(certificate, authority, ExtendedKeyUsageOID.SERVER_AUTH, now)
        _require_host(certificate, identity.server_address)
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise VerificationFailed("SIGNATURE_INVALID", "its key is not ECDSA")
        nonces = (nonce, begun.server_nonce)
        proof = _proof(PossessionRole.SERVER, login, identity, fingerprint(certificate), nonces, time, ())
        check_signature_alone(key, begun.server_signature, proof.to_der())
    except (FoursealError, ValueError, OverflowError) as error:
        raise server_lied("SERVER_NOT_PROVEN", str(error)) from error
    if abs(time - now) > _CLOCK_DIFFERENCE:
        seconds, maximum = abs(time - now) // timedelta(seconds=1), _CLOCK_DIFFERENCE // timedelta(seconds=1)
        raise ServiceError("CLOCK_DIFFERS", seconds=seconds, maximum=maximum)
    return fingerprint(certificate)


def _require_host(certificate: x509.Certificate, address: str) -> None:
    host = address.rpartition(":")[0].strip("[]")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("its certificate names no host") from None
    try:
        known = ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        known = host in names.get_values_for_type(x509.DNSName)
    if not known:
        raise ValueError("its certificate is another host's")


def _proof(
    role: PossessionRole,
    login: StoredLogin,
    identity: Identity,
    server_certificate: bytes,
    nonces: tuple[bytes, bytes],
    time: datetime,
    certificates: tuple[bytes, ...],
) -> PossessionProof:
    own = x509.load_pem_x509_certificate(identity.certificate_pem)
    return PossessionProof(
        role=role,
        account=login.account,
        login_id=login.login_id,
        agent_certificate=sha256(own.public_bytes(Encoding.DER)).digest(),
        server_certificate=server_certificate,
        client_nonce=nonces[0],
        server_nonce=nonces[1],
        time=time,
        certificates=certificates,
    )
