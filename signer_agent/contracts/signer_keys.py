"""Signer keys: made here, certified by the server, renewed and revoked.

1. The keys are made and stored, with the request for their certificates, before anything of them leaves the process.
2. IssueSignerCertificates: the request goes out. A repeat after a crash is the same request and gets the same answer.
3. The certificates are checked: issued by the authority for these keys and this account. They are stored with the keys,
   and the pair becomes the active one; an older pair stays, for it opens older messages. If one was active until then,
   its key signs that the new one takes its place (``announcing``).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from fourseal.v1 import certificate_service_pb2 as pb

from contract.announcements.announcement import MAX_EARLIER_CHANGES
from contract.announcements.key_change import ChangeByOldKey, KeyChange, proof_to_der
from contract.announcements.keys import fingerprint_of, write_signer_key
from contract.certificate_parts import load_certificate
from contract.certificates import SignerCertificate
from contract.chain import arc_of, check_chain
from contract.errors import VerificationFailed
from contract.oids import SIGNER_SIGN_NUMBER
from contract.profiles import SignerKey
from contract.signer_keys import sign_alone
from contract.signer_requests import EncryptKeyBinding, signer_certification_context
from mpc.four_prime_rsa import (
    PUBLIC_EXPONENT,
    DecryptionShare,
    KeyShare,
    Purpose,
    SigningShare,
)
from mpc.four_prime_rsa.certification import certify_modulus
from signer_agent.contracts.entries import CURRENT, AccountKeys, EncryptKey, SignerKeys, SignKey
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.possession import alone
from signer_agent.engine import chosen_engine
from signer_agent.fresh_shares import make_shares
from wire.catalogue import ServiceError
from wire.client.blame import blaming_server
from wire.ids import new_request_id
from wire.limits import MAX_DEADLINE_SECONDS


class SignKind(StrEnum):
    """Kinds of key for signing."""

    HALF = "half"
    """A half of joint keys: works in sessions of both schemes. The others work in the separate scheme alone."""
    RSA = "rsa"
    P256 = "p256"
    ED25519 = "ed25519"


class EncryptKind(StrEnum):
    """Kinds of key for encryption."""

    HALF = "half"
    RSA = "rsa"
    X25519 = "x25519"


class RevocationReason(StrEnum):
    """Why a pair of certificates is revoked (RFC 5280 section 5.3.1)."""

    KEY_COMPROMISE = "key-compromise"
    AFFILIATION_CHANGED = "affiliation-changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"


_REASONS: Final = {
    RevocationReason.KEY_COMPROMISE: pb.REVOCATION_REASON_KEY_COMPROMISE,
    RevocationReason.AFFILIATION_CHANGED: pb.REVOCATION_REASON_AFFILIATION_CHANGED,
    RevocationReason.SUPERSEDED: pb.REVOCATION_REASON_SUPERSEDED,
    RevocationReason.CESSATION_OF_OPERATION: pb.REVOCATION_REASON_CESSATION_OF_OPERATION,
}


def reason_to_proto(reason: RevocationReason) -> pb.RevocationReason.ValueType:
    """The proto's value."""
    return _REASONS[reason]


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """Which keys to make.

    Args:
        sign: kind of the key for signing.
        encrypt: kind of the key for encryption.
        bits: of RSA keys and halves: 2048, 3072 or 4096.
    """

    sign: SignKind = SignKind.HALF
    encrypt: EncryptKind = EncryptKind.HALF
    bits: int = 3072


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair of certificates, verified.

    Args:
        sign_certificate: for signing.
        encrypt_certificate: for encryption.
    """

    sign_certificate: SignerCertificate
    encrypt_certificate: SignerCertificate


class SignerKeyring:
    """The keys of the account that is logged in. Every method raises FoursealError.

    Args:
        line: with the login.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._drawers = line.drawers
        self._rpc = line.line.certificates
        self._authority = x509.load_pem_x509_certificate(line.line.identity.authority_pem)

    async def make(self, choice: KeyChoice, on_step: Callable[[str], None] = lambda _: None) -> Pair:
        """Make a pair of keys and get certificates for it, which revokes the pair before; or finish what was begun.

        The login is not proven afterwards: ``Logins.prove``.

        Args:
            choice: which keys; of no effect on a pair that was begun.
            on_step: is told of each step.
        """
        account = (await self._line.login()).account
        known = await asyncio.to_thread(self._drawers.accounts.get, account) or AccountKeys()
        request_id = known.pending
        if not request_id:
            on_step("Making the keys")
            request_id = await asyncio.to_thread(self._begin, account, choice)
        keys = await asyncio.to_thread(self._drawers.signer_keys.get, request_id)
        if keys is None:
            raise ServiceError("SIGNER_KEYS_MISSING", name=account)
        on_step("Getting certificates")
        request = pb.IssueSignerCertificatesRequest.FromString(keys.request)
        answer = await self._line.call(self._rpc.IssueSignerCertificates, request, seconds=MAX_DEADLINE_SECONDS)
        return await asyncio.to_thread(self._finish, account, request_id, keys, answer)

    async def prepare(self, account: str, choice: KeyChoice) -> None:
        """Make a pair of keys for an account, unless one is there; certificates come with ``make``. Needs no login."""
        known = await asyncio.to_thread(self._drawers.accounts.get, account)
        if known is None or not (known.pending or known.active):
            await asyncio.to_thread(self._begin, account, choice)

    async def is_pending(self) -> bool:
        """Whether an account is logged in that has a pair of keys without certificates."""
        login = await asyncio.to_thread(self._drawers.logins.get, CURRENT)
        known = await asyncio.to_thread(self._drawers.accounts.get, login.account) if login is not None else None
        return known is not None and bool(known.pending)

    async def revoke(self, reason: RevocationReason) -> None:
        """Revoke the account's pair. The keys stay here, for they open older messages."""
        request = pb.RevokeSignerCertificatesRequest(request_id=new_request_id(), reason=reason_to_proto(reason))
        await self._line.call(self._rpc.RevokeSignerCertificates, request)
        account = (await self._line.login()).account
        await asyncio.to_thread(self._drawers.accounts.update, account, _without_active)

    async def active(self) -> Pair:
        """The active pair of the account that is logged in, of this key store.

        Raises SIGNER_KEYS_MISSING.
        """
        account = (await self._line.login()).account
        found = await asyncio.to_thread(self._drawers.pairs_of, account)
        if not found:
            raise ServiceError("SIGNER_KEYS_MISSING", name=account)
        return await asyncio.to_thread(read_pair, found[0], self._authority)

    def _begin(self, account: str, choice: KeyChoice) -> str:
        request_id = new_request_id()
        sign, encrypt = _make_keys(choice)
        sign_der, encrypt_der = public_der(sign), public_der(encrypt)
        private = alone(sign)
        binding = EncryptKeyBinding(account, request_id, sign_der, encrypt_der)
        request = pb.IssueSignerCertificatesRequest(
            request_id=request_id,
            sign_request_der=_certificate_request(private, account),
            sign_certification_roots=_certify(sign, account, request_id),
            encrypt_public_key_der=encrypt_der,
            encrypt_certification_roots=_certify(encrypt, account, request_id),
            encrypt_binding_signature=sign_alone(private, binding.to_der()),
        )
        keys = SignerKeys(account, request.SerializeToString(deterministic=True), sign, encrypt)
        self._drawers.signer_keys.put(request_id, keys)
        self._drawers.accounts.update(account, lambda known: replace(known or AccountKeys(), pending=request_id))
        return request_id

    def _finish(
        self, account: str, request_id: str, keys: SignerKeys, answer: pb.IssueSignerCertificatesResponse
    ) -> Pair:
        issued = keys.issued(answer.sign_certificate.certificate_der, answer.encrypt_certificate.certificate_der)
        pair = read_pair(issued, self._authority)
        self._drawers.signer_keys.put(request_id, issued)

        def activated(known: AccountKeys | None) -> AccountKeys:
            former = _without_active(known).former
            old = self._drawers.signer_keys.get(known.active) if known is not None and known.active else None
            key_change = b"" if old is None else _key_change(old, pair)
            before = () if known is None or old is None else (*known.earlier_changes, known.key_change)
            earlier = tuple(filter(None, before))[-MAX_EARLIER_CHANGES:]
            return AccountKeys(request_id, "", former, key_change, earlier)

        self._drawers.accounts.update(account, activated)  # a crash before this repeats the last steps
        return pair


