"""Answers about single certificates: OCSP (RFC 6960), in the profile for many who ask (RFC 5019).

How a request is answered:

1. It is DER of a request about one certificate; a nonce has 1 to 128 bytes (RFC 9654), and nothing else in it is
   critical. Else: malformedRequest.
2. It names our authority, by name and key, under a digest that we know. Else: unauthorized (RFC 5019 section 2.2.3).
3. The database is read, for every request: what was revoked before a request came is revoked in its answer, whichever
   process revoked it. No signer's certificate has that serial number: unknown. "Good" is said of nothing that was not
   issued.
4. The answer is signed by the responder's key, with the nonce, if there was one.

An answer without a nonce may be kept by those who pass it on, for as long as ``Answer.keep_seconds`` says; who wants
to know what holds now sends a nonce, or asks by POST.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from server.clock import Clock
from server.identity.authority import Authority
from server.identity.certificates.list_encoding import round_up
from server.identity.certificates.responder_key import ResponderKey
from server.identity.certificates.revocation import REASONS
from server.identity.store import certificates as store
from server.identity.store.certificates import IssuedCertificate
from server.storage import Database
from wire.catalogue import ServiceError

MAX_REQUEST_BYTES: Final = 2048
_MAX_NONCE_BYTES: Final = 128
_DER: Final = Encoding.DER
_KEPT_SECONDS: Final = 60
_DIGESTS: Final = {each.name: each for each in (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())}  # noqa: S303  # RFC 5019 demands SHA-1 in requests; it protects nothing there


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be sent.

    Args:
        der: an OCSPResponse.
        keep_seconds: for which others may hand out the same; 0: not at all.
    """

    der: bytes
    keep_seconds: int = 0


class Refused(Exception):
    """A request has no answer but this status."""

    def __init__(self, status: ocsp.OCSPResponseStatus) -> None:
        super().__init__(status.name)
        self.status = status


class Responder:
    """Answers whoever asks.

    Args:
        database: where certificates are.
        authority: whose certificates are asked about.
        key: signs; replaced by who keeps house.
        clock: the time.
        lifetime: of an answer: who keeps it must not believe it for longer.
    """

    def __init__(
        self, database: Database, authority: Authority, key: ResponderKey, clock: Clock, *, lifetime: timedelta
    ) -> None:
        self.key = key
        self._database = database
        self._authority = authority
        self._clock = clock
        self._lifetime = lifetime
        self._issuers = {name: _issuer_of(key, authority, digest) for name, digest in _DIGESTS.items()}

    async def answer(self, request_der: bytes) -> Answer:
        """Answer a request: always, for refusals are answers too."""
        try:
            request = _read(request_der)  # 1
            nonce = _nonce_of(request)
            self._require_ours(request)  # 2
            serial_number = request.serial_number
            found = await self._database.read(lambda each: store.find_by_serial_number(each, serial_number))  # 3
        except Refused as refusal:
            return Answer(_without_content(refusal.status))
        except ServiceError:  # STORAGE_UNAVAILABLE, which the log tells
            return Answer(_without_content(ocsp.OCSPResponseStatus.TRY_LATER))
        return Answer(self._sign(request, found, nonce), 0 if nonce else _KEPT_SECONDS)  # 4

    def _require_ours(self, request: ocsp.OCSPRequest) -> None:
        try:
            issuer = self._issuers.get(request.hash_algorithm.name)
        except UnsupportedAlgorithm:
            issuer = None
        if issuer != (request.issuer_name_hash, request.issuer_key_hash):
            raise Refused(ocsp.OCSPResponseStatus.UNAUTHORIZED)

    def _sign(self, request: ocsp.OCSPRequest, found: IssuedCertificate | None, nonce: x509.OCSPNonce | None) -> bytes:
        now, key = self._clock().replace(microsecond=0), self.key
        builder = ocsp.OCSPResponseBuilder()
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        return (
            builder.add_response_by_hash(
                issuer_name_hash=request.issuer_name_hash,
                issuer_key_hash=request.issuer_key_hash,
                serial_number=request.serial_number,
                algorithm=request.hash_algorithm,
                cert_status=_status_of(found),
                this_update=now,
                next_update=now + self._lifetime,
                revocation_time=None if found is None or found.revoke_time is None else round_up(found.revoke_time),
                revocation_reason=None
                if found is None or found.revocation_reason is None
                else REASONS[found.revocation_reason],
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, key.certificate)
            .certificates([key.certificate])
            .sign(key.key, hashes.SHA256())
            .public_bytes(_DER)
        )


def _issuer_of(key: ResponderKey, authority: Authority, digest: hashes.HashAlgorithm) -> tuple[bytes, bytes]:
    """How requests name our authority under a digest."""
    request = ocsp.OCSPRequestBuilder().add_certificate(key.certificate, authority.certificate, digest).build()
    return request.issuer_name_hash, request.issuer_key_hash


def _read(request_der: bytes) -> ocsp.OCSPRequest:
    try:
        if len(request_der) <= MAX_REQUEST_BYTES:
            request = ocsp.load_der_ocsp_request(request_der)
            request.serial_number  # noqa: B018  # read here, where what cannot be read is refused
            return request
    except (ValueError, TypeError, NotImplementedError):  # the last: about several certificates
        pass
    raise Refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)


def _nonce_of(request: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    nonce = None
    try:
        extensions = list(request.extensions)
    except (ValueError, TypeError, x509.DuplicateExtension):
        raise Refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST) from None
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce) and 0 < len(extension.value.nonce) <= _MAX_NONCE_BYTES:
            nonce = extension.value
        elif extension.critical or isinstance(extension.value, x509.OCSPNonce):
            raise Refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    return nonce


def _status_of(found: IssuedCertificate | None) -> ocsp.OCSPCertStatus:
    if found is None:
        return ocsp.OCSPCertStatus.UNKNOWN
    return ocsp.OCSPCertStatus.GOOD if found.revoke_time is None else ocsp.OCSPCertStatus.REVOKED


def _without_content(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(_DER)
