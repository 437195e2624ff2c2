"""What control messages say, each kind a structure of its own. ``control`` signs and sends them.

==========  =======================================================================  ==============================
kind        says                                                                     who says it
==========  =======================================================================  ==============================
block       hold what the claim's user sends to its destination: two keys conflict   guard; receiver in peer mode
check       who has sent as this user to this destination before?                    guard; receiver's gateway
feedback    what a gateway remembers of that                                         gateway
decision    what was concluded, and by what rule                                     guard, gateway, receiver
unblock     release what these keys sent, put aside what those sent                  guard, receiver
warning     these are impostors: their keys and channels are black-listed            guard, gateway
==========  =======================================================================  ==============================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.announcement import MAX_ANNOUNCEMENT_BYTES, SignedAnnouncement
from contract.announcements.history import HistoryFact, HistoryFactStructure, Identity, IdentityStructure
from contract.announcements.judgement import Judgement, Rule
from contract.announcements.keys import require_fingerprints
from contract.announcements.window import are_in_conflict
from transparency.keys import VerifierKey

MAX_CONTENT_BYTES: Final = 2 * MAX_ANNOUNCEMENT_BYTES + 64
"""Longest content that is looked at."""
MAX_FACTS: Final = 64
"""Most facts, or identities, in one content."""
REASON: Final = "CONTROL_MALFORMED"
"""Of every control message that is refused."""


class Side(StrEnum):
    """In which place a gateway has seen something."""

    SENDER = "sender"
    """Its own agents sent it."""
    RECEIVER = "receiver"
    """It was for its own agents."""


@dataclass(frozen=True, slots=True)
class Block:
    """Hold what the user sends to the destination, whichever key it is of. Blocking twice is blocking once.

    Args:
        announcements: the two that conflict: ``window.are_in_conflict``.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    announcements: tuple[SignedAnnouncement, SignedAnnouncement]

    def __post_init__(self) -> None:
        one, other = (each.announcement for each in self.announcements)
        der.require_that(are_in_conflict(one, other), "announcements that do not conflict", reason=REASON)

    @property
    def alarm_id(self) -> str:
        """The alarm that the two make."""
        one, other = (each.announcement for each in self.announcements)
        return one.claim.alarm_id(one.key, other.key)

    def check(self, log_key: VerifierKey | None) -> None:
        """Check that both keys have signed. Whoever holds traffic makes sure of that itself.

        Args:
            log_key: of the log that shows changes which the registration authority decided; None: not known.

        Raises:
            VerificationFailed: SIGNATURE_INVALID, KEY_CHANGE_UNPROVEN.
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        for signed in self.announcements:
            signed.check(signed.announcement.time, log_key)

    def to_der(self) -> bytes:
        """DER of Block: docs/formats.md."""
        one, other = self.announcements
        return der.write_structure(_Block(one=one.to_der(), other=other.to_der()))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does, and what ``SignedAnnouncement.from_der`` raises."""
        read = der.read_structure(_Block, data, MAX_CONTENT_BYTES, reason=REASON)
        block = cls((SignedAnnouncement.from_der(read.one), SignedAnnouncement.from_der(read.other)))
        der.require_canonical(data, block.to_der(), reason=REASON)
        return block


@dataclass(frozen=True, slots=True)
class Check:
    """Tell what you remember of the claim's user and destination."""

    def to_der(self) -> bytes:
        """DER of Check: an empty SEQUENCE."""
        return der.write_structure(_Check())

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: CONTROL_MALFORMED.
        """
        der.read_structure(_Check, data, MAX_CONTENT_BYTES, reason=REASON)
        return cls()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a gateway remembers.

    Args:
        side: in which place it has seen that.
        facts: at most 64.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    side: Side
    facts: tuple[HistoryFact, ...]

    def __post_init__(self) -> None:
        der.require_that(len(self.facts) <= MAX_FACTS, f"more than {MAX_FACTS} facts", reason=REASON)

    @classmethod
    def of(cls, side: Side, facts: Iterable[HistoryFact]) -> Self:
        """The earliest fact of each key, then the others as long as there is room; the earliest first.

        Only the earliest of a key decides. Whoever uses one key on a hundred channels hides no other key by that.
        """
        ordered = sorted(facts, key=lambda fact: fact.first_time)
        earliest = {fact.identity.key: fact for fact in reversed(ordered)}
        chosen = sorted(ordered, key=lambda fact: fact is not earliest[fact.identity.key])[:MAX_FACTS]
        return cls(side, tuple(sorted(chosen, key=lambda fact: fact.first_time)))

    def to_der(self) -> bytes:
        """DER of Feedback: docs/formats.md."""
        facts = [fact.to_structure() for fact in self.facts]
        return der.write_structure(_Feedback(side=self.side.value, facts=facts))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; HISTORY_MALFORMED."""
        read = der.read_structure(_Feedback, data, MAX_CONTENT_BYTES, reason=REASON)
        der.require_that(read.side in frozenset(Side), "this side does not exist", reason=REASON)
        feedback = cls(Side(read.side), tuple(HistoryFact.from_structure(fact) for fact in read.facts))
        der.require_canonical(data, feedback.to_der(), reason=REASON)
        return feedback


