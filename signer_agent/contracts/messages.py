"""``Messages``: sending, receiving and answering in contract sessions, for asyncio.

::

    async with contracts.messages() as messages:
        sent = await messages.send(session_id, FileSource(Path("contract.pdf")))
        async for message in messages.receive(session_id):
            if message.verdict.verified:
                await messages.accept(message.number)

Every method raises FoursealError, with a reason of the catalogue (docs/errors.md), and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final

from contract.content_key import ContentKey
from contract.envelope import EnvelopeHeader
from contract.errors import ContentDamaged
from contract.statement import Decision
from contract.stream import SegmentOpener
from mpc.errors import FoursealError
from signer_agent.contracts.announced_keys import AnnouncementMemory
from signer_agent.contracts.announcing import Announcer
from signer_agent.contracts.answers import (
    SentMessage,
    everybody_of,
    is_evidence,
    require_answerable,
    sent_message,
)
from signer_agent.contracts.earlier import EarlierMessage, find_earlier
from signer_agent.contracts.envelopes import ContentOpening, SegmentFile
from signer_agent.contracts.key_alarm import KeyAlarm, KeyAlarmState
from signer_agent.contracts.key_alarms import KeyAlarms
from signer_agent.contracts.known import Known
from signer_agent.contracts.mailbox import Mailbox
from signer_agent.contracts.mailbox_entry import MailboxEntry, Message
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.outbox import Outbox
from signer_agent.contracts.outbox_entry import REQUEST, OutboxState, ToSend
from signer_agent.contracts.receiving import NotReceived, Received, Receiver
from signer_agent.contracts.register import Register
from signer_agent.contracts.register_entry import SeenAnswer
from signer_agent.contracts.relay_line import RelayLine
from signer_agent.contracts.sending import Sender
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource, FileSource, Source, StreamSource
from signer_agent.contracts.uploads import OnProgress
from signer_agent.contracts.way import chosen_gateway
from signer_agent.keystore.store import KeyStore
from wire.catalogue import ServiceError
from wire.ids import check_request_id

__all__ = ["BytesSource", "FileSource", "Message", "Messages", "NotReceived", "SentMessage", "StreamSource"]

_MAX_TEXT_BYTES: Final = 64 << 10


class Messages:
    """The messages of one account. Use ``of``. Belongs to the event loop that it was made on.

    Args:
        signer: the account, logged in.
        store: the opened key store.
    """

    def __init__(self, signer: Signer, store: KeyStore) -> None:
        self.account = signer.name
        """Whose they are."""
        self._signer = signer
        self._store = store
        self._register = Register(store, signer.name)
        self._mailbox = Mailbox(store, signer.name, self._register)
        self._outbox = Outbox(store, signer.name, self._register)
        self._lines: dict[str, RelayLine] = {}
        self._requests: set[str] = set()
        self._announcements = AnnouncementMemory(store, signer.name)
        self._alarms = KeyAlarms(signer, store)
        self._sender = Sender(signer, self._outbox, Announcer(signer, self._announcements), self._line_to)

    @staticmethod
    @asynccontextmanager
    async def of(signer: Signer, store: KeyStore) -> AsyncIterator[Messages]:
        """The messages of an account, while the context lasts. Raises ServiceError (STORE_UNUSABLE)."""
        messages = await asyncio.to_thread(Messages, signer, store)
        try:
            yield messages
        finally:
            await messages.close()

    async def send(
        self,
        session_id: str,
        source: Source,
        to: Sequence[str] = (),
        *,
        reply_to: int | None = None,
        evidence: bool = False,
        request_id: str | None = None,
        on_progress: OnProgress = lambda _: None,
    ) -> SentMessage:
        """Sign, seal and send content, in one pass over it; in two, if it is evidence.

        What was read in that pass is signed, whatever a file held before. Whoever shows content to somebody who decides
        calls ``source.hold()`` first, and shows that digest (or ``propose_content``): nothing else is signed then.

        Args:
            session_id: in which session.
            source: the content.
            to: account names; by default all who are members now, but for ourselves.
            reply_to: number of the message that it replies to.
            evidence: deposit it at the evidence server before it is delivered. The content must be repeatable.
            request_id: chosen once for a message: a repeat with the same goes on where it was interrupted, and returns
                the same message if that was sent; then its content is not read. None: every call sends.
            on_progress: see ``OnProgress``.

        Raises:
            FoursealError: as ``Sender.send``; MESSAGE_NOT_FOUND, NOBODY_TO_SEND_TO; REQUEST_ID_REUSED.
        """
        replied = await self.message(reply_to) if reply_to is not None else None
        in_reply_to = replied.statement.digest if replied else b""
        names = tuple(sorted(set(to)))

        def is_same(asked: ToSend) -> bool:
            found = (asked.session_id, asked.content_type, asked.name, asked.in_reply_to, asked.decision)
            same = found == (session_id, source.content_type, source.name, in_reply_to, None)
            return same and names in {(), asked.recipients}

        async def wanted(origin: str) -> ToSend:
            session = await self.session(session_id)  # who is in it now, not when it was last seen
            return ToSend(
                session_id,
                names or tuple(sorted(set(session.members) - {self._signer.name})),
                origin,
                source.content_type,
                source.name,
                in_reply_to,
                evidence=is_evidence(session.info, asked=evidence),
            )

        if request_id is None:
            return await self._send(await wanted(source.origin), source, on_progress)
        return await self._send_once(request_id, is_same, wanted, source, on_progress)

    async def reply(
        self,
        number: int,
        source: Source,
        to: Sequence[str] = (),
        *,
        evidence: bool = False,
        on_progress: OnProgress = lambda _: None,
    ) -> SentMessage:
        """Send content as a reply to a message, by default to its author and other recipients. Raises as ``send``."""
        message = await self.message(number)
        names = tuple(to) or await self.addressed_by_answers(message)
        session_id = message.statement.session_id
        return await self.send(session_id, source, names, reply_to=number, evidence=evidence, on_progress=on_progress)

    async def accept(self, number: int, text: str = "", *, request_id: str | None = None) -> SentMessage:
        """Countersign a message: sign a statement that contains its statement, with a remark. Deposited if that is.

        Args:
            number: of the message.
            text: the remark.
            request_id: as ``send`` takes it.

        Raises:
            FoursealError: as ``send``; MESSAGE_NOT_VERIFIED, ANSWERED_ALREADY, ANSWER_TO_ANSWER.
        """
        return await self._answer(number, Decision.ACCEPT, text, request_id)

    async def reject(self, number: int, reason: str, *, request_id: str | None = None) -> SentMessage:
        """Refuse a message, for a reason. Raises as ``accept``."""
        return await self._answer(number, Decision.REJECT, reason, request_id)

    async def addressed_by_answers(self, message: Message) -> tuple[str, ...]:
        """Who gets answers and replies to a message: its author and recipients who are members. Raises as ``send``."""
        session = await self.session(message.statement.session_id)
        return everybody_of(message.statement, self._signer.name, session.members)

    async def receive(self, session_id: str, *, follow: bool = False) -> AsyncGenerator[Received]:
        """Yield what comes in a session; see ``Receiver.receive``. Raises as that does.

        What was signed before and did not reach the media server is sent first.
        """
        await self._sender.finish_interrupted(session_id)
        session = await self._signer.session(session_id, refresh=True)
        known, line = Known(self._register, session_id), await self._line_to(session)
        memory, alarms = self._announcements, self._alarms
        receiver = Receiver(self._signer, self._mailbox, known, memory, alarms, line, session)
        async with aclosing(receiver.receive(follow=follow)) as results:
            async for result in results:
                yield result

    async def session(self, session_id: str) -> VerifiedSession:
        """A session as it is now, verified. Raises as ``Signer.session``."""
        return await self._signer.session(session_id, refresh=True)

    async def messages(self) -> list[Message]:
        """All messages that were received, oldest first."""
        entries = await asyncio.to_thread(self._mailbox.entries)
        return await self._alarms.remarked([entry.message for entry in entries])

    async def page(self, after: int, limit: int) -> list[Message]:
        """At most ``limit`` messages with a number above ``after``, oldest first."""
        entries = await asyncio.to_thread(self._mailbox.page, after, limit)
        return await self._alarms.remarked([entry.message for entry in entries])

    async def message(self, number: int) -> Message:
        """One of them. Raises ServiceError (MESSAGE_NOT_FOUND)."""
        (message,) = await self._alarms.remarked([(await self._entry(number)).message])
        return message

    async def alarms(self) -> list[KeyAlarm]:
        """Alarms about two keys that claimed to be one user's towards us, oldest first, as they stand now.

        What the gateway cannot be asked about stays as it was.
        """
        return [await self._refreshed(alarm) if alarm.state.is_open else alarm for alarm in await self._alarms.all()]

    async def decide_alarm(self, alarm_id: str, genuine: Sequence[bytes], impostors: Sequence[bytes]) -> KeyAlarm:
        """Decide about an alarm that is undetermined: what genuine keys sent is released, the rest put aside.

        Args:
            alarm_id: its name.
            genuine: fingerprints of keys.
            impostors: of keys. Both of the alarm must be named.

        Raises:
            ServiceError: ALARM_NOT_FOUND, ALARM_STATE_WRONG: it is not undetermined.
            RemoteError: what ``KeyAlarms.decide`` raises.
        """
        alarm = await self._refreshed(await self._alarms.find(alarm_id))
        if alarm.state not in {KeyAlarmState.UNDETERMINED, KeyAlarmState.RELEASED}:
            raise ServiceError("ALARM_STATE_WRONG", state=alarm.state.value)
        line = await self._line_to(await self._signer.session(alarm.session_id))
        return await self._alarms.decide(alarm, genuine, impostors, line)

    async def answers_to(self, message: Message) -> list[SeenAnswer]:
        """The answers to a message, ours too, oldest first."""
        return await asyncio.to_thread(self._register.answers_to, message.statement)

    async def earlier(self, message: Message) -> EarlierMessage | None:
        """What a message is an answer or a reply to; None if it is neither."""
        statement, in_reply_to = message.statement, message.description.in_reply_to
        return await asyncio.to_thread(find_earlier, self._register, statement, in_reply_to)

    async def sent(self) -> list[SentMessage]:
        """All messages that we sent, oldest first, with the answers to each."""

        def listed() -> list[SentMessage]:
            return [sent_message(each, self._register) for each in self._outbox.sent()]

        return await asyncio.to_thread(listed)

    async def write_content(self, number: int, write: Callable[[bytes], object]) -> None:
        """Write a message's content, decrypted.

        Args:
            number: of the message.
            write: takes it piece by piece, on a worker thread: that of a file open for writing, for example.

        Raises:
            ServiceError: MESSAGE_NOT_FOUND, STORE_DAMAGED: the mailbox is not as it was written; STORE_UNUSABLE.
            OSError: of ``write``.
        """
        await asyncio.to_thread(self._write_content, await self._entry(number), write)

    async def read_text(self, number: int) -> str | None:
        """A message's content, if it is a text of at most 64 KiB; else None. Bytes that are no UTF-8 show as escapes.

        Raises:
            ServiceError: MESSAGE_NOT_FOUND, STORE_DAMAGED, STORE_UNUSABLE.
        """
        entry = await self._entry(number)
        description = entry.message.description
        if not description.content_type.startswith("text/") or description.length > _MAX_TEXT_BYTES:
            return None

        pieces: list[bytes] = []
        await asyncio.to_thread(self._write_content, entry, pieces.append)
        return b"".join(pieces).decode(errors="backslashreplace")

    async def close(self) -> None:
        """Close the lines to media servers."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            await line.close()

    async def _answer(self, number: int, decision: Decision, text: str, request_id: str | None) -> SentMessage:
        message = await self.message(number)
        answered, source = message.statement.to_der(), BytesSource(text.encode(), TEXT_TYPE)

        async def wanted(origin: str) -> ToSend:
            require_answerable(message, decision, text, await self.answers_to(message))
            recipients = await self.addressed_by_answers(message)
            session = await self._signer.session(message.statement.session_id)
            return ToSend(
                session.session_id,
                recipients,
                origin,
                TEXT_TYPE,
                "",
                decision=decision,
                answered=answered,
                evidence=is_evidence(session.info, answered=message),
            )

        if request_id is None:
            return await self._send(await wanted(""), source, lambda _: None)

        def is_same(asked: ToSend) -> bool:
            return (asked.decision, asked.answered) == (decision, answered)

        return await self._send_once(request_id, is_same, wanted, source, lambda _: None)

    async def _send_once(
        self,
        request_id: str,
        is_same: Callable[[ToSend], bool],
        wanted: Callable[[str], Awaitable[ToSend]],
        source: Source,
        on_progress: OnProgress,
    ) -> SentMessage:
        """Send what a request asks for, unless that was done; go on with it if it was begun."""
        if request_id in self._requests:
            raise ServiceError("SENDING_ALREADY", name=source.name)
        self._requests.add(check_request_id(request_id))
        try:
            begun = await self._sender.begun(request_id)
            if begun is None:
                return await self._send(await wanted(REQUEST + request_id), source, on_progress)
            if not is_same(begun.to_send):
                raise ServiceError("REQUEST_ID_REUSED")
            if begun.state is OutboxState.FINISHED:
                return await asyncio.to_thread(sent_message, begun, self._register)
            return await self._send(begun.to_send, source, on_progress)
        finally:
            self._requests.discard(request_id)

    async def _send(self, to_send: ToSend, source: Source, on_progress: OnProgress) -> SentMessage:
        if not to_send.recipients:
            raise ServiceError("NOBODY_TO_SEND_TO", session_id=to_send.session_id)
        if to_send.evidence and not source.repeatable:
            raise ServiceError("SOURCE_NOT_REPEATABLE", problem="evidence is read twice")
        entry = await self._sender.send(to_send, source, on_progress)
        return await asyncio.to_thread(sent_message, entry, self._register)

    async def _refreshed(self, alarm: KeyAlarm) -> KeyAlarm:
        try:
            line = await self._line_to(await self._signer.session(alarm.session_id))
        except FoursealError:
            return alarm
        return await self._alarms.refresh(alarm, line)

    async def _entry(self, number: int) -> MailboxEntry:
        return await asyncio.to_thread(self._mailbox.entry, number)

    async def _line_to(self, session: VerifiedSession) -> RelayLine:
        line = self._lines.get(session.session_id)
        if line is None:
            identity = await asyncio.to_thread(self._store.identity)
            if identity is None:
                raise ServiceError("NOT_ENROLLED")
            address = session.relay_address or identity.server_address  # the server can be the media server too
            fetch_pass = partial(self._signer.relay_pass, session.session_id)
            line = self._lines.setdefault(
                session.session_id, RelayLine(identity, chosen_gateway() or address, fetch_pass)
            )
        return line

    def _write_content(self, entry: MailboxEntry, write: Callable[[bytes], object]) -> None:
        path = self._mailbox.content_path(entry.message.envelope_id)
        key = ContentKey(entry.content_key).stream_key(EnvelopeHeader.from_der(entry.header_der).core)
        opening = ContentOpening(SegmentOpener(key), write)
        try:
            file = SegmentFile(path, writable=False)
        except FileNotFoundError:
            raise ServiceError("STORE_DAMAGED", file=str(path), problem="it is not there") from None
        with file:
            last = max(file.segments() - 1, 0)
            try:
                for number in range(last):
                    opening.open(file.read(number), last=False)
                opening.open(file.read(last), last=True)
            except ContentDamaged:
                raise ServiceError("STORE_DAMAGED", file=str(path), problem="its content does not open") from None
