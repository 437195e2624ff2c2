"""Which keys were announced to us as whose within the window, so that two of them for one claim are noticed.

::

    seen/<account>/keys/<user>.json     what was announced as that user, with the certificates; sealed
    seen/<account>/alarms/<alarm>.json  two keys that conflicted, and how the alarm stands; sealed

Of each user 32 announcements are remembered: of every key the first and the latest. Where there are more, the oldest of
the key with the most is forgotten: so whoever announces a lot forgets itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Final, Self

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.window import MAX_WINDOW, Conflict, Window, WindowLimits, are_in_conflict
from transparency.keys import VerifierKey
from wire.client.documents import Fields, Json, bytes_to_text, decode, encode

MAX_SEEN: Final = 32
_LIMITS: Final = WindowLimits(sightings=4 * MAX_SEEN, sightings_per_agent=4 * MAX_SEEN)
_KEPT_FOR: Final = MAX_WINDOW + CLOCK_DIFFERENCE


@dataclass(frozen=True, slots=True)
class SeenKey:
    """An announcement to us that was checked.

    Args:
        signed: the announcement.
        certificate: that it names, DER; empty: it is not known.
        time: when it was posted, UTC.
    """

    signed: SignedAnnouncement
    certificate: bytes
    time: datetime

    @property
    def key(self) -> bytes:
        """Fingerprint of the key."""
        return self.signed.announcement.key


@dataclass(frozen=True, slots=True)
class SeenKeys:
    """What was announced as one user, by time of posting."""

    keys: Sequence[SeenKey] = field(default_factory=tuple)

    @property
    def need_log(self) -> bool:
        """Whether the log's key is needed to check them."""
        return any(each.signed.announcement.need_log for each in self.keys)

    def certificate(self, fingerprint: bytes) -> bytes:
        """A certificate that came before; empty: none of that fingerprint did."""
        found = (each.certificate for each in self.keys if each.signed.announcement.certificate == fingerprint)
        return next(found, b"")

    def conflict(self, new: SeenKey, log_key: VerifierKey | None) -> tuple[SeenKey, SeenKey] | None:
        """The two that conflict, if one more comes. Raises as ``SignedAnnouncement.check``."""
        if all(each.key == new.key for each in self.keys):
            return None
        window = Window(_LIMITS)
        found: Conflict | None = None
        for each in (*self.keys, new):
            announcement = each.signed.announcement
            checked = each.signed.check(announcement.time, log_key)
            found = window.observe(checked, announcement.claim.user, each.time)
        if found is None:
            return None
        claim, other = found.claim, found.others[0].key
        of_claim = [each for each in (*self.keys, new) if each.signed.announcement.claim == claim]
        pairs = product(*([each for each in of_claim if each.key == key] for key in (other, new.key)))
        conflicting = (
            (one, two) for one, two in pairs if are_in_conflict(one.signed.announcement, two.signed.announcement)
        )
        return next(conflicting, None)

    def with_key(self, new: SeenKey) -> SeenKeys:
        """With one more."""
        kept = [each for each in self.keys if new.time - each.time <= _KEPT_FOR]
        same = [each for each in kept if _place(each) == _place(new)]
        kept = [each for each in kept if each not in same[1:]]
        kept.append(new)
        if len(kept) > MAX_SEEN:
            most = Counter(each.key for each in kept).most_common(1)[0][0]
            kept.remove(next(each for each in kept if each.key == most))
        return SeenKeys(tuple(sorted(kept, key=lambda each: each.time)))

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``: with whom somebody has to do concerns nobody."""
        return encode(
            {
                "announcements": [bytes_to_text(each.signed.to_der()) for each in self.keys],
                "certificates": [bytes_to_text(each.certificate) for each in self.keys],
                "times": [each.time.isoformat() for each in self.keys],
            }
        )

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        sealed = Fields(decode(secret))
        announcements = map(SignedAnnouncement.from_der, sealed.datas("announcements"))
        times = map(datetime.fromisoformat, sealed.texts("times"))
        found = zip(announcements, sealed.datas("certificates"), times, strict=True)
        keys = tuple(SeenKey(*each) for each in found)
        sealed.end()
        return cls(keys)


def _place(seen: SeenKey) -> tuple[str, bytes]:
    return seen.signed.announcement.claim.source, seen.key
