"""Judgement: which of the keys that claim one user are impostors', from what gateways remember; or undetermined.

A key has history with a gateway if it, or a key that was changed to it, was seen there more than the clocks' difference
before the first of the conflicting announcements. The rules, in their order:

 (1) the receiver's gateway or every sender's gateway did not answer: ``unanswered``;
 (2) what senders' gateways remember and what the receiver's does is not the same: ``contradicted``: one of them lies,
     or has forgotten;
 (3) no key has history: ``none-has-history``;
 (4) several have: ``several-have-history``;
 (5) one has: ``one-has-history``; the others are impostors.

Only (5) names anybody. After (1) to (4) everything stays held until a person decides: ``decided-by-person``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from contract import der
from contract.announcements.announcement import Announcement
from contract.announcements.claim import CLOCK_DIFFERENCE, check_party_name
from contract.announcements.history import HistoryFact
from contract.announcements.keys import require_fingerprints

_JUDGEMENT_REASON: Final = "JUDGEMENT_MALFORMED"


class Rule(StrEnum):
    """What decided. The value stands in decisions and in the log."""

    UNANSWERED = "unanswered"
    CONTRADICTED = "contradicted"
    NONE_HAS_HISTORY = "none-has-history"
    SEVERAL_HAVE_HISTORY = "several-have-history"
    ONE_HAS_HISTORY = "one-has-history"
    DECIDED_BY_PERSON = "decided-by-person"

    @property
    def decides(self) -> bool:
        """Whether it says who is genuine."""
        return self in {Rule.ONE_HAS_HISTORY, Rule.DECIDED_BY_PERSON}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was concluded about the keys of an alarm.

    Args:
        rule: that decided.
        genuine: fingerprints of the keys whose traffic is released, rising; none: undetermined, or none is genuine.
        impostors: of those that were forged, rising; none: undetermined, or all are genuine.
        decider: who decided, of the form of an agent's name; empty unless a person did.

    Raises:
        MalformedInput: JUDGEMENT_MALFORMED.
    """

    rule: Rule
    genuine: tuple[bytes, ...] = ()
    impostors: tuple[bytes, ...] = ()
    decider: str = ""

    def __post_init__(self) -> None:
        require_fingerprints(self.genuine, reason=_JUDGEMENT_REASON)
        require_fingerprints(self.impostors, reason=_JUDGEMENT_REASON)
        apart = set(self.genuine).isdisjoint(self.impostors)
        der.require_that(apart, "a key that is genuine and an impostor's", reason=_JUDGEMENT_REASON)
        by_person = self.rule is Rule.DECIDED_BY_PERSON
        if by_person:
            check_party_name(self.decider, reason=_JUDGEMENT_REASON)
            fits = bool(self.genuine or self.impostors)
        elif self.rule is Rule.ONE_HAS_HISTORY:
            fits = len(self.genuine) == 1 and bool(self.impostors)
        else:
            fits = not self.genuine and not self.impostors
        der.require_that(fits, "keys that do not fit its rule", reason=_JUDGEMENT_REASON)
        der.require_that(by_person or not self.decider, "a decider where none decided", reason=_JUDGEMENT_REASON)

    @property
    def is_determined(self) -> bool:
        """Whether it says who is genuine; otherwise everything stays held."""
        return self.rule.decides


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the keys that conflict.

    Args:
        key: fingerprint.
        earlier_keys: of the same holder, as proven key changes say: their history is this key's.
    """

    key: bytes
    earlier_keys: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, announcement: Announcement) -> Self:
        """The key of an announcement that was checked."""
        return cls(announcement.key, frozenset(proof.change.old_key for proof in announcement.changes))


def judge(
    candidates: Sequence[Candidate],
    first: datetime,
    receiver: Sequence[HistoryFact] | None,
    senders: Mapping[str, Sequence[HistoryFact]],
) -> Judgement:
    """Judge by the rules of this module.

    Args:
        candidates: every key that had the claim in the window, not only the two of the alarm.
        first: time of the first of their announcements.
        receiver: what the receiver's gateway has seen as such of user and destination; None: it did not answer.
        senders: what gateways that answered have seen as the sender's, by gateway.
    """
    if receiver is None or not senders:
        return Judgement(Rule.UNANSWERED)  # (1)
    received = _with_history(candidates, first, receiver)
    if received != _with_history(candidates, first, [fact for facts in senders.values() for fact in facts]):
        return Judgement(Rule.CONTRADICTED)  # (2)
    if not received:
        return Judgement(Rule.NONE_HAS_HISTORY)  # (3)
    if len(received) > 1:
        return Judgement(Rule.SEVERAL_HAVE_HISTORY)  # (4)
    impostors = {candidate.key for candidate in candidates} - received
    return Judgement(Rule.ONE_HAS_HISTORY, tuple(received), tuple(sorted(impostors)))  # (5)


def decide(decider: str, genuine: Iterable[bytes], impostors: Iterable[bytes]) -> Judgement:
    """What a person decided, in any order of keys.

    Raises:
        MalformedInput: JUDGEMENT_MALFORMED.
    """
    return Judgement(Rule.DECIDED_BY_PERSON, tuple(sorted(genuine)), tuple(sorted(impostors)), decider)


def _with_history(candidates: Sequence[Candidate], first: datetime, facts: Iterable[HistoryFact]) -> set[bytes]:
    before = {fact.identity.key for fact in facts if fact.first_time < first - CLOCK_DIFFERENCE}
    return {each.key for each in candidates if each.key in before or each.earlier_keys & before}
