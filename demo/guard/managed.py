"""The second act, managed mode: Mallory writes as Alice, is held, found out and shut out; Alice's own goes on."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contract.announcements.alarm import Alarm, AlarmState
from contract.announcements.judgement import Rule
from demo.guard.network import AGENTS, Network, until
from demo.guard.past import NEW_PAIR, Past
from demo.guard.posting import post_at
from demo.stage import AttackSucceeded, CommandFailed

BACK: Final = timedelta(minutes=20)
"""How long ago the first act plays: longer than the guard's window, shorter than a login that idles."""

_NEW_PASSWORD: Final = "alice.new.password"  # noqa: S105  # a file

_ROUND: Final = "Carol: it may be round."
_MORE: Final = "Alice: ten more chairs."
_FRIDAY: Final = "Alice: and deliver on Friday."
_FORGED: Final = "Alice: our account has changed. Pay to this one."
_READY: Final = "Carol: is the table ready?"
_RENEWED: Final = "Alice: it is me, with a new key."


@dataclass(slots=True)
class Managed:
    """Each step returns what it came to, in a few words; one that does not hold raises.

    Args:
        past: what was before.
        alarm_id: of the alarm, once it was raised.
        forged_session: the session that Mallory made as Alice.
        session_id: the one that Alice made after it.
    """

    past: Past
    alarm_id: str = ""
    forged_session: str = ""
    session_id: str = ""

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        show = self.past.network.show
        for title, step, is_attack in (
            ("Some minutes later: start everything anew", self._restart, False),
            ("Alice writes to Bob, twice", self._alice_writes, False),
            ("Mallory gets into Alice's login", self._mallory_gets_in, True),
            ("Mallory writes to Bob as Alice", self._mallory_writes, True),
            ("Held at Bob's gateway", self._held, False),
            ("Check the histories, and name the impostor", self._named, False),
            ("Released in order, and put aside", self._released, False),
            ("Mallory tries at the other gateways", self._elsewhere, True),
            ("Alice takes her account back", self._recovered, False),
        ):
            with show.step(title, is_attack=is_attack) as shown:
                shown.outcome = step()

    def _restart(self) -> str:
        self._network.show.say("All clocks are right from now on. Server and gateways go on where they were.")
        self._network.restart()
        return f"{BACK.total_seconds() / 60:.0f} minutes have passed"

    def _alice_writes(self) -> str:
        self._network.show.say(
            "Bob reads what Carol wrote, and goes out. Alice's agent announces her key again, for Bob heard of it long "
            "ago: user, key, address, to whom, when; signed by that key. Her gateway tells the guard."
        )
        self.past.send("carol", self.past.session_id, _ROUND)
        self.past.bob_reads(_ROUND)
        for text in (_MORE, _FRIDAY):
            self.past.send("alice", self.past.session_id, text)
        return "announced once; two messages wait for Bob"

    def _mallory_gets_in(self) -> str:
        mallory = self._network.agents["mallory"]
        self._network.show.say(
            "Mallory has an agent of this server, Alice's password, and a code of her phone. She has keys certified in "
            "Alice's name, and claims Alice's address."
        )
        self.past.take_over("alice", mallory)
        self._network.place(mallory, source=AGENTS["alice"][0])
        return "a genuine certificate of Alice's name, for Mallory's key"

    def _mallory_writes(self) -> str:
        self._network.show.say("Bob is told that these are not the certificates he knew. He accepts them, unasked.")
        self.forged_session = self.past.meet_bob(self._network.agents["mallory"], "alice", "Payments")
        self._network.show.say("Just now the line from the third gateway to the guard is broken.")
        self._network.gateways["east"].line.cut()
        self.past.send("mallory", self.forged_session, _FORGED)
        self.alarm_id = self._alarm().alarm_id
        return "two keys for one user at one address: an alarm"

    def _held(self) -> str:
        self._network.show.say("The guard has to ask the third gateway, too. Until then what comes as Alice is held.")
        until(lambda: self._alarm().state is AlarmState.CHECKING, "the block at Bob's gateway")
        self.past.send("carol", self.past.session_id, _READY)
        self.past.bob_reads(_READY)
        until(lambda: self._network.kept("south") == (3, 0), "what came as Alice, at Bob's gateway")
        self._network.show.output(self._network.operator("guard", "status"))
        self._network.show.output(self._network.operator("gateway", "held", home="south"))
        return "Alice's are held; Carol's are not"

    def _named(self) -> str:
        show = self._network.show
        show.say("The line is mended. Each gateway says which keys it has seen before, by which agents.")
        self._network.gateways["east"].line.mend()
        until(lambda: self._alarm().state is AlarmState.RELEASED, "the judgement")
        show.output(self._network.operator("guard", "alarms"))
        show.output("\n".join(self._network.history(self.alarm_id)))
        judgement = self._alarm().judgement
        if judgement is None or judgement.rule is not Rule.ONE_HAS_HISTORY:
            raise CommandFailed(f"the guard concluded {judgement}")
        show.output(self._network.operator("guard", "blacklist", "list"))
        return "the key without history is the impostor's: black-listed, and agent mallory with it"

    def _released(self) -> str:
        self.past.bob_reads(_MORE, _FRIDAY)
        self._network.show.output(self._network.operator("gateway", "held", home="south"))
        if self._network.kept("south") != (0, 1):
            raise CommandFailed(f"of held and put aside Bob's gateway keeps {self._network.kept('south')}")
        return "Bob reads Alice's two; Mallory's is kept as evidence"

    def _elsewhere(self) -> str:
        show, mallory = self._network.show, self._network.agents["mallory"]
        done = mallory.attempt("send", self.forged_session, "--text", _FORGED, "--to", "bob", "--yes")
        if done.succeeded or "PROOF_REQUIRED" not in done.printed:
            raise AttackSucceeded(f"Mallory still has Alice's login: {done.printed}")
        show.refusal("by the server, for a black-listed key proves no login:", "PROOF_REQUIRED")
        show.say("She goes past the server. The third gateway has seen nothing of all this; it had an early warning.")
        for name, gateway in self._network.gateways.items():
            answer = asyncio.run(post_at(mallory, gateway.address))
            if answer != "CHANNEL_BLACK_LISTED":
                raise AttackSucceeded(f"gateway {name} answered Mallory {answer}")
            show.refusal(f"by {name} ({gateway.host}):", answer)
        return "refused at each"

    def _recovered(self) -> str:
        alice = self._network.agents["alice"]
        (self._network.stage.folder / _NEW_PASSWORD).write_text(secrets.token_urlsafe(12), encoding="utf-8")
        passwords = ("--password-file", alice.password_file, "--new-password-file", _NEW_PASSWORD)
        self._network.show.say("A new password ends Mallory's login. The new key is announced with the old one's word.")
        alice.fourseal("account", "password", *passwords)
        alice.fourseal(*NEW_PAIR)
        self.session_id = self.past.meet_bob(alice, "alice", "Orders, again")
        self.past.send("alice", self.session_id, _RENEWED)
        self.past.bob_reads(_RENEWED)
        return "nobody takes the new key for a forged one"

    def _alarm(self) -> Alarm:
        (row,) = self._network.alarms()  # there is no other
        return row.alarm

    @property
    def _network(self) -> Network:
        return self.past.network
