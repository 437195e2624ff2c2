"""The third act: somebody has the key of a gateway, and tells the guard of announcements that nobody made."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1.guard_service_pb2_grpc import GuardServiceStub

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.keys import write_signer_key
from demo.guard.network import AGENTS, RATED, Network
from demo.guard.past import Past
from demo.stage import AttackSucceeded
from server.identity import CurrentCertificate
from server.root.home import Home
from server.root.outposts import GATEWAY, load_certificate
from wire.status import error_from_rpc
from wire.tls import channel_credentials

_AT_ONCE: Final = 100
_TIMES: Final = 10
_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.03  # so it lasts as long as Alice writes
_REFUSALS: Final = frozenset({"SIGNATURE_INVALID", "TOO_MANY_INVALID_ANNOUNCEMENTS", "TOO_MANY_REPORTS"})
_TEXTS: Final = ("Alice: the chairs came.", "Alice: they are blue.", "Alice: they may stay.")


@dataclass(slots=True)
class Flooded:
    """The step. It raises if it does not hold.

    Args:
        past: what was before.
        session_id: of a session in which Alice writes to Bob.
    """

    past: Past
    session_id: str

    def perform(self) -> None:
        """Flood the guard, while Alice writes."""
        show = self.past.network.show
        with show.step("Flood the guard with forged announcements", is_attack=True) as shown:
            shown.outcome = self._flood()

    def _flood(self) -> str:
        network = self.past.network
        network.show.say(
            f"A gateway may tell of {RATED} announcements in a minute here. Somebody has the third one's key, and "
            f"tells of {_TIMES} times as many, all in Alice's name, to Bob, none with a signature that holds."
        )
        alarms = network.alarms()
        flood = Flood(network, self.session_id)
        flood.begin()
        for text in _TEXTS:
            self.past.send("alice", self.session_id, text)
        answers = flood.end()
        network.show.output(", ".join(f"{count} x {answer}" for answer, count in sorted(answers.items())))
        self.past.bob_reads(*_TEXTS)
        if network.alarms() != alarms:
            raise AttackSucceeded("the flood made an alarm")
        network.show.output(network.operator("guard", "status"))
        return f"nobody is blocked; Alice's {len(_TEXTS)} came meanwhile"


@dataclass(slots=True)
class Flood:
    """Announcements in Alice's name whose signatures do not hold, told with the key of a gateway.

    Args:
        network: where it plays.
        session_id: of a session, which they name.
        answers: how often each was given.
    """

    network: Network
    session_id: str
    answers: Counter[str] = field(default_factory=Counter)
    _thread: threading.Thread | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Begin to tell, on a thread: until ``end``, and ten times as many as a gateway may in a minute."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._tell()), daemon=True)
        self._thread.start()

    def end(self) -> Mapping[str, int]:
        """Tell no more; returns how often each answer was given.

        Raises:
            AttackSucceeded: there were others than refusals, or too few.
        """
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.answers.total() < _TIMES * RATED or not self.answers.keys() <= _REFUSALS:
            raise AttackSucceeded(f"the guard answered {dict(self.answers)}")
        return self.answers

    async def _tell(self) -> None:
        certificate, authority = load_certificate(GATEWAY, Home(self.network.stage.folder / "east"))
        own = CurrentCertificate(certificate).pair()
        credentials = channel_credentials(authority.public_bytes(Encoding.PEM), *own)
        report = self._report()
        async with grpc.aio.secure_channel(self.network.server_address, credentials) as channel:
            stub = GuardServiceStub(channel)
            while self.answers.total() < _TIMES * RATED or not self._over.is_set():
                try:
                    answer = await stub.ReportAnnouncements(report, timeout=_SECONDS)
                    self.answers.update(each.reason for each in answer.results)
                except grpc.aio.AioRpcError as error:
                    refused = error_from_rpc(error)
                    self.answers[refused.reason] += _AT_ONCE
                await asyncio.sleep(_PAUSE_SECONDS)

    def _report(self) -> pb.ReportAnnouncementsRequest:
        key = Ed25519PrivateKey.generate()
        announcement = Announcement(
            claim=Claim(AGENTS["alice"][0], "alice", "bob"),
            certificate=secrets.token_bytes(32),
            public_key=write_signer_key(key.public_key()),
            session_id=self.session_id,
            document=secrets.token_bytes(32),
            time=datetime.now(UTC).replace(microsecond=0),
        )
        signed = SignedAnnouncement.sign(announcement, key)
        forged = SignedAnnouncement(announcement, signed.signature[::-1]).to_der()
        return pb.ReportAnnouncementsRequest(
            announcements=[
                pb.ReportedAnnouncement(announcement_der=forged, agent=f"agent-{number}") for number in range(_AT_ONCE)
            ]
        )
