"""What gateways have answered about an alarm of peer mode, and what follows from it: by the rules of the guard."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from contract.announcements.claim import CLOCK_DIFFERENCE
from contract.announcements.conflict_proof import ConflictProof
from contract.announcements.contents import MAX_FACTS, Feedback, Side
from contract.announcements.control import SignedControl
from contract.announcements.history import HistoryFact, Identity
from contract.announcements.judgement import Judgement, Rule, judge
from server.gateway.store.cases import AnswerRow


@dataclass(slots=True)
class Heard:
    """What gateways have answered.

    Args:
        receiver: what the receiver's gateway remembers; None: nothing was heard of it.
        senders: what each has seen its own agents send.
    """

    receiver: tuple[HistoryFact, ...] | None = None
    senders: dict[str, tuple[HistoryFact, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Iterable[AnswerRow], receiver: str) -> Heard:
        """What answers say that were checked when they came.

        Args:
            answers: one of each gateway and side.
            receiver: name of the receiver's gateway: of that side, it alone is heard.
        """
        heard = cls()
        for row in answers:
            content = SignedControl.from_der(row.control).message.content
            assert isinstance(content, Feedback)  # noqa: S101  # as it was checked
            if row.side is Side.SENDER:
                heard.senders[row.gateway] = content.facts
            elif row.gateway == receiver:
                heard.receiver = content.facts
        return heard

    def judge(self, proof: ConflictProof) -> Judgement:
        """What follows. A gateway that has seen a key before it was certified lies: then answers contradict."""
        certified = proof.issue_times
        for fact in self._facts():
            issued = certified.get(fact.identity.key)
            if issued is not None and fact.first_time < issued - CLOCK_DIFFERENCE:
                return Judgement(Rule.CONTRADICTED)
        return judge(proof.candidates, proof.first, self.receiver, self.senders)

    def identities_of(self, keys: Collection[bytes]) -> tuple[Identity, ...]:
        """On which channels keys were used, those that senders' gateways saw in front; at most 64."""
        found = dict.fromkeys(fact.identity for fact in self._facts() if fact.identity.key in keys)
        return tuple(found)[:MAX_FACTS]

    def _facts(self) -> Iterable[HistoryFact]:
        for facts in (*self.senders.values(), self.receiver or ()):
            yield from facts
