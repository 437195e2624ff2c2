"""The window: which keys were announced for which claim within the last minutes, and which of them conflict.

Bounded by configuration, whoever announces: one key for one claim is a sighting, of the same few bytes whatever its
size. Time is in buckets: what was not seen again is forgotten with its bucket, all at once, so an announcement costs
about the same among a thousand claims and among a million. Nothing is forgotten early: a sighting is kept for the
window and the clocks' difference.

Only a ``CheckedAnnouncement`` counts, so every conflicting key has signed. Sightings are charged to the agent that
brought them. Each has room for so many, and the last quarter is open only to agents that have few: whoever floods is
refused itself, and pushes out nobody. Who is refused here MUST be refused its envelope: what is not remembered would
conflict with nothing.

Two keys for one claim conflict unless a proven change leads from one to the other. After it the old key is excused as
long as it announces nothing that is of more than two minutes later: such announcements were on their way, or are by a
clock that is behind. A change from a third key excuses nothing.

After a restart, observe again what was stored, in its order and at the times at which it came.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from contract import der
from contract.announcements.announcement import MAX_DELAY, Announcement, CheckedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE, Claim
from contract.announcements.key_change import KeyChange
from contract.errors import GuardRefused

MIN_WINDOW: Final = timedelta(minutes=5)
"""Shortest window."""
MAX_WINDOW: Final = timedelta(minutes=10)
"""Longest window, and the one that is used unless told otherwise."""
MAX_KEYS: Final = 8
"""Most keys of one claim that are remembered. A further one conflicts with those."""
MAX_APART: Final = MAX_WINDOW + 3 * CLOCK_DIFFERENCE + MAX_DELAY
"""How far the times that conflicting announcements say of themselves may be apart."""

_BUCKETS: Final = 12
_PLACE_BYTES: Final = 16  # of a claim's digest: nobody finds two claims of one place
_PACKED: Final = struct.Struct(">32s32sQQQQQ")
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How much a window remembers, and for how long.

    Args:
        window: within which two keys are a conflict: 5 to 10 minutes.
        sightings: most of all agents.
        sightings_per_agent: most of one.
        reserved_per_agent: of one, while the last quarter fills.

    Raises:
        MalformedInput: CLAIM_MALFORMED: not 1 <= reserved <= per agent <= sightings, or another window.
    """

    window: timedelta = MAX_WINDOW
    sightings: int = 1_500_000
    sightings_per_agent: int = 1_000
    reserved_per_agent: int = 16

    def __post_init__(self) -> None:
        rising = 1 <= self.reserved_per_agent <= self.sightings_per_agent <= self.sightings
        fits = rising and MIN_WINDOW <= self.window <= MAX_WINDOW
        der.require_that(fits, "limits of a window that do not fit each other", reason="CLAIM_MALFORMED")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One key for one claim.

    Args:
        key: fingerprint, 32 bytes.
        announcement: digest of the latest by that key, by its own time.
        first_time: of the first announcement by that key that is remembered.
        latest_time: of the latest.
    """

    key: bytes
    announcement: bytes
    first_time: datetime
    latest_time: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """Keys for one claim of which at most one is genuine. Told again with every announcement, until they are forgotten.

    Args:
        claim: of all.
        observed: the key that was announced just now.
        others: the keys that it conflicts with, the one that was seen first in front.
        first: time of the first of their announcements within the window: ``judgement.judge`` asks what was before.
    """

    claim: Claim
    observed: Sighting
    others: tuple[Sighting, ...]
    first: datetime

    @property
    def alarm_id(self) -> str:
        """The name of the alarm about this key and the one that was seen first."""
        return self.claim.alarm_id(self.observed.key, self.others[0].key)


def are_in_conflict(one: Announcement, other: Announcement) -> bool:
    """Whether two announcements by themselves are a conflict: for whoever is shown them, and has no window.

    Args:
        one: checked, as the other.
        other: in any order.
    """
    if one.claim != other.claim or one.key == other.key or abs(one.time - other.time) > MAX_APART:
        return False
    return not (_excuses(one, other) or _excuses(other, one))


def _excuses(new: Announcement, old: Announcement) -> bool:
    changes = (proof.change for proof in new.changes)
    return any(each.old_key == old.key and old.time <= each.time + CLOCK_DIFFERENCE for each in changes)


class Window:
    """What is remembered. Not safe for threads.

    Args:
        limits: of it.
    """

    def __init__(self, limits: WindowLimits) -> None:
        self._limits = limits
        self._window = limits.window // _SECOND
        self._keep = (limits.window + CLOCK_DIFFERENCE) // _SECOND
        self._length = -(-self._keep // _BUCKETS)
        self._buckets: deque[_Bucket] = deque()  # newest first
        self._charges: dict[int, int] = {}
        self._count = 0
        self._now = 0

    def __len__(self) -> int:
        """How many sightings there are, at most as many as the limits say."""
        return self._count

    def observe(
        self, checked: CheckedAnnouncement, agent: str, now: datetime, decided: KeyChange | None = None
    ) -> Conflict | None:
        """Take an announcement in.

        Args:
            checked: the announcement.
            agent: name of the agent that brought it, as its channel proved it: who is charged.
            now: when it came, by our clock; aware. A clock that goes back stands still.
            decided: a change to this key that the observer knows of by itself.

        Returns:
            What its key conflicts with; None: with nothing.

        Raises:
            GuardRefused: TOO_MANY_ANNOUNCEMENTS: nothing was remembered of it, and nothing conflicts with it.
        """
        self._advance(now)
        announcement = checked.announcement
        claim = announcement.claim
        place = _place(claim)
        home = next((bucket for bucket in self._buckets if place in bucket.entries), None)
        stored = {} if home is None else {each.key: each for each in _unpack(home.entries[place])}
        seen = {key: each for key, each in stored.items() if each.seen >= self._now - self._keep}
        before = frozenset(seen)
        owner, time = _number(agent), _seconds(announcement.time)
        key = announcement.key
        known = seen.get(key) or _Packed(key, b"", time, 0, 0, 0, owner)
        seen[key] = known = known.announced(checked.digest, time, self._now)
        for change in (decided, *(proof.change for proof in announcement.changes)):
            if change is not None:
                old = change.old_key
                replaced = seen.get(old) or _Packed(old, b"", 0, 0, 0, self._now, owner)
                seen[old] = replaced.superseded_at(_seconds(change.time))
        others = [each for each in seen.values() if each.is_live and each.key != key]
        remembered = self._admitted(seen, before, owner)
        if key not in remembered and not others:
            raise GuardRefused("TOO_MANY_ANNOUNCEMENTS", "the agent has announced too much", agent=agent)
        self._keep_entry(place, home, stored, remembered)
        return self._conflict(claim, known, others) if others and known.is_live else None

    def _conflict(self, claim: Claim, known: _Packed, others: list[_Packed]) -> Conflict:
        first = max(min(each.first for each in (known, *others)), known.latest - self._window)
        others.sort(key=lambda each: (each.first, each.key))
        return Conflict(claim, known.to_sighting(), tuple(each.to_sighting() for each in others), _time(first))

    def _admitted(self, seen: dict[bytes, _Packed], before: frozenset[bytes], owner: int) -> dict[bytes, _Packed]:
        """What of it there is room for: what was there before, and what the agent that brings it may add."""
        limits = self._limits
        room = limits.sightings - self._count
        most = limits.sightings_per_agent if 4 * room > limits.sightings else limits.reserved_per_agent
        room = min(room, most - self._charges.get(owner, 0))
        remembered: dict[bytes, _Packed] = {}
        for key, each in seen.items():
            if key not in before:
                room -= 1
                if room < 0 or len(remembered) >= MAX_KEYS:
                    continue
            remembered[key] = each
        return remembered

    def _keep_entry(
        self, place: bytes, home: _Bucket | None, stored: dict[bytes, _Packed], remembered: dict[bytes, _Packed]
    ) -> None:
        """Move an entry to the newest bucket, as it is now."""
        newest = self._buckets[0]
        if home is not None:
            del home.entries[place]
            for each in stored.values():
                self._charge(home, each.owner, -1)
        newest.entries[place] = b"".join(each.pack() for each in remembered.values())
        for each in remembered.values():
            self._charge(newest, each.owner, 1)

    def _charge(self, bucket: _Bucket, owner: int, count: int) -> None:
        for charges in (bucket.charges, self._charges):
            left = charges.get(owner, 0) + count
            if left:
                charges[owner] = left
            else:
                charges.pop(owner, None)
        self._count += count

    def _advance(self, now: datetime) -> None:
        """Forget the buckets that nothing can conflict with any more, and begin a new one when it is time."""
        self._now = max(self._now, _seconds(now))
        number = self._now // self._length
        if not self._buckets or number > self._buckets[0].number:
            self._buckets.appendleft(_Bucket(number))
        while self._buckets[-1].number < number - _BUCKETS:
            forgotten = self._buckets.pop()
            for owner, count in list(forgotten.charges.items()):
                self._charge(forgotten, owner, -count)


@dataclass(slots=True)
class _Bucket:
    """What was seen last within a twelfth of the time. ``charges``: sightings of each agent in it."""

    number: int
    entries: dict[bytes, bytes] = field(default_factory=dict)
    charges: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A sighting as it is stored; times in seconds since 1970.

    Args:
        first, latest: of its announcements; latest 0: it was only named as the old key of a change.
        superseded: when another key took its place; 0: none did.
        seen: when it came last, by our clock.
        owner: the agent that is charged.
    """

    key: bytes
    digest: bytes
    first: int
    latest: int
    superseded: int
    seen: int
    owner: int

    @property
    def is_live(self) -> bool:
        """Whether it was announced, and not only before another took its place."""
        excused = self.superseded and self.latest <= self.superseded + CLOCK_DIFFERENCE // _SECOND
        return self.latest > 0 and not excused

    def announced(self, digest: bytes, time: int, now: int) -> _Packed:
        """With one more announcement."""
        first = min(self.first or time, time)
        if time >= self.latest:
            return replace(self, digest=digest, first=first, latest=time, seen=now)
        return replace(self, first=first, seen=now)

    def superseded_at(self, time: int) -> _Packed:
        """After a change to another key; if there are several, the latest counts."""
        return replace(self, superseded=max(self.superseded, time))

    def pack(self) -> bytes:
        """104 bytes."""
        times = (self.first, self.latest, self.superseded, self.seen)
        return _PACKED.pack(self.key, self.digest, *times, self.owner)

    def to_sighting(self) -> Sighting:
        """For who is told."""
        return Sighting(self.key, self.digest, _time(self.first), _time(self.latest))


def _unpack(entry: bytes) -> Iterator[_Packed]:
    return (_Packed(*values) for values in _PACKED.iter_unpack(entry))


def _place(claim: Claim) -> bytes:
    text = f"{claim.source} {claim.user} {claim.destination}"  # no space is in any of them
    return hashlib.sha256(text.encode()).digest()[:_PLACE_BYTES]


def _number(agent: str) -> int:
    return int.from_bytes(hashlib.sha256(agent.encode()).digest()[:8])


def _seconds(time: datetime) -> int:
    return (time - _EPOCH) // _SECOND


def _time(seconds: int) -> datetime:
    return _EPOCH + seconds * _SECOND
