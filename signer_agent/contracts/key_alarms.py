"""Two keys that claim to be one user towards us: noticed by ourselves, held by our gateway, remarked on until decided.

This is the receiver's part in peer mode. It is always done: where the guard deals with the same alarm, the gateway says
so. Only announcements count that hold, by keys which the authority certified for that user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import grpc
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import certificate_service_pb2, gateway_service_pb2, relay_service_pb2

from contract.announcements.announcement import SignedAnnouncement
from contract.announcements.conflict_proof import ConflictProof
from contract.announcements.contents import Block
from contract.certificate_parts import fingerprint, load_certificate
from contract.names import check_account_name
from mpc.errors import FoursealError
from signer_agent.contracts.key_alarm import KeyAlarm, KeyAlarmState, check_alarm_name
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.relay_line import RelayLine
from signer_agent.contracts.seen_keys import SeenKey, SeenKeys
from signer_agent.contracts.signer import Signer
from signer_agent.keystore.store import KeyStore
from transparency.keys import VerifierKey
from wire.catalogue import ServiceError
from wire.status import RemoteError

_MOST_OF_USER: Final = 100
_REFUSED: Final = {
    grpc.StatusCode.UNIMPLEMENTED,  # by a media server
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
}


class KeyAlarms:
    """Those of one account. Safe to use from several tasks and processes.

    Every method may raise ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        signer: the account.
        store: the opened key store.
    """

    def __init__(self, signer: Signer, store: KeyStore) -> None:
        self._signer = signer
        place = f"seen/{check_account_name(signer.name)}"
        self._seen = store.drawer(f"{place}/keys", "seen keys", SeenKeys, check_account_name)
        self._alarms = store.drawer(f"{place}/alarms", "alarm", KeyAlarm, check_alarm_name)

    async def saw(self, notice: relay_service_pb2.WatchMailboxResponse, session_id: str, line: RelayLine) -> None:
        """Look at what was announced with an envelope; have the gateway hold its author's if it conflicts.

        What does not hold is passed over: the message has a failed check of it.
        """
        if not notice.position or not notice.posting.announcement_der:
            return
        seen = self._read(notice, session_id)
        if seen is None:
            return
        user = seen.signed.announcement.claim.user
        known = await asyncio.to_thread(self._seen.get, user) or SeenKeys()
        try:
            log_key = await self._log_key([*known.keys, seen])
            seen.signed.check(seen.time, log_key)
            seen = replace(seen, certificate=await self._certificate(seen, known))
            pair = await asyncio.to_thread(known.conflict, seen, log_key)
            alarm = None if pair is None else await asyncio.to_thread(self._alarm_of, pair, session_id, log_key)
        except FoursealError:
            return
        await asyncio.to_thread(self._seen.update, user, lambda kept: (kept or SeenKeys()).with_key(seen))
        if alarm is not None and await self._is_admitted(alarm):
            kept = await asyncio.to_thread(self._alarms.update, alarm.alarm_id, lambda kept: kept or alarm)
            if kept.state is KeyAlarmState.ASKING:
                await self.refresh(kept, line)

    async def all(self) -> list[KeyAlarm]:
        """All alarms, oldest first."""

        def read() -> list[KeyAlarm]:
            found = (self._alarms.get(name) for name in self._alarms.names())
            return sorted((each for each in found if each is not None), key=lambda each: each.create_time)

        return await asyncio.to_thread(read)

    async def find(self, alarm_id: str) -> KeyAlarm:
        """One of them. Raises ServiceError (ALARM_NOT_FOUND)."""
        found = await asyncio.to_thread(self._alarms.get, alarm_id)
        if found is None:
            raise ServiceError("ALARM_NOT_FOUND")
        return found

    async def refresh(self, alarm: KeyAlarm, line: RelayLine) -> KeyAlarm:
        """Ask the gateway how an alarm stands, and to hold it where it does not yet. What cannot be asked now stays."""
        try:
            told = await _ask(alarm, line)
        except FoursealError as error:
            if not isinstance(error, RemoteError) or error.code not in _REFUSED:
                return alarm
            problem = "" if error.code is grpc.StatusCode.UNIMPLEMENTED else error.reason
            return await self._keep(replace(alarm, state=KeyAlarmState.UNHELD, problem=problem))
        return await self._keep(alarm.told(told))

    async def decide(
        self, alarm: KeyAlarm, genuine: Sequence[bytes], impostors: Sequence[bytes], line: RelayLine
    ) -> KeyAlarm:
        """Decide about one that is undetermined: what is genuine is released.

        Raises:
            RemoteError: ALARM_OF_GUARD, ALARM_STATE_WRONG, ALARM_JUDGED, ALARM_OF_OTHER_KEYS, JUDGEMENT_MALFORMED.
        """
        return await self._keep(alarm.told(await line.decide_alarm(alarm.alarm_id, genuine, impostors)))

    async def remarked(self, messages: Sequence[Message]) -> list[Message]:
        """Messages, with what is to be said of their keys in their notes."""
        alarms = await self.all()
        return [_remarked(message, alarms) for message in messages]

    async def _is_admitted(self, alarm: KeyAlarm) -> bool:
        """Whether it is kept: who announces under many addresses fills no disk."""
        there = [each for each in await self.all() if each.claim.user == alarm.claim.user]
        return len(there) < _MOST_OF_USER or alarm.alarm_id in {each.alarm_id for each in there}

    def _read(self, notice: relay_service_pb2.WatchMailboxResponse, session_id: str) -> SeenKey | None:
        try:
            signed = SignedAnnouncement.from_der(notice.posting.announcement_der)
            posted = notice.posting.post_time.ToDatetime(UTC)
        except (FoursealError, ValueError, OverflowError):
            return None
        said = signed.announcement
        placed = (said.claim.user, said.claim.destination, said.session_id)
        return SeenKey(signed, b"", posted) if placed == (notice.author, self._signer.name, session_id) else None

    async def _log_key(self, seen: Sequence[SeenKey]) -> VerifierKey | None:
        needed = any(each.signed.announcement.need_log for each in seen)
        return await self._signer.log.key() if needed else None

    async def _certificate(self, seen: SeenKey, known: SeenKeys) -> bytes:
        """The certificate that an announcement names: from before, from its session, or from the server; or empty."""
        said = seen.signed.announcement
        found = known.certificate(said.certificate)
        if found:
            return found
        with suppress(FoursealError):
            session = await self._signer.session(said.session_id)
            member = session.members.get(said.claim.user)
            if member is not None and member.sign_certificate.fingerprint == said.certificate:
                return member.sign_certificate.certificate.public_bytes(Encoding.DER)
        with suppress(FoursealError):
            request = certificate_service_pb2.GetSignerCertificatesRequest(name=said.claim.user)
            answer = await self._signer.call(self._signer.line.certificates.GetSignerCertificates, request)
            active = answer.sign_certificate.certificate_der
            if active and fingerprint(load_certificate(active)) == said.certificate:
                return active
        return b""

    def _alarm_of(self, pair: tuple[SeenKey, SeenKey], session_id: str, log_key: VerifierKey | None) -> KeyAlarm:
        """The alarm of two that conflict. Raises what ``ConflictProof.read`` and ``check`` do."""
        one, other = pair
        block = Block((one.signed, other.signed))
        certificates = one.certificate, other.certificate
        proof = ConflictProof.read(block.to_der(), certificates, self._signer.sign_certificate.arc)
        proof.check(self._signer.authority, log_key, max(said.time for said in proof.announcements))
        return KeyAlarm(session_id, block, certificates, datetime.now(UTC).replace(microsecond=0))

    async def _keep(self, alarm: KeyAlarm) -> KeyAlarm:
        await asyncio.to_thread(self._alarms.put, alarm.alarm_id, alarm)
        return alarm


async def _ask(alarm: KeyAlarm, line: RelayLine) -> gateway_service_pb2.GatewayAlarm:
    """How an alarm stands; a gateway that has not heard of it is asked to hold it."""
    if alarm.state is not KeyAlarmState.ASKING:
        try:
            return await line.alarm(alarm.alarm_id)
        except RemoteError as error:
            if error.reason != "ALARM_NOT_FOUND":
                raise
    return await line.ask_block(alarm.proof)


def _remarked(message: Message, alarms: Sequence[KeyAlarm]) -> Message:
    statement = message.statement
    remarks = [each.remark_on(statement.author_certificate) for each in alarms if each.claim.user == statement.author]
    said = dict.fromkeys(filter(None, (message.note, *remarks)))
    return replace(message, note="; ".join(said)) if remarks else message
