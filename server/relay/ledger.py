"""What each step changes in the rows: one method a transaction. What is refused here changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from contract.envelope import EnvelopeHeader
from contract.relay_pass import RelayPass
from mpc.engines import Random
from server.clock import Clock
from server.journal import Caller
from server.relay import store
from server.relay.content import CHECK_KEY_BYTES
from server.relay.store import AuthorUsage, Envelope, EnvelopeState
from wire.catalogue import ServiceError

MAX_UPLOADS: Final = 16
"""Unfinished uploads of one author in one session."""
MAX_WAITING: Final = 10_000
"""Envelopes of one author in one session that wait for their recipients."""
_AT_A_TIME: Final = 100


@dataclass(frozen=True, slots=True)
class RelayTerms:
    """How it is run.

    Args:
        envelope_lifetime: for which an envelope waits for its recipients.
        upload_lifetime: for which an unfinished upload can be gone on with, from its last stream on.
        max_envelope_bytes: content ciphertext of one envelope.
    """

    envelope_lifetime: timedelta
    upload_lifetime: timedelta
    max_envelope_bytes: int


@dataclass(frozen=True, slots=True)
class Start:
    """What an upload begins with; see EnvelopeStart."""

    header_der: bytes
    segment: int
    announcements_der: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope as an agent posts it.

    Args:
        header: of the envelope.
        header_der: its DER.
        caller: the agent.
        announcements: that came with it, DER by recipient.
    """

    header: EnvelopeHeader
    header_der: bytes
    caller: Caller
    announcements: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Finish:
    """What an upload ends with; see EnvelopeFinish."""

    segments: int
    sequence: int
    trailer: bytes


