"""History: who has sent to whom by which key, as a gateway saw it on authenticated channels. In bounded memory.

What a gateway keeps of one agent never pushes out what it keeps of another: each has room for so many facts, and
forgets its own oldest. Beyond so many agents the one that was not seen for longest is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.claim import check_address, check_party_name

_HISTORY_REASON: Final = "HISTORY_MALFORMED"


@dataclass(frozen=True, slots=True)
class Channel:
    """An authenticated connection.

    Args:
        agent: name of the agent whose certificate the connection showed.
        certificate: SHA-256 of that certificate, 32 bytes.
        address: IP address that it came from.

    Raises:
        MalformedInput: HISTORY_MALFORMED.
    """

    agent: str
    certificate: bytes
    address: str

    def __post_init__(self) -> None:
        check_party_name(self.agent, reason=_HISTORY_REASON)
        der.require_digest(self.certificate, "the agent's certificate", reason=_HISTORY_REASON)
        check_address(self.address, reason=_HISTORY_REASON)


@dataclass(frozen=True, slots=True)
class Identity:
    """A key, and the channel that it was used on.

    Args:
        key: fingerprint, 32 bytes.
        channel: authenticated.

    Raises:
        MalformedInput: HISTORY_MALFORMED.
    """

    key: bytes
    channel: Channel

    def __post_init__(self) -> None:
        der.require_digest(self.key, "a key", reason=_HISTORY_REASON)

    def to_structure(self) -> IdentityStructure:
        """The ASN.1 value."""
        channel = self.channel
        return IdentityStructure(
            key=self.key, agent=channel.agent, certificate=channel.certificate, address=channel.address
        )

    @classmethod
    def from_structure(cls, read: IdentityStructure) -> Self:
        """Read ``to_structure``. Raises as the constructor does."""
        return cls(read.key, Channel(read.agent, read.certificate, read.address))


@dataclass(frozen=True, slots=True)
class HistoryFact:
    """That somebody sent to a destination as a user.

    Args:
        identity: by which key, on which channel.
        first_time: when first, by the gateway's clock; UTC, whole seconds.
        last_time: when last; no earlier.
        count: how many announcements, 1 to 2^63 - 1.

    Raises:
        MalformedInput: HISTORY_MALFORMED.
    """

    identity: Identity
    first_time: datetime
    last_time: datetime
    count: int

    def __post_init__(self) -> None:
        der.require_time(self.first_time, "the first time", reason=_HISTORY_REASON)
        der.require_time(self.last_time, "the last time", reason=_HISTORY_REASON)
        der.require_that(self.first_time <= self.last_time, "it ended before it began", reason=_HISTORY_REASON)
        der.require_that(1 <= self.count <= der.MAX_COUNT, "a count out of range", reason=_HISTORY_REASON)

    def to_structure(self) -> HistoryFactStructure:
        """The ASN.1 value."""
        return HistoryFactStructure(
            identity=self.identity.to_structure(),
            first_time=der.to_generalized_time(self.first_time),
            last_time=der.to_generalized_time(self.last_time),
            count=self.count,
        )

    @classmethod
    def from_structure(cls, read: HistoryFactStructure) -> Self:
        """Read ``to_structure``. Raises as the constructor does."""
        first, last = der.from_generalized_time(read.first_time), der.from_generalized_time(read.last_time)
        return cls(Identity.from_structure(read.identity), first, last, read.count)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a history has in one place.

    Args:
        user: account as which it was sent.
        destination: account to which.
        fact: what was seen.
    """

    user: str
    destination: str
    fact: HistoryFact


_Place = tuple[str, str, Identity]


class History:
    """What one gateway has seen on one side: as the sender's, or as the receiver's. Not safe for threads.

    Args:
        agents: most agents, 1 or more.
        facts_per_agent: most facts about each, 1 or more.
        forgets: is told of each that is forgotten: user, destination, identity.
    """

    def __init__(
        self, agents: int, facts_per_agent: int, forgets: Callable[[str, str, Identity], None] = lambda *_: None
    ) -> None:
        der.require_that(agents >= 1 and facts_per_agent >= 1, "a history without room", reason=_HISTORY_REASON)
        self._agents = agents
        self._facts_per_agent = facts_per_agent
        self._forgets = forgets
        self._by_agent: OrderedDict[str, OrderedDict[_Place, HistoryFact]] = OrderedDict()  # seen last: at the end
        self._places: dict[tuple[str, str], set[_Place]] = {}

    def saw(self, user: str, destination: str, identity: Identity, time: datetime) -> HistoryFact:
        """Note an announcement that was checked.

        Args:
            user: account that it claims.
            destination: account that it goes to.
            identity: its key, and the channel that it came on.
            time: by the gateway's clock; UTC, whole seconds. A clock set back changes nothing that was noted.

        Returns:
            What is known now of this identity.
        """
        facts = self._by_agent.get(identity.channel.agent)
        known = None if facts is None else facts.get((user, destination, identity))
        if known is None:
            fact = HistoryFact(identity, time, time, 1)
        else:
            fact = replace(known, last_time=max(known.last_time, time), count=min(known.count + 1, der.MAX_COUNT))
        self.put(Entry(user, destination, fact))
        return fact

    def put(self, entry: Entry) -> None:
        """Put back what was saved, oldest first, or what is known anew."""
        agent = entry.fact.identity.channel.agent
        place = (entry.user, entry.destination, entry.fact.identity)
        facts = self._by_agent.setdefault(agent, OrderedDict())
        facts[place] = entry.fact
        facts.move_to_end(place)
        self._by_agent.move_to_end(agent)
        self._places.setdefault(place[:2], set()).add(place)
        if len(facts) > self._facts_per_agent:
            self._forget(facts.popitem(last=False)[0])
        if len(self._by_agent) > self._agents:
            for forgotten in self._by_agent.popitem(last=False)[1]:
                self._forget(forgotten)

    def facts(self, user: str, destination: str) -> tuple[HistoryFact, ...]:
        """All about a user and a destination, the earliest first."""
        places = self._places.get((user, destination), ())
        found = [self._by_agent[place[2].channel.agent][place] for place in places]
        return tuple(sorted(found, key=lambda fact: (fact.first_time, fact.identity.key, fact.identity.channel.agent)))

    def _forget(self, place: _Place) -> None:
        left = self._places[place[:2]]
        left.remove(place)
        if not left:
            del self._places[place[:2]]
        self._forgets(*place)


@asn1.sequence
class IdentityStructure:
    """ASN.1 of Identity, for the structures that hold one."""

    key: bytes
    agent: str
    certificate: bytes
    address: str


@asn1.sequence
class HistoryFactStructure:
    """ASN.1 of HistoryFact, for the structures that hold one."""

    identity: IdentityStructure
    first_time: asn1.GeneralizedTime
    last_time: asn1.GeneralizedTime
    count: int
