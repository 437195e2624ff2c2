"""Announcing the key that signs, without anybody asking: with an envelope, to each recipient who has to hear of it.

That is whoever the key is new to in that session, or heard of it longer ago than half of the shortest window, or from
another address: so whoever announces another key within a window of one of our envelopes is in conflict with us. A
recipient was told when the media server has the whole envelope; until then each stream of its upload announces anew,
for what announces must be of now.

The claimed source is this machine's address on the way to the media server, or to the gateway in front of it: behind
NAT not the one that they see, on one machine a loopback address. ``way`` says how to choose another.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from contract.announcements.announcement import Announcement, SignedAnnouncement
from contract.announcements.claim import CLOCK_DIFFERENCE, Claim
from contract.announcements.key_change import KeyChangeProof, proof_from_der
from contract.announcements.keys import write_signer_key
from contract.announcements.window import MAX_APART, MIN_WINDOW
from contract.envelope import EnvelopeHeader
from signer_agent.contracts.announced_keys import AnnouncedKey, AnnouncementMemory
from signer_agent.contracts.possession import alone
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.way import chosen_source

REPEAT_PERIOD: Final = MIN_WINDOW / 2
"""After which a recipient is told again."""

_CHANGE_PERIOD: Final = MAX_APART + CLOCK_DIFFERENCE
"""For which a change is told with the new key: after that nobody holds the old one against it."""


class Announcer:
    """Announces one account's key. Safe to use from several tasks.

    Args:
        signer: the account.
        memory: of what was told.
    """

    def __init__(self, signer: Signer, memory: AnnouncementMemory) -> None:
        self._signer = signer
        self._memory = memory
        self._key_der = write_signer_key(signer.sign_certificate.public_key)

    def of(self, header_der: bytes, relay_address: str, certificate: bytes | None = None) -> Announcing:
        """What goes with one envelope; nothing goes with what an older key of ours signs.

        Args:
            header_der: of the envelope.
            relay_address: "host:port" of the media server, or of the gateway in front of it.
            certificate: fingerprint of the certificate whose key signs it; None: of our active one.
        """
        is_active = certificate in {None, self._signer.sign_certificate.fingerprint}
        return Announcing(self, EnvelopeHeader.from_der(header_der), relay_address if is_active else "")

    def due(self, header: EnvelopeHeader, relay_address: str) -> Due:
        """What is due with an envelope now. Blocks. Raises as ``Announcing.make``."""
        now = datetime.now(UTC).replace(microsecond=0)
        source = chosen_source() or source_towards(relay_address)
        key = AnnouncedKey(self._signer.sign_certificate.fingerprint, source, now)
        known = self._memory.told(header.session_id)
        names = tuple(
            name for name in header.core.recipients if name not in known or not known[name].covers(key, REPEAT_PERIOD)
        )
        return Due(header.session_id, names, key, self._signed(names, key, header))

    def told(self, due: Due) -> None:
        """Remember, durably, that the recipients are told. Blocks. Raises as ``Announcing.told``."""
        if due.names:
            self._memory.tell(due.session_id, due.names, due.key)

    def _signed(self, names: Sequence[str], key: AnnouncedKey, header: EnvelopeHeader) -> tuple[bytes, ...]:
        if not names:
            return ()
        *earlier, change = self._key_changes(key.time) or (None,)
        private_key = alone(self._signer.sign_key)
        document = sha256(header.to_der()).digest()
        announcements = (
            Announcement(
                claim=Claim(key.source, self._signer.name, name),
                certificate=self._signer.sign_certificate.fingerprint,
                public_key=self._key_der,
                session_id=header.session_id,
                document=document,
                time=key.time,
                key_change=change,
                earlier_changes=tuple(earlier),
            )
            for name in names
        )
        return tuple(SignedAnnouncement.sign(each, private_key).to_der() for each in announcements)

    def _key_changes(self, now: datetime) -> Sequence[KeyChangeProof]:
        """The changes that led to this key, each for as long as somebody may hold its old key against this one."""
        proofs = [proof_from_der(each) for each in self._signer.key_changes()]
        if not proofs or proofs[-1].change.certificate != self._signer.sign_certificate.fingerprint:
            return ()
        recent = [-CLOCK_DIFFERENCE <= now - each.change.time <= _CHANGE_PERIOD for each in proofs]
        first = max((number for number, is_recent in enumerate(recent, 1) if not is_recent), default=0)
        return proofs[first:]


@dataclass(frozen=True, slots=True)
class Due:
    """What is due with an envelope.

    Args:
        session_id: of the envelope.
        names: to whom.
        key: what they hear.
        announcements_der: SignedAnnouncement, DER, one for each.
    """

    session_id: str
    names: tuple[str, ...]
    key: AnnouncedKey
    announcements_der: tuple[bytes, ...]


class Announcing:
    """The announcements of one envelope. From ``Announcer.of``.

    Args:
        announcer: makes them.
        header: of the envelope.
        relay_address: see ``Announcer.of``; empty: there are none.
    """

    def __init__(self, announcer: Announcer, header: EnvelopeHeader, relay_address: str) -> None:
        self._announcer = announcer
        self._header = header
        self._relay_address = relay_address
        self._due: Due | None = None

    async def make(self) -> Sequence[bytes]:
        """Those that are due now, DER, instead of those that were made before.

        Raises:
            ServiceError: SETTING_INVALID, STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        if not self._relay_address:
            return ()
        self._due = await asyncio.to_thread(self._announcer.due, self._header, self._relay_address)
        return self._due.announcements_der

    async def told(self) -> None:
        """The media server has all of the envelope: its recipients are told. Raises as ``make``."""
        if self._due is not None:
            await asyncio.to_thread(self._announcer.told, self._due)


def source_towards(address: str) -> str:
    """The address of this machine on the way to a "host:port", as a claim names it. Sends nothing there; blocks.

    Where there is no way, a loopback address: what claims it does not get there.
    """
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
        family, kind, protocol, _, there = found[0]
        with socket.socket(family, kind, protocol) as way:
            way.connect(there)
            here = ip_address(str(way.getsockname()[0]).partition("%")[0])
    except OSError:
        return "127.0.0.1"
    return str(getattr(here, "ipv4_mapped", None) or here)
