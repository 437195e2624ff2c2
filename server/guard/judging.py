"""What gateways have answered about an alarm, and what follows from it.

A gateway is a receiver's if it acknowledged the block as one that has the destination's agents. If several say so, the
judgement must be the same with each of them. And nobody can have seen a key before its certificate was issued: an
answer that says so is a lie, and with a lie among them answers contradict each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from contract.announcements.alarm import Alarm
from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.contents import MAX_FACTS, Feedback, Side
from contract.announcements.control import Kind, SignedControl
from contract.announcements.history import HistoryFact, Identity
from contract.announcements.judgement import Candidate, Judgement, Rule, judge
from server.guard.key_changes import changes_to
from server.guard.store import alarms as store
from server.guard.store import orders as order_store
from server.guard.terms import Turn
from server.identity import find_by_key, gateways_shut_out


@dataclass(frozen=True, slots=True)
class Heard:
    """What gateways have answered.

    Args:
        receivers: what each receiver's gateway remembers.
        senders: what each has seen its own agents send.
    """

    receivers: dict[str, tuple[HistoryFact, ...]]
    senders: dict[str, tuple[HistoryFact, ...]]

    def concerns(self, gateway: str) -> bool:
        """Whether a gateway has the receiver's agents, or has seen anything of the user and the destination."""
        return gateway in self.receivers or bool(self.senders.get(gateway))

    def identities_of(self, keys: Collection[bytes]) -> tuple[Identity, ...]:
        """On which channels keys were used, those that senders' gateways saw in front; at most 64."""
        found = dict.fromkeys(fact.identity for fact in self._facts() if fact.identity.key in keys)
        return tuple(found)[:MAX_FACTS]

    def addresses_of(self, keys: Collection[bytes]) -> list[str]:
        """From where impostors' agents sent, unless others did, too: behind NAT an address is many people's."""
        of_senders = [fact.identity for facts in self.senders.values() for fact in facts]
        theirs = {identity.channel.address for identity in of_senders if identity.key in keys}
        others = {fact.identity.channel.address for fact in self._facts() if fact.identity.key not in keys}
        return sorted(theirs - others)

    def _facts(self) -> Iterator[HistoryFact]:
        for side in (self.senders, self.receivers):
            for facts in side.values():
                yield from facts


def hear(turn: Turn, alarm: Alarm) -> Heard:
    """What has been answered about an alarm until now, by gateways that are not shut out."""
    blocks = order_store.list_orders(turn.connection, alarm.alarm_id, [Kind.BLOCK])
    deliverers, out = {order.gateway for order in blocks if order.delivers}, gateways_shut_out(turn.connection)
    heard = Heard({}, {})
    for record in store.list_records(turn.connection, alarm.alarm_id):
        if record.issuer in out:
            continue
        content = SignedControl.from_der(record.message).message.content
        if isinstance(content, Feedback):
            if content.side is Side.SENDER:
                heard.senders[record.issuer] = content.facts
            elif record.issuer in deliverers:
                heard.receivers[record.issuer] = content.facts
    return heard


def judge_heard(turn: Turn, alarm: Alarm, heard: Heard) -> Judgement:
    """Judge by what was answered."""
    candidates = list(_candidates(turn, alarm))
    keys = {key for candidate in candidates for key in (candidate.key, *candidate.earlier_keys)}
    liars = sorted({*_liars(turn, keys, heard.senders.items()), *_liars(turn, keys, heard.receivers.items())})
    if liars:
        turn.tell("answer_impossible", alarm_id=alarm.alarm_id, gateways=liars)
        return Judgement(Rule.CONTRADICTED)
    judgements = {judge(candidates, alarm.first, facts, heard.senders) for facts in heard.receivers.values()}
    if not judgements:
        return judge(candidates, alarm.first, None, heard.senders)
    return judgements.pop() if len(judgements) == 1 else Judgement(Rule.CONTRADICTED)


def _candidates(turn: Turn, alarm: Alarm) -> Iterator[Candidate]:
    """The keys of an alarm, with those whose place they took: as they say, or as was decided."""
    kept = store.list_keys(turn.connection, alarm.alarm_id)
    decided = {change.new_key: change.old_key for change in changes_to(turn.connection, kept)}
    for der in kept.values():
        said = Candidate.of(SignedAnnouncement.from_der(der).announcement)
        earlier = {decided[said.key]} if said.key in decided else set[bytes]()
        yield Candidate(said.key, said.earlier_keys | earlier)


def _liars(
    turn: Turn, keys: Collection[bytes], answers: Iterable[tuple[str, tuple[HistoryFact, ...]]]
) -> Iterator[str]:
    certified = {key: find_by_key(turn.connection, key) for key in keys}
    for gateway, facts in answers:
        for fact in facts:
            issued = certified.get(fact.identity.key)
            if issued is not None and fact.first_time < issued.create_time - CLOCK_DIFFERENCE:
                yield gateway
