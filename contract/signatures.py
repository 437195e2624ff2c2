"""Signatures of statements, in both schemes.

Joint scheme: one RSASSA-PSS signature with SHA-256 and a salt of 32 bytes under N_author * N_session::

    message = joint_message(statement, author, session, salt)          author and session, each by itself
    ...                                                                mpc.four_prime_rsa: partials, combine
    verify_signature(statement_der, JointSignature(data), author, session)

Separate scheme: two signatures side by side, both over the statement, by the author's key and by the session's half::

    signer = sign_separately(private_key, statement, author, session)                     the author
    check_author_signature(statement, signer, author, session)                            the session, before it signs
    data = sign_as_session(half, statement, author, session, engine, random)              the session
    verify_signature(statement_der, SeparateSignature(algorithm, signer, data), author, session)

Which scheme a statement may be signed in stands in the session's info: a joint signature in a session of the separate
scheme is refused though it holds, and the reverse. So what the session's half signs alone is good for nothing in a
joint session, and the halves of two sessions differ anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import rsa

from contract import der
from contract.certificates import SessionCertificate, SignerCertificate, joint_key, require_same_purpose
from contract.errors import VerificationFailed
from contract.session_info import Scheme
from contract.signer_keys import (
    MAX_SIGNATURE_BYTES,
    SIGNER_ALGORITHMS,
    SignerAlgorithm,
    SignerPrivateKey,
    algorithm_of,
    check_signature_alone,
    sign_alone,
)
from contract.statement import Statement
from mpc.engines.interface import Exponentiator, Random
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import (
    HALF_BITS,
    EncodedMessage,
    JointPublicKey,
    PublicShare,
    Purpose,
    SignatureAlgorithm,
    SigningHalf,
    sign_by_half,
)

JOINT_ALGORITHM: Final = SignatureAlgorithm.PSS_SHA256
"""Of every joint signature of a statement. Its salt has 32 bytes."""

_SIGNATURE_REASON: Final = "SIGNATURE_MALFORMED"
_SALT_BYTES: Final = 32
_KNOWN_KEYS: Final = 1024
_HALF_BYTES: Final = tuple(bits // 8 for bits in HALF_BITS)


@dataclass(frozen=True, slots=True)
class JointSignature:
    """A signature by the joint key of author and session.

    Args:
        data: exactly the length of N: 512, 768 or 1024 bytes.

    Raises:
        MalformedInput: SIGNATURE_MALFORMED.
    """

    data: bytes

    def __post_init__(self) -> None:
        der.require_that(
            len(self.data) in {2 * size for size in _HALF_BYTES},
            "a joint signature of a wrong length",
            reason=_SIGNATURE_REASON,
        )


@dataclass(frozen=True, slots=True)
class SeparateSignature:
    """Two signatures side by side.

    Args:
        algorithm: of the author's signature.
        signer: the author's, 1 to 1024 bytes.
        session: by the session's half alone, RSASSA-PSS: 256, 384 or 512 bytes.

    Raises:
        MalformedInput: SIGNATURE_MALFORMED.
    """

    algorithm: SignerAlgorithm
    signer: bytes
    session: bytes

    def __post_init__(self) -> None:
        der.require_that(
            1 <= len(self.signer) <= MAX_SIGNATURE_BYTES,
            "an author's signature of a wrong length",
            reason=_SIGNATURE_REASON,
        )
        der.require_that(
            len(self.session) in _HALF_BYTES, "a session's signature of a wrong length", reason=_SIGNATURE_REASON
        )


Signature = JointSignature | SeparateSignature
"""Of one statement."""


def joint_message(
    statement: Statement, author: SignerCertificate, session: SessionCertificate, salt: bytes
) -> EncodedMessage:
    """What author and session sign together in the joint scheme.

    Args:
        statement: whose DER is signed.
        author: its certificate for signing.
        session: the session's certificate for signing, of the revision that the statement names.
        salt: 32 bytes, fresh for every signature; public.

    Raises:
        VerificationFailed: as ``require_parties``; SCHEME_WRONG: the session is of the separate scheme.
        MalformedInput: KEY_IS_NO_HALF, SALT_LENGTH_WRONG, and what ``JointPublicKey`` raises.
    """
    require_parties(statement, author, session)
    require_scheme(session, Scheme.JOINT)
    return EncodedMessage(joint_key(author, session), JOINT_ALGORITHM, statement.digest, salt)


def sign_separately(
    private_key: SignerPrivateKey, statement: Statement, author: SignerCertificate, session: SessionCertificate
) -> bytes:
    """The author's signature in the separate scheme.

    Raises:
        VerificationFailed: as ``require_parties``; SCHEME_WRONG.
        MalformedInput: SIGNER_KEY_UNSUITABLE.
    """
    require_parties(statement, author, session)
    require_scheme(session, Scheme.SEPARATE)
    return sign_alone(private_key, statement.to_der())


def check_author_signature(
    statement: Statement, signature: bytes, author: SignerCertificate, session: SessionCertificate
) -> None:
    """Check the author's signature in the separate scheme.

    Raises:
        VerificationFailed: as ``require_parties``; SCHEME_WRONG, SIGNATURE_INVALID.
    """
    require_parties(statement, author, session)
    require_scheme(session, Scheme.SEPARATE)
    check_signature_alone(author.public_key, signature, statement.to_der())


def sign_as_session(
    half: SigningHalf,
    statement: Statement,
    author: SignerCertificate,
    session: SessionCertificate,
    engine: Exponentiator[Any],
    random: Random,
) -> bytes:
    """The session's signature in the separate scheme. Check the author's first.

    Raises:
        VerificationFailed: as ``require_parties``; SCHEME_WRONG.
        MalformedInput: SHARE_OF_OTHER_KEY: the half is not the one of the session's certificate.
        WrongPurpose: not one for signing.
        FaultDetected: the result did not hold; nothing is released.
    """
    require_parties(statement, author, session)
    require_scheme(session, Scheme.SEPARATE)
    if half.public != session.public_share():
        raise MalformedInput("SHARE_OF_OTHER_KEY", "the share is not the one of this session's certificate")
    return sign_by_half(half, statement.to_der(), random(_SALT_BYTES), engine, random)


def verify_signature(
    statement_der: bytes, signature: Signature, author: SignerCertificate, session: SessionCertificate
) -> Statement:
    """Check that author and session signed a statement.

    (1) the statement is read strictly;
    (2) it names these certificates, and the session's info has the author as member with that one;
    (3) the signature is of the session's scheme;
    (4) joint: it holds under N_author * N_session; separate: both hold, the author's by the algorithm of its key.

    Its caller MUST check the certificates themselves, the time, and what the statement says: ``verification`` does.

    Returns:
        The statement.

    Raises:
        MalformedInput: what ``Statement.from_der`` raises (1); KEY_IS_NO_HALF.
        VerificationFailed: as ``require_parties`` (2); SCHEME_WRONG (3); SIGNATURE_INVALID (4).
    """
    statement = Statement.from_der(statement_der)  # (1)
    require_parties(statement, author, session)  # (2)
    if isinstance(signature, JointSignature):
        require_scheme(session, Scheme.JOINT)  # (3)
        _check_joint(statement_der, signature, author, session)  # (4)
        return statement
    require_scheme(session, Scheme.SEPARATE)  # (3)
    if signature.algorithm is not algorithm_of(author.public_key):
        raise VerificationFailed("SIGNATURE_INVALID", "the signature is of another algorithm than the author's key")
    check_signature_alone(author.public_key, signature.signer, statement_der)  # (4)
    check_signature_alone(session.public_share().to_cryptography(), signature.session, statement_der)
    return statement


def require_parties(statement: Statement, author: SignerCertificate, session: SessionCertificate) -> None:
    """Check that a statement is by this author in this session.

    Raises:
        VerificationFailed: STATEMENT_OF_OTHER_CERTIFICATE: it names another author, session or certificate;
            AUTHOR_NOT_A_MEMBER: the session's info does not have the author with that certificate.
        WrongPurpose: a certificate is for encryption.
    """
    require_same_purpose(Purpose.SIGN, author, session)
    named = (statement.session_id, statement.session_certificate, statement.author, statement.author_certificate)
    if named != (session.info.session_id, session.fingerprint, author.name, author.fingerprint):
        raise VerificationFailed("STATEMENT_OF_OTHER_CERTIFICATE", "the statement names other certificates")
    members = {(each.name, each.sign_certificate) for each in session.info.members}
    if (author.name, author.fingerprint) not in members:
        raise VerificationFailed("AUTHOR_NOT_A_MEMBER", "the session's info does not have this author as a member")


def require_scheme(session: SessionCertificate, scheme: Scheme) -> None:
    """Check that the session is of that scheme.

    Raises:
        VerificationFailed: SCHEME_WRONG.
    """
    if session.info.scheme is not scheme:
        raise VerificationFailed(
            "SCHEME_WRONG", f"the session is of the {session.info.scheme} scheme", scheme=session.info.scheme
        )


def _check_joint(
    statement_der: bytes, signature: JointSignature, author: SignerCertificate, session: SessionCertificate
) -> None:
    key = _joint_verifying_key(author.public_share(), session.public_share())
    try:
        if len(signature.data) == key.key_size // 8:  # OpenSSL takes shorter ones as well
            padding, algorithm = JOINT_ALGORITHM.to_cryptography_padding(), JOINT_ALGORITHM.hash.to_cryptography()
            key.verify(signature.data, statement_der, padding, algorithm)
            return
    except InvalidSignature:
        pass  # refused below, as one of another length is
    raise VerificationFailed("SIGNATURE_INVALID", "the joint signature does not hold")


@lru_cache(maxsize=_KNOWN_KEYS)
def _joint_verifying_key(author: PublicShare, session: PublicShare) -> rsa.RSAPublicKey:
    """The joint public key, made once: OpenSSL keeps beside it what it computes for a modulus at the first use."""
    return JointPublicKey(author, session).to_cryptography()


@asn1.sequence
class SeparateSignatureStructure:
    """ASN.1 of two signatures side by side."""

    algorithm: int
    signer: bytes
    session: bytes


SignatureStructure = Annotated[bytes, asn1.Implicit(0)] | Annotated[SeparateSignatureStructure, asn1.Implicit(1)]
"""ASN.1 of Signature, for the structures that hold one."""


def signature_to_structure(signature: Signature) -> bytes | SeparateSignatureStructure:
    """The ASN.1 value."""
    if isinstance(signature, JointSignature):
        return signature.data
    return SeparateSignatureStructure(
        algorithm=signature.algorithm.number, signer=signature.signer, session=signature.session
    )


def signature_from_structure(read: bytes | SeparateSignatureStructure) -> Signature:
    """Read ``signature_to_structure``.

    Raises:
        MalformedInput: SIGNATURE_MALFORMED.
    """
    if isinstance(read, bytes):
        return JointSignature(read)
    der.require_that(read.algorithm in SIGNER_ALGORITHMS, "an unknown algorithm", reason=_SIGNATURE_REASON)
    return SeparateSignature(SIGNER_ALGORITHMS[read.algorithm], read.signer, read.session)
