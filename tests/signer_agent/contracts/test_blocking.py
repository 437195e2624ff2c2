"""Contract sessions for programs without asyncio."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.report import Outcome
from signer_agent import Agent
from signer_agent.contracts import blocking
from signer_agent.contracts.account import Accounts
from signer_agent.contracts.blocking import BlockingContracts, BlockingMessages
from signer_agent.contracts.login import Logins
from signer_agent.contracts.messages import FileSource, Message, Messages
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer_keys import SignerKeyring
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from signer_agent.drafting.documents import Documents
from signer_agent.drafting.drafting import Drafting
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.permissions import Permissions
from tests.signer_agent.contracts.people import new_person
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE

pytestmark = pytest.mark.full_cost


@pytest.fixture(scope="session")  # as the server: their names are taken there
def agents(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Agent]]:
    """Agents of two people who are logged in."""
    folder = tmp_path_factory.mktemp("blocking")
    with ExitStack() as stack:
        opened = {}
        for name in ("frida", "gustav"):
            person = new_person(server, folder, name)
            opened[name] = stack.enter_context(Agent.open(passphrase=PASSPHRASE, home=person.home.folder))
        yield opened


def meet(creator: BlockingContracts, other: BlockingContracts, name: str) -> str:
    """A session of two."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    session_id = creator.sessions().create("A mill", [name], end).session_id
    other.sessions().join(session_id)
    return session_id


def received_by(messages: BlockingMessages, session_id: str) -> list[Message]:
    """All that comes now, when nothing may be wrong."""
    found = list(messages.receive(session_id))
    assert all(isinstance(each, Message) and each.verdict.verified for each in found), found
    return [each for each in found if isinstance(each, Message)]


def test_a_contract_is_sent_read_accepted_and_refused_once_more(agents: dict[str, Agent], tmp_path: Path) -> None:
    """From the making of a session to its end."""
    frida, gustav = (agent.contracts() for agent in agents.values())
    session_id = meet(frida, gustav, "gustav")
    path = tmp_path / "contract.pdf"
    path.write_bytes(bytes(3 << 20))
    with frida.messages() as hers, gustav.messages() as his:
        hers.send(session_id, FileSource(path), evidence=True)
        (message,) = received_by(his, session_id)
        pieces: list[bytes] = []
        his.write_content(message.number, pieces.append)
        assert b"".join(pieces) == path.read_bytes()
        his.accept(message.number)
        with refused("ANSWERED_ALREADY"):
            his.reject(message.number, "no")
        received_by(hers, session_id)
        (sent,) = hers.sent()
        assert [each.author for each in sent.answers] == ["gustav"]
    opened = gustav.evidence().open(sent.statement.digest)
    assert (opened.report.outcome, len(opened.report.answers)) == (Outcome.PASSED, 1)
    assert frida.sessions().close(session_id).session_id == session_id


def test_threads_share_the_messages_of_an_account(agents: dict[str, Agent]) -> None:
    """Four at a time; each has a number of its own."""
    frida, gustav = (agent.contracts() for agent in agents.values())
    session_id = meet(frida, gustav, "gustav")
    with frida.messages() as hers, gustav.messages() as his:
        with ThreadPoolExecutor(4) as threads:
            sent = list(threads.map(lambda text: hers.send(session_id, BytesSource(text, TEXT_TYPE)), [b"text"] * 8))
        assert sorted(each.statement.sequence for each in sent) == list(range(1, 9))
        assert len(received_by(his, session_id)) == 8


def test_who_stops_receiving_lets_others_receive(agents: dict[str, Agent]) -> None:
    """What follows for ever ends when it is closed; nothing is lost."""
    frida, gustav = (agent.contracts() for agent in agents.values())
    session_id = meet(frida, gustav, "gustav")
    with frida.messages() as hers, gustav.messages() as his:
        following = his.receive(session_id, follow=True)
        hers.send(session_id, BytesSource(b"one", TEXT_TYPE))
        first = next(following)
        assert isinstance(first, Message)
        with refused("MAILBOX_BUSY"):
            list(his.receive(session_id))
        following.close()  # type: ignore[attr-defined]  # it is a generator
        hers.send(session_id, BytesSource(b"two", TEXT_TYPE))
        (second,) = received_by(his, session_id)
        assert [his.read_text(each.number) for each in (first, second)] == ["one", "two"]


def test_every_method_is_there() -> None:
    """And has the signature and the description of the one behind it."""
    pairs = {
        blocking.BlockingAccounts: Accounts,
        blocking.BlockingLogins: Logins,
        blocking.BlockingKeys: SignerKeyring,
        blocking.BlockingSessions: Sessions,
        blocking.BlockingMessages: Messages,
        blocking.BlockingEvidence: Evidence,
        blocking.BlockingPermissions: Permissions,
        blocking.BlockingDrafting: Drafting,
        blocking.BlockingDocuments: Documents,
    }
    for face, behind in pairs.items():
        wanted = {name for name, member in vars(behind).items() if inspect.isfunction(member) and name[0] != "_"}
        source = inspect.getsource(face)
        missing = {name for name in wanted if f"self.{name} = " not in source}
        assert missing <= {"close", "grant", "grantee_certificate", "opening"}, (
            face
        )  # what contexts, ``permit`` and ``open`` do


def test_a_closed_agent_has_no_contracts(server: RealServer, tmp_path: Path) -> None:
    """Neither before nor in the middle of something; and its thread is gone."""
    person = new_person(server, tmp_path, "hermine")
    before = [thread for thread in threading.enumerate() if thread.name == "fourseal-loop"]
    agent = Agent.open(passphrase=PASSPHRASE, home=person.home.folder)
    contracts = agent.contracts()
    with contracts.messages() as messages:
        agent.close()
        with refused("AGENT_CLOSED"):
            messages.messages()
    with refused("AGENT_CLOSED"):
        agent.contracts()
    assert [thread for thread in threading.enumerate() if thread.name == "fourseal-loop"] == before


def test_a_daemon_lends_no_key_store(server: RealServer, tmp_path: Path) -> None:
    """It is said what to do instead."""
    person = new_person(server, tmp_path, "ignaz")
    with running_daemon(person.home), Agent.connect(home=person.home.folder) as agent, refused("STORE_NOT_OPEN"):
        agent.contracts()
