"""Whether the parts of a message agree: statement, header, certificates, description and content.

Each function makes one check and raises VerificationFailed, with the reason that reports give. ``verification`` and
``bundle_verification`` make reports of them; ``evidence_record`` lets the evidence server refuse by them.
"""

from __future__ import annotations

from contract.certificates import SessionCertificate
from contract.description import ContentDescription
from contract.envelope import EnvelopeHeader
from contract.errors import VerificationFailed
from contract.session_info import SessionInfo
from contract.statement import Statement
from mpc.four_prime_rsa import Purpose


def require_same_session(session_id: str, *others: str) -> None:
    """Raise SESSION_WRONG unless all ids of a session are the same."""
    if any(other != session_id for other in others):
        raise VerificationFailed("SESSION_WRONG", "statement, envelope and certificate are not of one session")


def require_in_time(statement: Statement, info: SessionInfo) -> None:
    """Raise TIME_OUTSIDE_SESSION unless begin <= time < end."""
    if not info.begin <= statement.time < info.end:
        raise VerificationFailed("TIME_OUTSIDE_SESSION", "the statement's time is not in the session's")


def require_members(statement: Statement, info: SessionInfo) -> None:
    """Raise AUTHOR_NOT_A_MEMBER or RECIPIENT_NOT_A_MEMBER unless all are, with those certificates."""
    signing = {(each.name, each.sign_certificate) for each in info.members}
    opening = {(each.name, each.encrypt_certificate) for each in info.members}
    if (statement.author, statement.author_certificate) not in signing:
        raise VerificationFailed("AUTHOR_NOT_A_MEMBER", "the session's info does not have this author as a member")
    if any((each.name, each.encrypt_certificate) not in opening for each in statement.recipients):
        raise VerificationFailed("RECIPIENT_NOT_A_MEMBER", "the session's info does not have a recipient as a member")


def require_same_people(statement: Statement, header: EnvelopeHeader) -> None:
    """Raise ENVELOPE_MISMATCHED unless the envelope is by that author, and for those recipients."""
    named = (header.author, header.core.recipients)
    if named != (statement.author, tuple(each.name for each in statement.recipients)):
        raise VerificationFailed("ENVELOPE_MISMATCHED", "statement and envelope name different people")


def require_envelope_certificate(
    header: EnvelopeHeader, encrypting: SessionCertificate, signing: SessionCertificate
) -> None:
    """Raise ENVELOPE_CERTIFICATE_WRONG unless the header names that certificate, and it is of the same session.

    Args:
        header: of the envelope.
        encrypting: the session's certificate for encryption; may be of another revision.
        signing: the session's certificate for signing that the statement names.
    """
    named = encrypting.fingerprint == header.session_certificate and encrypting.purpose is Purpose.DECRYPT
    fixed = (encrypting.info.session_id, encrypting.info.scheme, encrypting.info.half_bits)
    if not named or fixed != (signing.info.session_id, signing.info.scheme, signing.info.half_bits):
        raise VerificationFailed(
            "ENVELOPE_CERTIFICATE_WRONG", "the envelope's session certificate is of another session or purpose"
        )


def require_description(statement: Statement, description: ContentDescription) -> None:
    """Raise DESCRIPTION_WRONG unless it is the one that the statement commits to."""
    if description.commitment != statement.description:
        raise VerificationFailed("DESCRIPTION_WRONG", "the statement commits to another description")


def require_content(description: ContentDescription, length: int, digest: bytes) -> None:
    """Raise CONTENT_WRONG unless the content is the one described.

    Args:
        description: of the content.
        length: bytes of the content.
        digest: SHA-256 of it, 32 bytes.
    """
    if (description.length, description.digest) != (length, digest):
        raise VerificationFailed("CONTENT_WRONG", "the content is not the one that is described")
