"""Single certificates: personal ones, for joint keys, and those of organisations' keys. To others they are ordinary.

They are kept, and revoked, as signers' certificates are, and stand in the same list; but they belong to no pair, and
no contract session takes them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint
from mpc.four_prime_rsa import Purpose
from server.custody import PublicKey
from server.errors import OperatorError
from server.identity.accounts.events import Event, record
from server.identity.accounts.view import view_of
from server.identity.authority import Authority
from server.identity.store import certificates as store
from server.identity.store.accounts import AccountState, find_account
from server.identity.store.certificates import CertificateProfile, IssuedCertificate, RevocationReason
from server.journal import Caller


def is_key_certified(connection: Connection, key_sha256: bytes) -> bool:
    """Whether a key stands in any certificate, of whatever account, profile and state."""
    return store.is_key_known(connection, key_sha256)


def find_personal_certificate(connection: Connection, key_sha256: bytes) -> IssuedCertificate | None:
    """The personal certificate that a key stands in, of whatever state."""
    found = store.find_by_key(connection, key_sha256)
    return found if found is not None and found.profile is CertificateProfile.PERSONAL else None


def issue_personal_certificate(
    connection: Connection,
    authority: Authority,
    account: str,
    purpose: Purpose,
    key_der: bytes,
    now: datetime,
    lifetime: timedelta,
) -> IssuedCertificate:
    """Issue a certificate for a joint key, in a transaction.

    Args:
        connection: the transaction.
        authority: issues it.
        account: whose.
        purpose: what the key does.
        key_der: SubjectPublicKeyInfo of an RSA key.
        now: the present time.
        lifetime: from then on.

    Raises:
        OperatorError: the account is not active; the key stands in a certificate.
    """
    found = find_account(connection, account)
    if found is None or found.state is not AccountState.ACTIVE:
        raise OperatorError(f"the account {account} is not active", "Enable it first, or refuse the request.")
    key = _new_key(connection, key_der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError  # joint keys are
    display_name = view_of(connection, account).account.display_name
    certificate = authority.issue_personal_certificate(account, display_name, purpose, key, now, lifetime)
    return _keep(connection, certificate, purpose, key_der, now, CertificateProfile.PERSONAL, account=account)


def issue_organisation_certificate(
    connection: Connection,
    authority: Authority,
    name: str,
    display_name: str,
    purpose: Purpose,
    key_der: bytes,
    now: datetime,
    lifetime: timedelta,
) -> IssuedCertificate:
    """Issue a certificate for an organisation's key, in a transaction.

    Args:
        connection: the transaction.
        authority: issues it.
        name: of the organisation.
        display_name: of it.
        purpose: what the key does.
        key_der: its SubjectPublicKeyInfo.
        now: the present time.
        lifetime: from then on.

    Raises:
        OperatorError: the key stands in a certificate.
    """
    key = _new_key(connection, key_der)
    certificate = authority.issue_organisation_certificate(name, display_name, purpose, key, now, lifetime)
    return _keep(connection, certificate, purpose, key_der, now, CertificateProfile.ORGANISATION, organisation=name)


def _new_key(connection: Connection, key_der: bytes) -> PublicKey:
    if is_key_certified(connection, sha256(key_der).digest()):
        raise OperatorError("the key stands in a certificate already", "Refuse the request.")
    key = load_der_public_key(key_der)
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise TypeError  # no others are asked for
    return key


def _keep(
    connection: Connection,
    certificate: x509.Certificate,
    purpose: Purpose,
    key_der: bytes,
    now: datetime,
    profile: CertificateProfile,
    *,
    account: str = "",
    organisation: str = "",
) -> IssuedCertificate:
    issued = IssuedCertificate(
        fingerprint=fingerprint(certificate),
        account=account,
        purpose=purpose,
        serial_number=certificate.serial_number,
        key_sha256=sha256(key_der).digest(),
        is_half=False,
        certificate=certificate.public_bytes(Encoding.DER),
        create_time=now,
        expire_time=certificate.not_valid_after_utc,
        profile=profile,
        organisation=organisation,
    )
    store.add_certificate(connection, issued)
    record(connection, now, issued.owner, None, Event.CERTIFICATES_ISSUED, issued.fingerprint.hex())
    return issued


def revoke_single_certificate(
    connection: Connection,
    issued: IssuedCertificate,
    now: datetime,
    reason: RevocationReason,
    caller: Caller | None,
    *,
    officer: str = "",
) -> None:
    """Revoke a certificate that is none of a pair, in a transaction.

    Args:
        connection: the transaction.
        issued: the certificate, not revoked so far.
        now: the present time.
        reason: why.
        caller: from where its owner does it; None for an officer.
        officer: which one.
    """
    store.revoke_one(connection, issued.fingerprint, now, reason)
    by = f" by officer {officer}" if officer else ""
    detail = f"{issued.fingerprint.hex()} {reason.value}{by}"
    record(connection, now, issued.owner, caller, Event.CERTIFICATES_REVOKED, detail)