def read_pair(keys: SignerKeys, authority: x509.Certificate) -> Pair:
    """The certificates of a pair of keys, checked: the authority's, for these keys and this account.

    Raises:
        PeerMisbehaved: CERTIFICATE_...; the culprit is the server.
    """
    with blaming_server():
        arc = arc_of(load_certificate(keys.sign_certificate), SIGNER_SIGN_NUMBER)
        sign = SignerCertificate.from_der(keys.sign_certificate, arc)
        encrypt = SignerCertificate.from_der(keys.encrypt_certificate, arc)
        at = max(sign.certificate.not_valid_before_utc, encrypt.certificate.not_valid_before_utc)
        check_chain(sign.certificate, authority, arc.signer_sign, at)
        check_chain(encrypt.certificate, authority, arc.signer_encrypt, at)
        for certificate, key in ((sign, keys.sign_key), (encrypt, keys.encrypt_key)):
            found = certificate.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            if found != public_der(key) or certificate.name != keys.account:
                raise VerificationFailed("CERTIFICATE_NOT_OURS", "the certificate is for another key or account")
    return Pair(sign, encrypt)


def require_current(pair: Pair, now: datetime) -> None:
    """Raise ServiceError (SIGNER_CERTIFICATE_EXPIRED) unless both certificates are valid."""
    expire_time = min(
        each.certificate.not_valid_after_utc for each in (pair.sign_certificate, pair.encrypt_certificate)
    )
    if expire_time <= now:
        raise ServiceError("SIGNER_CERTIFICATE_EXPIRED", expire_time=expire_time.astimezone(UTC).isoformat())


