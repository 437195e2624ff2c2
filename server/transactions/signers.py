"""Whose certificate a binding names, and whether it holds now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.certificate_parts import load_certificate
from contract.transactions.verification import TransactionSigner
from mpc.four_prime_rsa import Purpose
from server.identity import AccountState, CertificateProfile, IssuedCertificate, find_account, find_certificate
from wire.catalogue import ServiceError


def require_signer(connection: Connection, account: str, certificate: bytes, now: datetime) -> TransactionSigner:
    """The signer as a certificate says that holds: the personal one of a joint key, or that of a key of its own.

    Nobody need be logged in where transactions are signed and confirmed, so the account is looked at too.

    Args:
        connection: a transaction.
        account: that shall sign.
        certificate: fingerprint of its certificate for signing.
        now: the present time.

    Raises:
        ServiceError: SIGNER_CERTIFICATE_WRONG.
    """
    found = find_certificate(connection, certificate)
    if found is None or found.purpose is not Purpose.SIGN or found.profile is CertificateProfile.ORGANISATION:
        raise _wrong("there is no such certificate of a signer, for signing")
    if found.account != account:
        raise _wrong("it is another account's")
    if not found.holds(now):
        raise _wrong("it was revoked, or its time is over")
    known = find_account(connection, account)
    if known is None or known.state is not AccountState.ACTIVE:
        raise _wrong("its account is not active")
    return signer_of(found)


def signer_of(issued: IssuedCertificate) -> TransactionSigner:
    """What a certificate says, whether it holds or not."""
    return TransactionSigner(issued.account, issued.fingerprint, load_certificate(issued.certificate).public_key())


def _wrong(problem: str) -> ServiceError:
    return ServiceError("SIGNER_CERTIFICATE_WRONG", problem=problem)
