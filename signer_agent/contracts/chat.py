"""``Chat``: a live session, without a terminal. Lines go in, events come out; the command line draws them.

A line is sent as text, unless it begins with a slash::

    /file PATH          sends a file
    /accept N           accepts message N of our mailbox; a remark may follow
    /reject N REASON    rejects it
    /members            says who is here
    /quit               ends the chat

What a command is about to sign is told first (``Proposed``), and the next line must say yes to it. A text is signed as
it was typed.

What is wrong with a line is an event, and the chat goes on. Lines are dealt with one after the other, so that messages
leave in the order in which they were typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from contract.statement import Decision
from mpc.errors import FoursealError
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.earlier import EarlierMessage
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.model import MemberState, SessionState, VerifiedSession
from signer_agent.contracts.proposals import Proposal, propose_answer, propose_content
from signer_agent.contracts.receiving import NotReceived
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource, FileSource
from wire.catalogue import ServiceError
from wire.streams import is_break

_QUIT: Final = "/quit"
_YES: Final = ("y", "yes")
_WARNINGS: Final = (timedelta(minutes=10), timedelta(minutes=5), timedelta(minutes=1), timedelta(0))
_AGAIN_SECONDS: Final = 2.0  # between two attempts to begin to receive
_LOOK_SECONDS: Final = 10.0  # between two looks at the session: who is in it, and whether it was closed


_Proposal = TypeVar("_Proposal", bound=Proposal)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came.

    Args:
        message: as the mailbox has it.
        earlier: what it is an answer or a reply to; None if it is neither.
        text: its content, where it is a text of moderate length; else None.
    """

    message: Message
    earlier: EarlierMessage | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of ours was sent; ``text`` as in ``Arrived``."""

    message: SentMessage
    text: str | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """Something is about to be signed.

    Args:
        proposal: what.
        asks: whether the next line must say yes to it.
    """

    proposal: Proposal
    asks: bool


@dataclass(frozen=True, slots=True)
class Members:
    """Where everybody stands in the session: told at first, when it changes, and when it is asked for."""

    people: dict[str, MemberState]


@dataclass(frozen=True, slots=True)
class Ending:
    """The session ends in ``remaining``; zero: its time is over, or it was closed."""

    remaining: timedelta


@dataclass(frozen=True, slots=True)
class Refused:
    """Something did not work, or was not delivered."""

    error: FoursealError


Event = Arrived | Sent | Proposed | Members | Ending | Refused | NotReceived
"""What a chat tells."""


class Chat:
    """One chat. Belongs to the event loop that it was made on.

    Args:
        messages: of our account.
        session_id: which session.
        tell: is told of every event.
        asks: whether somebody must agree to what commands are about to sign.
    """

    def __init__(
        self, messages: Messages, session_id: str, tell: Callable[[Event], None], *, asks: bool = True
    ) -> None:
        self._messages = messages
        self._session_id = session_id
        self._tell = tell
        self._asks = asks
        self._commands: dict[str, Callable[[str, AsyncIterator[str]], Awaitable[None]]] = {
            "file": self._file,
            "accept": self._accept,
            "reject": self._reject,
            "members": self._members,
        }

    async def run(self, lines: AsyncIterator[str]) -> None:
        """Chat until the lines end, or one of them is ``/quit``.

        Raises:
            FoursealError: MAILBOX_BUSY, STORE_UNUSABLE, and what the servers answer; what goes wrong with one line or
                one message is an event.
        """
        reading = asyncio.create_task(self._read(lines))
        tasks = [reading, asyncio.create_task(self._receive()), asyncio.create_task(self._watch())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            if line.strip() == _QUIT:
                return
            try:
                await self._deal(line, lines)
            except FoursealError as error:
                self._tell(Refused(error))

    async def _deal(self, line: str, lines: AsyncIterator[str]) -> None:
        if not line.strip():
            return
        if not line.startswith("/"):
            sent = await self._messages.send(self._session_id, BytesSource(line.encode(), TEXT_TYPE))
            self._tell(Sent(sent, line))
            return
        name, _, rest = line[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise ServiceError("COMMAND_UNKNOWN", command=name)
        await command(rest.strip(), lines)

    async def _agreed(self, proposing: Awaitable[_Proposal], lines: AsyncIterator[str]) -> _Proposal:
        proposal = await proposing
        self._tell(Proposed(proposal, self._asks))
        if self._asks and (await anext(lines, "")).strip().lower() not in _YES:
            raise ServiceError("NOT_CONFIRMED")
        return proposal

    async def _file(self, path: str, lines: AsyncIterator[str]) -> None:
        source = await asyncio.to_thread(lambda: FileSource(Path(path).expanduser()))
        proposed = await self._agreed(propose_content(self._messages, self._session_id, source), lines)
        self._tell(Sent(await self._messages.send(self._session_id, source, proposed.recipients), None))

    async def _accept(self, rest: str, lines: AsyncIterator[str]) -> None:
        number, text = _number_and_text(rest)
        await self._require_here(number)
        await self._agreed(propose_answer(self._messages, number, Decision.ACCEPT, text), lines)
        self._tell(Sent(await self._messages.accept(number, text), text))

    async def _reject(self, rest: str, lines: AsyncIterator[str]) -> None:
        number, text = _number_and_text(rest)
        await self._require_here(number)
        await self._agreed(propose_answer(self._messages, number, Decision.REJECT, text), lines)
        self._tell(Sent(await self._messages.reject(number, text), text))

    async def _require_here(self, number: int) -> None:
        """Numbers count all messages: one that is mistyped may be that of a message of another session."""
        message = await self._messages.message(number)
        if message.statement.session_id != self._session_id:
            raise ServiceError("MESSAGE_NOT_FOUND", number=number)

    async def _members(self, _: str, __: AsyncIterator[str]) -> None:
        session = await self._messages.session(self._session_id)
        self._tell(Members(dict(session.people)))

    async def _receive(self) -> None:
        """Tell what comes. A server that is away when receiving begins is tried again, as one that goes away later."""
        while True:
            try:
                await self._follow()
            except FoursealError as error:
                if not is_break(error):
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow(self) -> None:
        async with aclosing(self._messages.receive(self._session_id, follow=True)) as results:
            async for result in results:
                if isinstance(result, NotReceived):
                    self._tell(result)
                else:
                    earlier = await self._messages.earlier(result)
                    self._tell(Arrived(result, earlier, await self._messages.read_text(result.number)))

    async def _watch(self) -> None:
        """Tell when people come and go, and when the session ends."""
        people: dict[str, MemberState] = {}
        warned = timedelta.max
        while True:
            try:
                session = await self._messages.session(self._session_id)
            except FoursealError as error:
                if not is_break(error):
                    raise
            else:
                if dict(session.people) != people:
                    people = dict(session.people)
                    self._tell(Members(people))
                remaining = _remaining(session)
                due = min((each for each in _WARNINGS if remaining <= each), default=timedelta.max)
                if due < warned:
                    warned = due
                    self._tell(Ending(remaining))
            await asyncio.sleep(_LOOK_SECONDS)


def _remaining(session: VerifiedSession) -> timedelta:
    if session.state is not SessionState.OPEN:
        return timedelta(0)
    return max(session.info.end - datetime.now(UTC), timedelta(0))


def _number_and_text(rest: str) -> tuple[int, str]:
    number, _, text = rest.partition(" ")
    if not (number.isascii() and number.isdigit()):
        raise ServiceError("MESSAGE_NOT_FOUND", number=number or "?")
    return int(number), text.strip()
