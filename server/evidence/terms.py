"""What an operator decides about evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from wire.stamp_authority import StampAuthority


@dataclass(frozen=True, slots=True)
class EvidenceTerms:
    """Terms.

    Args:
        quota_bytes: content of one account that is kept or being uploaded.
        upload_lifetime: after which an upload that no record names is deleted.
        opened: messages whose certificates stay in memory.
        retention: after which the content of a record is deleted; None: never.
        stamp_authority: that stamps checkpoints; None: nobody does.
        stamp_interval: from one time stamp to the next, at least.
    """

    quota_bytes: int
    upload_lifetime: timedelta
    opened: int
    retention: timedelta | None
    stamp_authority: StampAuthority | None
    stamp_interval: timedelta
