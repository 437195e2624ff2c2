"""What the words of a grant allow: whether a use is one of those that it was given for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from contract.trusteeship.grants import GrantRequest
from contract.trusteeship.uses import UseRequest


class RefusalCause(StrEnum):
    """Why a use is refused, or is recorded as abandoned. The value stands in the record, as its detail."""

    GRANT_NOT_APPROVED = "GRANT_NOT_APPROVED"
    GRANT_SUSPENDED = "GRANT_SUSPENDED"
    GRANT_REFUSED = "GRANT_REFUSED"
    GRANT_REVOKED = "GRANT_REVOKED"
    GRANT_NOT_BEGUN = "GRANT_NOT_BEGUN"
    GRANT_ENDED = "GRANT_ENDED"
    GRANT_USED_UP = "GRANT_USED_UP"
    KEY_OUTSIDE_GRANT = "KEY_OUTSIDE_GRANT"
    PURPOSE_OUTSIDE_GRANT = "PURPOSE_OUTSIDE_GRANT"
    KIND_OUTSIDE_GRANT = "KIND_OUTSIDE_GRANT"
    DIGEST_OUTSIDE_GRANT = "DIGEST_OUTSIDE_GRANT"
    OPERATION_NOT_OF_KEY = "OPERATION_NOT_OF_KEY"
    KEY_CERTIFICATE_ENDED = "KEY_CERTIFICATE_ENDED"
    RECORD_NOT_SIGNED = "RECORD_NOT_SIGNED"


def find_cause(grant: GrantRequest, use: UseRequest, time: datetime) -> RefusalCause | None:
    """Why a grant's words do not allow a use at a time; None if they do.

    That the use names this grant, its organisation and its user, and how the grant stands, is the caller's to check.
    """
    kinds, digests = grant.document_kinds, grant.digests
    found = {
        RefusalCause.KEY_OUTSIDE_GRANT: use.key_id != grant.key_id,
        RefusalCause.PURPOSE_OUTSIDE_GRANT: use.operation.purpose is not grant.purpose,
        RefusalCause.GRANT_NOT_BEGUN: time < grant.begin,
        RefusalCause.GRANT_ENDED: time >= grant.end,
        RefusalCause.KIND_OUTSIDE_GRANT: bool(kinds) and use.document_kind not in kinds,
        RefusalCause.DIGEST_OUTSIDE_GRANT: bool(digests) and use.limited_digest not in digests,
    }
    return next((cause for cause, applies in found.items() if applies), None)