@dataclass(frozen=True, slots=True)
class Decision:
    """What was concluded: by a rule from the gateways' histories, or by a person.

    Args:
        judgement: about the keys.
        impostors: on which channels the impostors' keys were used, as far as gateways know; at most 64.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    judgement: Judgement
    impostors: tuple[Identity, ...]

    def __post_init__(self) -> None:
        _require_few(self.impostors)
        named = {identity.key for identity in self.impostors} <= set(self.judgement.impostors)
        der.require_that(named, "a channel of a key that is no impostor's", reason=REASON)

    def to_der(self) -> bytes:
        """DER of Decision: docs/formats.md."""
        judgement = self.judgement
        return der.write_structure(
            _Decision(
                rule=judgement.rule.value,
                genuine=list(judgement.genuine),
                impostors=list(judgement.impostors),
                decider=judgement.decider,
                channels=[identity.to_structure() for identity in self.impostors],
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; JUDGEMENT_MALFORMED, HISTORY_MALFORMED."""
        read = der.read_structure(_Decision, data, MAX_CONTENT_BYTES, reason=REASON)
        der.require_that(read.rule in frozenset(Rule), "this rule does not exist", reason=REASON)
        judgement = Judgement(Rule(read.rule), tuple(read.genuine), tuple(read.impostors), read.decider)
        decision = cls(judgement, tuple(Identity.from_structure(each) for each in read.channels))
        der.require_canonical(data, decision.to_der(), reason=REASON)
        return decision


@dataclass(frozen=True, slots=True)
class Unblock:
    """Let go what this alarm held. Other alarms may go on holding it.

    Args:
        release: keys whose traffic goes on in its order, rising.
        quarantine: keys whose traffic is kept as evidence and never goes on, rising.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    release: tuple[bytes, ...]
    quarantine: tuple[bytes, ...]

    def __post_init__(self) -> None:
        require_fingerprints(self.release, reason=REASON)
        require_fingerprints(self.quarantine, reason=REASON)
        apart = set(self.release).isdisjoint(self.quarantine)
        der.require_that(apart, "a key that is released and put aside", reason=REASON)
        der.require_that(self.release or self.quarantine, "no key", reason=REASON)

    def to_der(self) -> bytes:
        """DER of Unblock: docs/formats.md."""
        return der.write_structure(_Unblock(release=list(self.release), quarantine=list(self.quarantine)))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_Unblock, data, MAX_CONTENT_BYTES, reason=REASON)
        unblock = cls(tuple(read.release), tuple(read.quarantine))
        der.require_canonical(data, unblock.to_der(), reason=REASON)
        return unblock


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """Who was found to be an impostor, for gateways that were not concerned.

    Args:
        impostors: 1 to 64.

    Raises:
        MalformedInput: CONTROL_MALFORMED.
    """

    impostors: tuple[Identity, ...]

    def __post_init__(self) -> None:
        _require_few(self.impostors)
        der.require_that(self.impostors, "a warning of nobody", reason=REASON)

    def to_der(self) -> bytes:
        """DER of Warning: docs/formats.md."""
        return der.write_structure(_Warning(impostors=[identity.to_structure() for identity in self.impostors]))

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; HISTORY_MALFORMED."""
        read = der.read_structure(_Warning, data, MAX_CONTENT_BYTES, reason=REASON)
        warning = cls(tuple(Identity.from_structure(each) for each in read.impostors))
        der.require_canonical(data, warning.to_der(), reason=REASON)
        return warning


Content = Block | Check | Feedback | Decision | Unblock | EarlyWarning
"""What a control message says."""


def _require_few(identities: tuple[Identity, ...]) -> None:
    der.require_that(len(identities) <= MAX_FACTS, f"more than {MAX_FACTS} identities", reason=REASON)


@asn1.sequence
class _Block:
    one: bytes
    other: bytes


@asn1.sequence
class _Check:
    pass


@asn1.sequence
class _Feedback:
    side: str
    facts: list[HistoryFactStructure]


@asn1.sequence
class _Decision:
    rule: str
    genuine: list[bytes]
    impostors: list[bytes]
    decider: str
    channels: list[IdentityStructure]


@asn1.sequence
class _Unblock:
    release: list[bytes]
    quarantine: list[bytes]


@asn1.sequence
class _Warning:
    impostors: list[IdentityStructure]