class Ledger:
    """Changes rows.

    Args:
        terms: how it is run.
        random: for keys of checks.
        clock: the time.
    """

    def __init__(self, terms: RelayTerms, random: Random, clock: Clock) -> None:
        self._terms = terms
        self._random = random
        self._clock = clock

    def begin(self, connection: Connection, shown: RelayPass, posted: Posted) -> tuple[Envelope, int]:
        """The envelope's row, made if it is new, and how many bytes its author may have in uploads.

        An agent goes on with its own uploads alone. The announcements of its last stream count.

        Members are looked at when an upload begins, and never again. An author begins before it signs, so what was
        signed has begun: it reaches all whom it names, whoever was removed or whatever was closed meanwhile.

        Raises:
            ServiceError: ENVELOPE_CHANGED, ENVELOPE_OF_OTHER_AGENT, POSTING_NOT_ALLOWED, RELAY_RECIPIENT_UNKNOWN,
                TOO_MANY_UPLOADS.
        """
        usage = store.find_usage(connection, shown.session_id, shown.account)
        room = shown.quota_bytes - usage.waiting_bytes
        header = posted.header
        digest = sha256(posted.header_der).digest()
        envelope = store.find_envelope(connection, header.envelope_id)
        if envelope is not None:
            if envelope.header_sha256 != digest:
                raise ServiceError("ENVELOPE_CHANGED", envelope_id=header.envelope_id)
            if envelope.state is EnvelopeState.UPLOADING:
                if envelope.agent not in {None, posted.caller.agent_id}:  # else a stolen login would be the poster
                    raise ServiceError("ENVELOPE_OF_OTHER_AGENT", envelope_id=header.envelope_id)
                envelope = self._put(connection, envelope, posted)
            return envelope, room
        if not shown.may_post or self._clock() >= shown.session_end:
            raise ServiceError("POSTING_NOT_ALLOWED", session_id=shown.session_id)
        for name in header.core.recipients:
            if name not in shown.members:
                raise ServiceError("RELAY_RECIPIENT_UNKNOWN", name=name)
        if store.count_uploads(connection, shown.session_id, shown.account) >= MAX_UPLOADS:
            raise ServiceError("TOO_MANY_UPLOADS", limit=MAX_UPLOADS)
        envelope = Envelope(
            envelope_id=header.envelope_id,
            session_id=header.session_id,
            author=header.author,
            state=EnvelopeState.UPLOADING,
            header_sha256=digest,
            header=posted.header_der,
            check_key=self._random(CHECK_KEY_BYTES),
            content_bytes=0,
            segments=0,
            sequence=0,
            trailer=None,
            finish_time=None,
            expire_time=self._clock(),
            agent=None,
            agent_certificate=None,
            post_time=None,
            announcement_bytes=0,
        )
        return self._put(connection, envelope, posted), room

    def finish(
        self, connection: Connection, shown: RelayPass, envelope: Envelope, content_bytes: int, finish: Finish
    ) -> Envelope:
        """Finish an envelope whose content is on the disk, and put it into the mailboxes.

        Args:
            connection: the transaction.
            shown: the author's pass.
            envelope: its row, as it was when its upload was opened.
            content_bytes: that are on the disk.
            finish: what the author ended with.

        Raises:
            ServiceError: UPLOAD_ABANDONED, SEQUENCE_NOT_RISING, QUOTA_EXCEEDED, TOO_MANY_WAITING.
        """
        now = self._clock()
        found = store.find_envelope(connection, envelope.envelope_id)
        if found is None or found.check_key != envelope.check_key:
            raise ServiceError("UPLOAD_ABANDONED", envelope_id=envelope.envelope_id)
        if found.state is not EnvelopeState.UPLOADING:  # by the stream before this one, which nobody heard of
            return found
        usage = store.find_usage(connection, found.session_id, found.author)
        if finish.sequence <= usage.last_sequence:
            raise ServiceError("SEQUENCE_NOT_RISING", found=finish.sequence, last=usage.last_sequence)
        finished = replace(
            found,
            state=EnvelopeState.FINISHED,
            content_bytes=content_bytes,
            segments=finish.segments,
            sequence=finish.sequence,
            trailer=finish.trailer,
            finish_time=now,
            expire_time=now + self._terms.envelope_lifetime,
        )
        waiting_bytes = usage.waiting_bytes + finished.kept_bytes
        expire_time = max(shown.session_end, finished.expire_time)  # so that none is looked at before it can go
        used = AuthorUsage(finish.sequence, usage.waiting_envelopes + 1, waiting_bytes, expire_time)
        if used.waiting_envelopes > MAX_WAITING:
            raise ServiceError("TOO_MANY_WAITING", limit=MAX_WAITING)
        if used.waiting_bytes > shown.quota_bytes:
            raise ServiceError("QUOTA_EXCEEDED", limit=shown.quota_bytes)
        store.put_envelope(connection, finished)
        store.put_usage(connection, found.session_id, found.author, used)
        recipients = EnvelopeHeader.from_der(found.header or b"").core.recipients
        store.add_mail(connection, found.session_id, found.envelope_id, recipients)
        return finished

    def _put(self, connection: Connection, envelope: Envelope, posted: Posted) -> Envelope:
        """Keep an upload as whoever posts it now has it."""
        now = self._clock()
        kept = replace(
            envelope,
            expire_time=now + self._terms.upload_lifetime,
            agent=posted.caller.agent_id,
            agent_certificate=posted.caller.certificate_sha256,
            post_time=now,
            announcement_bytes=sum(map(len, posted.announcements.values())),
        )
        store.put_envelope(connection, kept)
        store.put_announcements(connection, kept.envelope_id, posted.announcements)
        return kept

    @staticmethod
    def acknowledge(connection: Connection, shown: RelayPass, envelope_ids: Sequence[str]) -> list[Envelope]:
        """Take envelopes out of a mailbox. Returns those that nobody waits for any more: their content can go."""
        delivered = []
        for envelope_id in envelope_ids:
            if not store.take_mail(connection, shown.session_id, shown.account, envelope_id):
                continue
            envelope = store.find_envelope(connection, envelope_id)
            if envelope is not None and not store.is_awaited(connection, envelope_id):
                _unload(connection, envelope)
                kept = replace(envelope, state=EnvelopeState.DELIVERED, header=None, trailer=None)
                store.put_envelope(connection, kept)  # answers a repeat of its upload
                delivered.append(envelope)
        return delivered

    def expire(self, connection: Connection) -> list[Envelope]:
        """Drop some envelopes and uploads whose time is over; until there are none. Returns them."""
        expired = store.list_expired(connection, self._clock(), _AT_A_TIME)
        for envelope in expired:
            if envelope.state is EnvelopeState.FINISHED:
                _unload(connection, envelope)
            store.drop_envelope(connection, envelope.envelope_id)
        return expired

    def forget_authors(self, connection: Connection) -> int:
        """Forget what some authors have, where their session is over; until there are none. Returns how many.

        With it goes the highest sequence number, which refuses an envelope that was here before. Nothing can come back
        all the same: when the session is over nothing begins any more (``begin``), whatever a pass says, and an author
        of whom an upload or an envelope is still here is not forgotten. So there is nothing left that could finish.
        """
        return store.drop_expired_usage(connection, self._clock(), _AT_A_TIME)


def _unload(connection: Connection, envelope: Envelope) -> None:
    """Take a finished envelope from what its author has waiting."""
    usage = store.find_usage(connection, envelope.session_id, envelope.author)
    left = replace(
        usage,
        waiting_envelopes=usage.waiting_envelopes - 1,
        waiting_bytes=usage.waiting_bytes - envelope.kept_bytes,
    )
    store.put_usage(connection, envelope.session_id, envelope.author, left)
