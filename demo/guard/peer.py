"""The last act, peer mode: the guard is cut off, and Bob's own agent and the gateways find out who wrote as Carol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from demo.guard.network import AGENTS, Network, until
from demo.guard.past import Past
from demo.people import Signer
from demo.stage import AttackSucceeded, CommandFailed
from signer_agent.contracts.key_alarm import IMPOSTOR

_OAK: Final = "Carol: of oak, please."
_FORGED: Final = "Carol: no table. Send the money back to this account."
_AGAIN: Final = "Carol: quickly, please."
_OTHERS: Final = 2  # gateways


@dataclass(slots=True)
class PeerMode:
    """Each step returns what it came to, in a few words; one that does not hold raises.

    Args:
        past: what was before.
        forged_session: the session that Eve made as Carol.
    """

    past: Past
    forged_session: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        show = self.past.network.show
        for title, step, is_attack in (
            ("Cut the guard off from all gateways", self._cut, False),
            ("Eve gets into Carol's login, and writes to Bob", self._eve_writes, True),
            ("Bob's agent notices, and asks its gateway", self._ask, False),
            ("Eve writes once more", self._again, True),
        ):
            with show.step(title, is_attack=is_attack) as shown:
                shown.outcome = step()

    def _cut(self) -> str:
        for gateway in self._network.gateways.values():
            gateway.line.cut()
        until(lambda: not any(map(self._network.has_guard, self._network.gateways)), "that gateways miss the guard")
        self._network.show.say("Mail goes on. Carol writes; Bob has not looked yet.")
        self.past.send("carol", self.past.session_id, _OAK)
        return "no gateway reaches the guard"

    def _eve_writes(self) -> str:
        eve = self._network.agents["eve"]
        self.past.take_over("carol", eve)
        self._network.place(eve, source=AGENTS["carol"][0])
        self.forged_session = self.past.meet_bob(eve, "carol", "Table, cancelled")
        self.past.send("eve", self.forged_session, _FORGED)
        return "another key for Carol at her address, and no guard that hears of it"

    def _ask(self) -> str:
        show, bob = self._network.show, self._network.agents["bob"]
        show.say(
            "Two keys that claim to be Carol at one address: his gateway holds what comes as she, asks the others."
        )
        bob.attempt("inbox")
        until(lambda: self._network.logged("south", "decision_told") == _OTHERS, "a decision of Bob's gateway")
        for alarm in json.loads(bob.fourseal("guard", "alarms", "--json")):
            places = ", ".join(f"agent {each['agent']} at {each['address']}" for each in alarm["channels"])
            show.output(f"{alarm['user']}: {alarm['state']}, {alarm['rule']}; the impostor is {places}")
        bob.attempt("inbox")
        notes = self._notes(bob)
        show.output("\n".join(f"- {text} ({note or 'no remark'})" for text, note in notes.items()))
        if notes.keys() != {_OAK, _FORGED} or notes[_FORGED] != IMPOSTOR or notes[_OAK] == IMPOSTOR:
            raise CommandFailed("Bob's agent does not tell Eve's from Carol's")
        return "Eve's is marked as an impostor's; Carol's came"

    def _again(self) -> str:
        self._network.show.say(
            "Bob's gateway told the others what it found, and they judged by what they know themselves."
        )
        done = self._network.agents["eve"].attempt(
            "send", self.forged_session, "--text", _AGAIN, "--to", "bob", "--yes"
        )
        reason = "CHANNEL_BLACK_LISTED"
        if done.succeeded or reason not in done.printed:
            raise AttackSucceeded(f"Eve's own gateway answered: {done.printed}")
        self._network.show.refusal("by east, her own gateway:", reason)
        return "shut out, without a guard"

    def _notes(self, bob: Signer) -> Mapping[str, str]:
        """What is new, with the remarks about it."""
        with bob.agent() as agent, agent.contracts().messages() as messages:
            new = messages.messages()[len(self.past.read) :]
            return {messages.read_text(each.number) or "": each.note for each in new}

    @property
    def _network(self) -> Network:
        return self.past.network
