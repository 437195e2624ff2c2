"""Takes announcements that gateways tell of, and finds conflicts.

What is cheap comes first: how much a gateway has told, how much of an agent's did not hold; then signatures, in a
worker; then, in one transaction, certificates, the black list and the window.

The window is in this process's memory. What it rests on stands in the database: a claim's announcements that another
process took in, or this one before it died, are shown to it before the next one of that claim.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.announcements.announcement import Announcement, CheckedAnnouncement, SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE, check_party_name
from contract.announcements.failures import MAX_FAILURES_OF_GATEWAY, Failures
from contract.announcements.key_change import KeyChange
from contract.announcements.window import Conflict, Window, are_in_conflict
from contract.errors import GuardRefused
from mpc.engines import Random
from mpc.errors import FoursealError, MalformedInput
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.guard.account_alarms import take_proof
from server.guard.key_changes import recent_changes
from server.guard.steps import raise_from
from server.guard.store.announcements import AnnouncementRow, list_of_place, place_of, put_announcement
from server.guard.terms import GuardLog, GuardTerms, Turn
from server.identity import (
    CertificateProfile,
    Gateway,
    IssuedCertificate,
    ListedKind,
    RevocationReason,
    find_certificate,
    find_listed,
    require_admitted,
)
from server.storage import Database, Threads
from transparency.keys import VerifierKey
from wire.catalogue import ServiceError

MAX_REPORTED: Final = 100
"""Most announcements in one report."""
_KEEPER_BYTES: Final = 16
_PERIOD: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reported:
    """An announcement, and who brought it.

    Args:
        announcement: DER of SignedAnnouncement.
        agent: name of the agent, as the gateway says.
    """

    announcement: bytes
    agent: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Args:
        reason: why it was passed over; empty: it was taken.
        alarm_id: of the conflict that it makes; empty: none.
    """

    reason: str = ""
    alarm_id: str = ""


@dataclass(frozen=True, slots=True)
class _Held:
    """An announcement whose signature holds."""

    signed: SignedAnnouncement
    checked: CheckedAnnouncement
    brought_by: str


