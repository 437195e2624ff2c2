"""Organisations and the certificates of their keys, believed as far as the authority says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fourseal.v1 import certificate_service_pb2
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.certificate_parts import (
    extensions_of,
    fingerprint,
    load_certificate,
    malformed,
    organisation_name_of,
    public_key_of,
)
from contract.trusteeship.grants import check_organisation_key_id
from contract.trusteeship.operations import OrganisationPublicKey
from mpc.four_prime_rsa import Purpose
from wire.client.blame import answer_malformed, answered_time, blaming_server, server_lied

_PURPOSES = {
    certificate_service_pb2.CERTIFICATE_PURPOSE_SIGN: Purpose.SIGN,
    certificate_service_pb2.CERTIFICATE_PURPOSE_ENCRYPT: Purpose.DECRYPT,
}


@dataclass(frozen=True, slots=True)
class OrganisationKey:
    """A key of an organisation.

    Args:
        key_id: its name.
        purpose: what it does.
        kind: algorithm and size, as the server says: rsa-3072, ecdsa-p256 and the like.
        certificate: issued by the authority for this organisation and purpose; None if there is none.
        revoke_time: when the certificate was revoked, as the server says; None if it was not.
    """

    key_id: str
    purpose: Purpose
    kind: str
    certificate: x509.Certificate | None
    revoke_time: datetime | None

    @property
    def public_key(self) -> OrganisationPublicKey | None:
        """Of the certificate: for encrypting and verifying, which need no grant."""
        return None if self.certificate is None else _public_key(self.certificate)


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation, as the server shows it; the certificates were checked.

    Args:
        name: its name.
        display_name: what people call it.
        approvals: how many administrators must approve a grant.
        administrators: accounts, sorted.
        keys: oldest first.
    """

    name: str
    display_name: str
    approvals: int
    administrators: tuple[str, ...]
    keys: tuple[OrganisationKey, ...]

    def key(self, key_id: str) -> OrganisationKey | None:
        """The key of that name."""
        return next((each for each in self.keys if each.key_id == key_id), None)

    def key_certified(self, certificate: bytes) -> OrganisationKey | None:
        """The key whose certificate has that SHA-256."""
        return next(
            (each for each in self.keys if each.certificate and fingerprint(each.certificate) == certificate), None
        )


def read_organisation(answer: pb.GetOrganisationResponse, name: str, authority: x509.Certificate) -> Organisation:
    """Read what the server shows of an organisation.

    Args:
        answer: the server's.
        name: of the organisation that was asked for.
        authority: that this agent knows.

    Raises:
        PeerMisbehaved: TRUST_ANSWER_WRONG: another organisation; ANSWER_MALFORMED, CERTIFICATE_MALFORMED,
            CERTIFICATE_NOT_ISSUED, CERTIFICATE_NOT_OURS; the culprit is the server.
    """
    if answer.organisation != name:
        raise server_lied("TRUST_ANSWER_WRONG", "it is another organisation than was asked for")
    keys = tuple(_read_key(each, name, authority) for each in answer.keys)
    return Organisation(name, answer.display_name, answer.approvals, tuple(answer.administrators), keys)


def _read_key(shown: pb.OrganisationKey, organisation: str, authority: x509.Certificate) -> OrganisationKey:
    purpose = _PURPOSES.get(shown.purpose)
    if purpose is None:
        raise answer_malformed("a key of it has no purpose")
    with blaming_server():
        certificate = load_certificate(shown.certificate_der) if shown.certificate_der else None
        if certificate is not None:
            _check(certificate, organisation, purpose, authority)
        revoke_time = answered_time(shown.revoke_time) if shown.HasField("revoke_time") else None
        return OrganisationKey(check_organisation_key_id(shown.key_id), purpose, shown.kind, certificate, revoke_time)


def _check(certificate: x509.Certificate, organisation: str, purpose: Purpose, authority: x509.Certificate) -> None:
    """(1) the authority issued it; (2) for that organisation; (3) for that purpose; (4) its key is of a known kind."""
    try:
        certificate.verify_directly_issued_by(authority)  # (1)
    except (InvalidSignature, TypeError, ValueError):
        raise server_lied("CERTIFICATE_NOT_ISSUED", "the authority did not sign this certificate") from None
    extensions = extensions_of(certificate)
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise malformed("no key usage") from None
    usages = (usage.digital_signature, usage.key_encipherment)
    fits = usages == ((True, False) if purpose is Purpose.SIGN else (False, True))  # (3)
    if organisation_name_of(extensions) != organisation or not fits:  # (2)
        raise server_lied("CERTIFICATE_NOT_OURS", "the certificate is for another organisation or purpose")
    _public_key(certificate)  # (4)


def _public_key(certificate: x509.Certificate) -> OrganisationPublicKey:
    key = public_key_of(certificate)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise malformed("a key of a kind that organisations do not have")
    return key