def public_der(key: SignKey | EncryptKey) -> bytes:
    """The public key as DER SubjectPublicKeyInfo."""
    public: SignerKey
    if isinstance(key, KeyShare):
        public = rsa.RSAPublicNumbers(PUBLIC_EXPONENT, key.public.modulus).public_key()
    else:
        public = key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _make_keys(choice: KeyChoice) -> tuple[SignKey, EncryptKey]:
    halves = {Purpose.SIGN} if choice.sign is SignKind.HALF else set()
    halves |= {Purpose.DECRYPT} if choice.encrypt is EncryptKind.HALF else set()
    shares = make_shares(halves, choice.bits) if halves else {}
    return _make_sign_key(choice, shares.get(Purpose.SIGN)), _make_encrypt_key(choice, shares.get(Purpose.DECRYPT))


def _make_sign_key(choice: KeyChoice, share: KeyShare | None) -> SignKey:
    match choice.sign:
        case SignKind.HALF:
            assert isinstance(share, SigningShare)  # noqa: S101  # what the purpose asks for
            return share
        case SignKind.RSA:
            return rsa.generate_private_key(PUBLIC_EXPONENT, choice.bits)
        case SignKind.P256:
            return ec.generate_private_key(ec.SECP256R1())
        case SignKind.ED25519:
            return ed25519.Ed25519PrivateKey.generate()


def _make_encrypt_key(choice: KeyChoice, share: KeyShare | None) -> EncryptKey:
    match choice.encrypt:
        case EncryptKind.HALF:
            assert isinstance(share, DecryptionShare)  # noqa: S101  # what the purpose asks for
            return share
        case EncryptKind.RSA:
            return rsa.generate_private_key(PUBLIC_EXPONENT, choice.bits)
        case EncryptKind.X25519:
            return x25519.X25519PrivateKey.generate()


def _certify(key: SignKey | EncryptKey, account: str, request_id: str) -> list[bytes]:
    if not isinstance(key, KeyShare):
        return []
    context = signer_certification_context(account, request_id, key.purpose)
    return certify_modulus(key, context, chosen_engine(), secrets.token_bytes)


def _certificate_request(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, name: str
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def _key_change(old: SignerKeys, pair: Pair) -> bytes:
    """The change from the key for signing of one pair to that of another, now, signed by the old one."""
    change = KeyChange(
        user=old.account,
        old_key=fingerprint_of(public_der(old.sign_key)),
        new_key=fingerprint_of(write_signer_key(pair.sign_certificate.public_key)),
        certificate=pair.sign_certificate.fingerprint,
        time=datetime.now(UTC).replace(microsecond=0),
    )
    return proof_to_der(ChangeByOldKey.sign(change, alone(old.sign_key)))


def _without_active(known: AccountKeys | None) -> AccountKeys:
    known = known or AccountKeys()
    former = (*known.former, known.active) if known.active else known.former
    return replace(known, active="", former=former, key_change=b"", earlier_changes=())