class Rates:
    """How much each gateway has told in the present minute; when a new one begins, all is forgotten.

    Args:
        most: of each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._period = 0
        self._counts: Counter[str] = Counter()

    def require_room(self, gateway: str, count: int, now: datetime) -> None:
        """Count some more.

        Raises:
            ServiceError: TOO_MANY_REPORTS: they were not counted.
        """
        period = (now - _EPOCH) // _PERIOD
        if period != self._period:
            self._period = period
            self._counts.clear()
        if self._counts[gateway] + count > self._most:
            left = _PERIOD - (now - _EPOCH) % _PERIOD
            seconds = -(-left // timedelta(seconds=1))
            raise ServiceError("TOO_MANY_REPORTS", gateway=gateway, seconds=seconds)
        self._counts[gateway] += count


class Reports:
    """Takes announcements. Its window belongs to the thread that writes to the database.

    Args:
        database: where everything is.
        workers: threads that check signatures.
        log_key: of the log that shows changes which the registration authority decided.
        terms: of the guard.
        window: what this process remembers.
        random: randomness.
        clock: the time.
        log: is told of what happens.
    """

    def __init__(
        self,
        database: Database,
        workers: Threads,
        log_key: VerifierKey,
        terms: GuardTerms,
        window: Window,
        random: Random,
        clock: Clock,
        log: GuardLog,
    ) -> None:
        self._database = database
        self._workers = workers
        self._log_key = log_key
        self._terms = terms
        self._clock = clock
        self._log = log
        self._keeper = random(_KEEPER_BYTES)
        self._window = window
        self._rates = Rates(terms.announcements_per_minute)
        self._failures = Failures()
        self._failures_of_gateways = Failures(MAX_FAILURES_OF_GATEWAY)
        self._failures_lock = threading.Lock()

    async def report(self, gateway: Gateway, reported: Sequence[Reported]) -> list[Result]:
        """Take what a gateway tells of; a result for each.

        Raises:
            ServiceError: BATCH_SIZE_WRONG, GATEWAY_SHUT_OUT, TOO_MANY_REPORTS, STORAGE_UNAVAILABLE.
        """
        if not 1 <= len(reported) <= MAX_REPORTED:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_REPORTED, found=len(reported))
        self._rates.require_room(gateway.name, len(reported), self._clock())
        screened = await self._workers.run(self._screen, gateway.name, reported)
        if any(isinstance(each, _Held) for each in screened):
            turn, results = await self._database.write(partial(self._take, gateway=gateway.name, screened=screened))
            self._log.tell(turn)
        else:
            results = [each if isinstance(each, Result) else Result() for each in screened]
        refused = Counter(result.reason for result in results if result.reason)
        self._log.count("announcements_taken", len(results) - refused.total())
        for reason, count in refused.items():
            self._log.count("announcements_refused", count, reason)
        if refused:
            self._log.info("announcements_passed_over", gateway=gateway.name, **refused)
        return results

    def _screen(self, gateway: str, reported: Sequence[Reported]) -> list[_Held | Result]:
        now = self._clock()
        return [self._check(gateway, each, now) for each in reported]

    def _check(self, gateway: str, reported: Reported, now: datetime) -> _Held | Result:
        """Check what one says by itself. What does not hold is charged to the agent at this gateway, nowhere else.

        What no gateway may tell of is charged to the gateway, too: it could name another agent each time.
        """
        brought_by = f"{gateway} {reported.agent}"
        try:
            check_party_name(reported.agent, reason="ANNOUNCEMENT_MALFORMED")
            with self._failures_lock:
                self._failures_of_gateways.require_few(gateway, now)
                self._failures.require_few(brought_by, now)
        except FoursealError as error:
            return Result(error.reason)
        try:
            signed = SignedAnnouncement.from_der(reported.announcement)
            return _Held(signed, signed.check(now, self._log_key), brought_by)
        except FoursealError as error:
            with self._failures_lock:
                self._failures.failed(brought_by, now)
                if _is_refused_by_gateways(error):
                    self._failures_of_gateways.failed(gateway, now)
            return Result(error.reason)

    def _take(
        self, connection: Connection, gateway: str, screened: Sequence[_Held | Result]
    ) -> tuple[Turn, list[Result]]:
        require_admitted(connection, gateway)
        turn = Turn(connection, self._terms, self._clock())
        announced = [each.checked.announcement for each in screened if isinstance(each, _Held)]
        known = {name: find_certificate(connection, name) for name in {each.certificate for each in announced}}
        keys = {each.key.hex() for each in announced}
        listed = {bytes.fromhex(each.value) for each in find_listed(connection, ListedKind.KEY, keys)}
        decided = recent_changes(connection, turn.now)
        results = list[Result]()
        for each in screened:
            if isinstance(each, Result):
                results.append(each)
            elif not _is_certified(each.checked.announcement, known, turn.now):
                results.append(Result("ANNOUNCEMENT_OF_OTHER_CERTIFICATE"))
            elif each.checked.announcement.key in listed:
                results.append(Result("KEY_BLACK_LISTED"))
            else:
                results.append(self._take_one(turn, each, decided))
        return turn, results

    def _take_one(self, turn: Turn, held: _Held, decided: Mapping[bytes, KeyChange]) -> Result:
        announcement = held.checked.announcement
        place = place_of(announcement.claim)
        since = turn.now - self._terms.window.window - CLOCK_DIFFERENCE
        kept = {row.key: row for row in list_of_place(turn.connection, place, since)}
        try:
            for row in kept.values():
                if row.key != announcement.key and (row.keeper != self._keeper or row.key in decided):
                    self._window.observe(_checked_before(row), row.brought_by, turn.now, decided.get(row.key))
            change = decided.get(announcement.key)
            conflict = self._window.observe(held.checked, held.brought_by, turn.now, change)
        except GuardRefused as refusal:
            return Result(refusal.reason)
        before = kept.get(announcement.key)
        row = AnnouncementRow(
            place,
            announcement.key,
            held.signed.to_der(),
            held.brought_by,
            announcement.time if before is None else min(before.first_time, announcement.time),
            turn.now,
            self._keeper,
        )
        put_announcement(turn.connection, row)
        for proof in announcement.changes:
            take_proof(turn.connection, proof.change, turn.now)
        if conflict is None:
            return Result()
        listed = find_listed(turn.connection, ListedKind.KEY, {each.key.hex() for each in conflict.others})
        refused = {each.value for each in listed}
        others = tuple(each for each in conflict.others if each.key.hex() not in refused)
        if not others:
            return Result()  # impostors who were named before: nobody is held for them once more
        conflict = replace(conflict, others=others)
        try:
            return _raise(turn, conflict, held.signed, {**kept, row.key: row})
        except ServiceError as refusal:
            return Result(refusal.reason)


def _is_refused_by_gateways(error: FoursealError) -> bool:
    """Whether a gateway sees the same as the guard: not where it counts when it came, or what else is known."""
    return isinstance(error, MalformedInput) or error.reason == "SIGNATURE_INVALID"


def _is_certified(announcement: Announcement, known: Mapping[bytes, IssuedCertificate | None], now: datetime) -> bool:
    """Whether the certificate is one that this server issued to that account for that key, and still holds.

    One that was superseded counts: who gets into a login has a new pair issued, and that supersedes the genuine one.
    """
    issued = known[announcement.certificate]
    if issued is None or now > issued.expire_time:
        return False
    if issued.revocation_reason not in {None, RevocationReason.SUPERSEDED}:
        return False
    says = (announcement.claim.user, announcement.key, Purpose.SIGN, CertificateProfile.SIGNER)
    return says == (issued.account, issued.key_sha256, issued.purpose, issued.profile)


def _raise(turn: Turn, conflict: Conflict, new: SignedAnnouncement, kept: dict[bytes, AnnouncementRow]) -> Result:
    """Raise the alarm of a conflict, if both announcements are at hand and show it to whoever has no window."""
    other = kept.get(conflict.others[0].key)
    if other is None:
        return Result()
    announcements = {key: SignedAnnouncement.from_der(row.announcement) for key, row in kept.items()}
    announcements[new.announcement.key] = new
    if not are_in_conflict(new.announcement, announcements[other.key].announcement):
        return Result()
    keys = {conflict.observed.key, *(each.key for each in conflict.others)} & announcements.keys()
    earliest = min(kept[key].first_time for key in keys)
    begin = new.announcement.time - turn.terms.window.window
    conflict = replace(conflict, first=max(min(conflict.first, earliest), begin))
    return Result(alarm_id=raise_from(turn, conflict, {key: announcements[key] for key in keys}))


def _checked_before(row: AnnouncementRow) -> CheckedAnnouncement:
    """An announcement that was checked when it was taken in."""
    announcement = SignedAnnouncement.from_der(row.announcement).announcement
    return CheckedAnnouncement(announcement, announcement.digest)
