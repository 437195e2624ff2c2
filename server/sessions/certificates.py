"""Certificates of signers and sessions, as they are needed here: read, and judged for a session."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from contract.certificates import SessionCertificate, SignerCertificate
from contract.oids import Arc
from contract.session_info import Scheme
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import HALF_BITS, JointPublicKey, PublicShare, Purpose
from server.identity import Proof, find_certificate
from server.sessions.shares import public_share
from server.sessions.store.sessions import Joining, Revision, Session
from wire.catalogue import ServiceError

SEPARATE_HALF_BITS = 3072
"""Bits of a session's shares in the separate scheme, where members' keys do not decide them."""


@dataclass(frozen=True, slots=True)
class SignerPair:
    """The two certificates that somebody has proved, read.

    Args:
        sign, encrypt: by purpose; ``sign_der`` and ``encrypt_der`` are the same as bytes.
        are_halves: whether both keys were certified to be halves of joint keys.
    """

    sign: SignerCertificate
    encrypt: SignerCertificate
    sign_der: bytes
    encrypt_der: bytes
    are_halves: bool


def find_pair(connection: Connection, proof: Proof, arc: Arc) -> SignerPair:
    """The certificates that a login has proved.

    Raises:
        ServiceError: PROOF_REQUIRED: they are not there.
    """
    sign, encrypt = (
        find_certificate(connection, fingerprint) for fingerprint in (proof.sign_certificate, proof.encrypt_certificate)
    )
    if sign is None or encrypt is None:
        raise ServiceError("PROOF_REQUIRED")
    return SignerPair(
        SignerCertificate.from_der(sign.certificate, arc),
        SignerCertificate.from_der(encrypt.certificate, arc),
        sign.certificate,
        encrypt.certificate,
        sign.is_half and encrypt.is_half,
    )


def half_bits_for(pair: SignerPair, scheme: Scheme) -> int:
    """The size of the shares of a session that somebody with these certificates creates.

    Raises:
        ServiceError: SESSION_KEYS_UNSUITABLE: joint scheme, and the keys are no two halves of one size.
    """
    if scheme is Scheme.SEPARATE:
        return SEPARATE_HALF_BITS
    sizes = {half.half_bits for half in _halves(pair)}
    if len(sizes) != 1:
        raise _unsuitable("two halves of one size", *sorted(HALF_BITS))
    return sizes.pop()


def require_suitable(pair: SignerPair, session: Session) -> None:
    """See that somebody with these certificates can sign and decrypt until a session ends. Takes under a millisecond.

    Raises:
        ServiceError: CERTIFICATE_ENDS_EARLY: from then on nobody could verify what any member sends, for each
            verifies the certificates of all; SESSION_KEYS_UNSUITABLE: joint scheme, and the keys are no halves of the
            session's size, or make no joint keys with the session's: equal to them, or with a prime in common, or
            close.
    """
    end_time = min(each.certificate.not_valid_after_utc for each in (pair.sign, pair.encrypt))
    if end_time < session.end_time:
        raise ServiceError(
            "CERTIFICATE_ENDS_EARLY",
            session_id=session.session_id,
            end_time=session.end_time.isoformat(),
            certificate_end_time=end_time.isoformat(),
        )
    if session.scheme is Scheme.SEPARATE:
        return
    for half in _halves(pair):
        try:
            JointPublicKey(half, public_share(session, half.purpose))
        except MalformedInput:
            raise _unsuitable("halves", session.half_bits) from None


def read_session_certificate(revision: Revision, purpose: Purpose, arc: Arc) -> SessionCertificate:
    """One of the two certificates of a revision."""
    signs = purpose is Purpose.SIGN
    return SessionCertificate.from_der(revision.sign_certificate if signs else revision.encrypt_certificate, arc)


def read_joined_certificate(joining: Joining, purpose: Purpose, arc: Arc) -> SignerCertificate:
    """One of the two certificates that somebody joined with."""
    signs = purpose is Purpose.SIGN
    return SignerCertificate.from_der(joining.sign_certificate if signs else joining.encrypt_certificate, arc)


def _halves(pair: SignerPair) -> list[PublicShare]:
    if not pair.are_halves:
        raise _unsuitable("certified halves", *HALF_BITS)
    return [pair.sign.public_share(), pair.encrypt.public_share()]


def _unsuitable(what: str, *bits: int) -> ServiceError:
    return ServiceError("SESSION_KEYS_UNSUITABLE", wanted=f"{what} of {' or '.join(map(str, bits))} bits")
