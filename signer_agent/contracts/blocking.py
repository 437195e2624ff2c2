"""Accounts and contract sessions for programs without asyncio. From ``Agent.contracts``.

::

    with Agent.open(passphrase=passphrase) as agent:
        contracts = agent.contracts()
        with contracts.messages() as messages:
            messages.send(session_id, FileSource(Path("contract.pdf")))
            for received in messages.receive(session_id):
                ...

Every method is the one of the same name in ``Contracts``, ``Accounts``, ``Logins``, ``SignerKeyring``, ``Sessions``,
``Messages``, ``Evidence``, ``Trusteeship`` or ``Drafting``, and blocks until that is done. What is called back
(``on_step``, ``on_progress``) is called on another thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from signer_agent.contracts.account import Accounts
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.login import Logins
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer_keys import SignerKeyring
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.permissions import Permissions
from signer_agent.interface import AsyncAgent
from signer_agent.loop_thread import LoopThread
from signer_agent.trusteeship.trusteeship import Trusteeship

if TYPE_CHECKING:
    from signer_agent.drafting.documents import Documents
    from signer_agent.drafting.drafting import Drafting


class BlockingAccounts:
    """See ``Accounts``."""

    def __init__(self, thread: LoopThread, accounts: Accounts) -> None:
        self.register = thread.blocking(accounts.register)
        self.confirm_factor = thread.blocking(accounts.confirm_factor)
        self.show = thread.blocking(accounts.show)
        self.change_password = thread.blocking(accounts.change_password)
        self.add_factor = thread.blocking(accounts.add_factor)
        self.remove_factor = thread.blocking(accounts.remove_factor)


class BlockingLogins:
    """See ``Logins``."""

    def __init__(self, thread: LoopThread, logins: Logins) -> None:
        self.begin = thread.blocking(logins.begin)
        self.send_code = thread.blocking(logins.send_code)
        self.finish = thread.blocking(logins.finish)
        self.prove = thread.blocking(logins.prove)
        self.end = thread.blocking(logins.end)
        self.revoke = thread.blocking(logins.revoke)
        self.list = thread.blocking(logins.list)


class BlockingKeys:
    """See ``SignerKeyring``."""

    def __init__(self, thread: LoopThread, keys: SignerKeyring) -> None:
        self.make = thread.blocking(keys.make)
        self.prepare = thread.blocking(keys.prepare)
        self.is_pending = thread.blocking(keys.is_pending)
        self.revoke = thread.blocking(keys.revoke)
        self.active = thread.blocking(keys.active)


class BlockingSessions:
    """See ``Sessions``."""

    def __init__(self, thread: LoopThread, sessions: Sessions) -> None:
        self.create = thread.blocking(sessions.create)
        self.invite = thread.blocking(sessions.invite)
        self.join = thread.blocking(sessions.join)
        self.leave = thread.blocking(sessions.leave)
        self.remove = thread.blocking(sessions.remove)
        self.close = thread.blocking(sessions.close)
        self.list = thread.blocking(sessions.list)
        self.list_page = thread.blocking(sessions.list_page)


class BlockingMessages:
    """See ``Messages``. ``receive`` is an iterator; one that is not read to its end is to be closed."""

    def __init__(self, thread: LoopThread, messages: Messages) -> None:
        self.account = messages.account
        self.send = thread.blocking(messages.send)
        self.reply = thread.blocking(messages.reply)
        self.accept = thread.blocking(messages.accept)
        self.reject = thread.blocking(messages.reject)
        self.addressed_by_answers = thread.blocking(messages.addressed_by_answers)
        self.receive = thread.iterating(messages.receive)
        self.session = thread.blocking(messages.session)
        self.messages = thread.blocking(messages.messages)
        self.page = thread.blocking(messages.page)
        self.message = thread.blocking(messages.message)
        self.answers_to = thread.blocking(messages.answers_to)
        self.earlier = thread.blocking(messages.earlier)
        self.sent = thread.blocking(messages.sent)
        self.write_content = thread.blocking(messages.write_content)
        self.read_text = thread.blocking(messages.read_text)
        self.alarms = thread.blocking(messages.alarms)
        self.decide_alarm = thread.blocking(messages.decide_alarm)


class BlockingEvidence:
    """See ``Evidence``."""

    def __init__(self, thread: LoopThread, evidence: Evidence) -> None:
        self.account = evidence.account
        self.list = thread.blocking(evidence.list)
        self.list_page = thread.blocking(evidence.list_page)
        self.open = thread.blocking(evidence.open)
        self.describe = thread.blocking(evidence.describe)
        self.disclose = thread.blocking(evidence.disclose)
        self.permit = thread.blocking(evidence.permit)
        self.permissions = BlockingPermissions(thread, evidence.permissions)


class BlockingPermissions:
    """See ``Permissions``."""

    def __init__(self, thread: LoopThread, permissions: Permissions) -> None:
        self.all = thread.blocking(permissions.all)
        self.revoke = thread.blocking(permissions.revoke)
        self.ask = thread.blocking(permissions.ask)
        self.requests = thread.blocking(permissions.requests)
        self.refuse = thread.blocking(permissions.refuse)


class BlockingTrusteeship:
    """See ``Trusteeship``."""

    def __init__(self, thread: LoopThread, trusteeship: Trusteeship) -> None:
        self.organisation = thread.blocking(trusteeship.organisation)
        self.request_grant = thread.blocking(trusteeship.request_grant)
        self.grants = thread.blocking(trusteeship.grants)
        self.grant = thread.blocking(trusteeship.grant)
        self.order = thread.blocking(trusteeship.order)
        self.approve = thread.blocking(trusteeship.approve)
        self.refuse = thread.blocking(trusteeship.refuse)
        self.suspend = thread.blocking(trusteeship.suspend)
        self.revoke = thread.blocking(trusteeship.revoke)
        self.sign = thread.blocking(trusteeship.sign)
        self.sign_digest = thread.blocking(trusteeship.sign_digest)
        self.decrypt = thread.blocking(trusteeship.decrypt)
        self.private_key = thread.blocking(trusteeship.private_key)
        self.records = thread.blocking(trusteeship.records)
        self.export = thread.blocking(trusteeship.export)


class BlockingDrafting:
    """See ``Drafting``."""

    def __init__(self, thread: LoopThread, drafting: Drafting) -> None:
        self.create = thread.blocking(drafting.create)
        self.contracts = thread.blocking(drafting.contracts)
        self.contract = thread.blocking(drafting.contract)
        self.draft = thread.blocking(drafting.draft)
        self.edit = thread.blocking(drafting.edit)
        self.pass_pen = thread.blocking(drafting.pass_pen)
        self.confirm = thread.blocking(drafting.confirm)
        self.reopen = thread.blocking(drafting.reopen)
        self.refuse = thread.blocking(drafting.refuse)
        self.sign = thread.blocking(drafting.sign)
        self.consent = thread.blocking(drafting.consent)
        self.finish = thread.blocking(drafting.finish)
        self.account = thread.blocking(drafting.account)
        self.documents = BlockingDocuments(thread, drafting.documents)


class BlockingDocuments:
    """See ``Documents``."""

    def __init__(self, thread: LoopThread, documents: Documents) -> None:
        self.pdf = thread.blocking(documents.pdf)
        self.docx = thread.blocking(documents.docx)
        self.sign_pdf = thread.blocking(documents.sign_pdf)
        self.revocation_data = thread.blocking(documents.revocation_data)
        self.archived = thread.blocking(documents.archived)
        self.evidence = thread.blocking(documents.evidence)


class BlockingContracts:
    """See ``Contracts``. Safe to use from several threads, while its agent is open.

    Args:
        thread: of the agent.
        agent: the agent.
        contracts: of the same agent.
    """

    def __init__(self, thread: LoopThread, agent: AsyncAgent, contracts: Contracts) -> None:
        self._thread = thread
        self._agent = agent
        self._contracts = contracts
        self.accounts = BlockingAccounts(thread, contracts.accounts)
        self.logins = BlockingLogins(thread, contracts.logins)
        self.keys = BlockingKeys(thread, contracts.keys)
        self.contacts = contracts.contacts

    def sessions(self) -> BlockingSessions:
        """The sessions of the account that is logged in. Raises as ``Contracts.signer``."""
        return BlockingSessions(self._thread, Sessions(self._thread.run(self._contracts.signer())))

    def trusteeship(self, key: str = "") -> BlockingTrusteeship:
        """Organisation keys in trust, for the account that is logged in. See ``Contracts.trusteeship``."""

        async def made() -> Trusteeship:
            return self._contracts.trusteeship(self._agent, key)

        return BlockingTrusteeship(self._thread, self._thread.run(made()))

    def drafting(self, key: str = "") -> BlockingDrafting:
        """Contract documents of the account that is logged in. See ``Contracts.drafting``."""

        async def made() -> Drafting:
            return self._contracts.drafting(self._agent, key)

        return BlockingDrafting(self._thread, self._thread.run(made()))

    def evidence(self) -> BlockingEvidence:
        """The evidence that concerns the account that is logged in. Raises as ``Contracts.signer``."""
        return BlockingEvidence(self._thread, self._thread.run(self._contracts.evidence()))

    @contextmanager
    def messages(self) -> Iterator[BlockingMessages]:
        """The messages of the account that is logged in, while the context lasts. Raises as ``Contracts.signer``."""
        with self._thread.entered(self._contracts.messages()) as messages:
            yield BlockingMessages(self._thread, messages)
