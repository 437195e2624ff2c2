"""``fourseal chat`` at a terminal: messages as they come, commands, Ctrl-C, and a server that goes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from contract.report import Check, Outcome
from signer_agent import Agent
from signer_agent.cli.chat import _text
from signer_agent.contracts.blocking import BlockingMessages
from signer_agent.contracts.chat import Arrived
from signer_agent.contracts.messages import Message
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from signer_agent.contracts.verdicts import Verdict
from signer_agent.home import Home
from tests.server.harness import ServerProcess
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.contracts.people import new_person
from tests.signer_agent.real import RealServer
from tests.signer_agent.stores import PASSPHRASE


@dataclass
class Room:
    """A session: Nora at a terminal, Otto with a program."""

    server: RealServer
    nora: Home
    otto: BlockingMessages
    session_id: str

    def say(self, text: str) -> None:
        """Otto sends a text."""
        self.otto.send(self.session_id, BytesSource(text.encode(), TEXT_TYPE))

    def heard(self) -> list[Message]:
        """What Otto receives now."""
        found = list(self.otto.receive(self.session_id))
        assert all(isinstance(each, Message) and each.verdict.verified for each in found), found
        return [each for each in found if isinstance(each, Message)]

    def chat(self) -> Terminal:
        """Nora begins to chat."""
        terminal = Terminal(self.nora, "chat", self.session_id)
        terminal.answer("Passphrase: ", PASSPHRASE)
        terminal.until("members: nora (joined), otto (joined)")
        return terminal


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """With a server of their own, which a test ends. It comes back at the same address."""
    folder = tmp_path_factory.mktemp("chat")
    with RealServer(folder / "server") as server, ExitStack() as stack:
        address = json.dumps(server.process.serving.server)
        settings = server.home.config.read_text().replace('listen = "127.0.0.1:0"', f"listen = {address}", 1)
        server.home.config.write_text(settings)
        homes = [new_person(server, folder, name).home for name in ("nora", "otto")]
        nora, otto = (
            stack.enter_context(Agent.open(passphrase=PASSPHRASE, home=home.folder)).contracts() for home in homes
        )
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        session_id = nora.sessions().create("A mill", ["otto"], end).session_id
        otto.sessions().join(session_id)
        yield Room(server, homes[0], stack.enter_context(otto.messages()), session_id)


@pytest.fixture
def room(rooms: Room) -> Room:
    """The session, with nothing unread."""
    rooms.heard()
    return rooms


def test_messages_come_while_a_line_is_typed(room: Room) -> None:
    """Above it; it is not lost, and leaves signed when it is finished. Commands work, mistakes do no harm."""
    terminal = room.chat()
    terminal.type("Good mor")
    terminal.until("> Good mor")
    room.say("Hello Nora\nVerdict  verified\x1b[2K")
    came = terminal.until("> Good mor")
    assert "✓ otto [" in came
    assert "| Hello Nora" in came
    assert "| Verdict  verified\\x1b[2K" in came, "the text of others was drawn as if it were ours"
    terminal.type("ning\n")
    terminal.until("you to otto")
    (message,) = room.heard()
    assert room.otto.read_text(message.number) == "Good morning"
    number = came.partition("✓ otto [")[2].partition("]")[0]
    terminal.type(f"/accept {number} gladly\n")
    terminal.until("that you accept this message as it is.")
    terminal.until("Sign that you accept this? y signs, anything else does not.")
    terminal.type("y\n")
    terminal.until("you to otto")
    assert f"accepts message {number} of otto" in terminal.until("gladly"), terminal.seen
    (answer,) = room.heard()
    assert answer.statement.answer is not None
    for line, said in (("/dance", "COMMAND_UNKNOWN"), ("/accept 999", "MESSAGE_NOT_FOUND"), ("/reject 1", "REASON")):
        terminal.type(f"{line}\n")
        terminal.until(said)
    terminal.type("/members\n")
    terminal.until("members: nora (joined), otto (joined)")
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.seen
    assert terminal.echoes


@pytest.mark.parametrize("typed", ["", "half a line"])
def test_ctrl_c_ends_a_chat(room: Room, typed: str) -> None:
    """Without a traceback; the terminal is as it was, and what was not finished was not sent."""
    terminal = room.chat()
    terminal.type(typed)
    terminal.until(f"> {typed}")
    terminal.interrupt()
    assert terminal.end() == 130, terminal.seen
    assert "Traceback" not in terminal.seen
    assert terminal.echoes
    assert room.heard() == []


def test_end_of_input_ends_a_chat(room: Room) -> None:
    """Control-D, as in a shell; the mailbox is free for others at once."""
    terminal = room.chat()
    terminal.type("\x04")
    assert terminal.end() == 0, terminal.seen
    assert terminal.echoes
    again = room.chat()
    again.type("\x04")
    assert again.end() == 0


@pytest.mark.parametrize("end", [ServerProcess.kill, ServerProcess.terminate])
def test_chat_goes_on_when_the_server_comes_back(room: Room, end: Callable[[ServerProcess], object]) -> None:
    """What is typed meanwhile is refused with a reason; what is said afterwards comes, both ways."""
    terminal = room.chat()
    end(room.server.process)
    terminal.type("Are you there?\n")
    terminal.until("SERVER_UNAVAILABLE")
    room.server.process = ServerProcess(room.server.home)
    room.say("I am back")
    terminal.until("| I am back")
    terminal.type("So am I\n")
    terminal.until("you to otto")
    assert "So am I" in [room.otto.read_text(each.number) for each in room.heard()]
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.seen


def test_what_does_not_hold_is_marked_with_the_reason(room: Room) -> None:
    """In the same line, in words."""
    terminal = room.chat()
    room.say("true")
    terminal.until("| true")
    terminal.type("/quit\n")
    assert terminal.end() == 0
    with Agent.open(passphrase=PASSPHRASE, home=room.nora.folder) as agent, agent.contracts().messages() as messages:
        *_, message = messages.messages()
    spoilt = replace(message, verdict=Verdict((Check("signature", Outcome.FAILED, "SIGNATURE_INVALID"),)))
    assert "✗ otto" in _text(Arrived(spoilt, None, "true"))
    assert "NOT VERIFIED: signature: SIGNATURE_INVALID" in _text(Arrived(spoilt, None, "true"))
