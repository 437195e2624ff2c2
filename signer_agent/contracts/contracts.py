"""``Contracts``: all that an opened key store has of accounts and contract sessions. From ``LocalAgent.contracts``.

::

    contracts = await agent.contracts()
    attempt = await contracts.logins.begin("alice", password)
    await contracts.logins.finish(attempt, attempt.second_factors[0].factor_id, code="123456")
    sessions = Sessions(await contracts.signer())
    session = await sessions.create("Purchase of a house", ["bob"], end)

A daemon has a face for logging in, sessions, messages and evidence (AgentContractService). For everything else programs
open the key store themselves, which they can while a daemon runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from signer_agent.client.agent import LocalAgent
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.account import Accounts
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.devices import Devices
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine, Logins
from signer_agent.contracts.messages import Messages
from signer_agent.contracts.personal_certificates import PersonalCertificates
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import SignerKeyring
from signer_agent.contracts.statements import StatementSigner
from signer_agent.evidence.evidence import Evidence
from signer_agent.interface import AsyncAgent
from signer_agent.keystore.store import KeyStore
from signer_agent.signing_device.device_key import JointDeviceKey, OwnDeviceKey
from signer_agent.signing_device.server_office import ServerOffice
from signer_agent.transactions.transactions import Transactions
from signer_agent.trusteeship.trusteeship import Trusteeship
from wire.catalogue import ServiceError

if TYPE_CHECKING:
    from signer_agent.drafting.drafting import Drafting


class Contracts:
    """Accounts, logins, signer keys, contacts, and the account that is logged in. Use ``of``.

    Args:
        store: the opened key store.
        line: to the server.
        drawers: of the store.
    """

    def __init__(self, store: KeyStore, line: ServerLine, drawers: Drawers) -> None:
        self.store = store
        self._line = line
        self._with_login = with_login = LoginLine(line, drawers)
        self.accounts = Accounts(with_login)
        self.logins = Logins(with_login)
        self.devices = Devices(with_login)
        self.keys = SignerKeyring(with_login)
        self.contacts = Contacts(drawers)

    @classmethod
    async def of(cls, store: KeyStore, line: ServerLine) -> Contracts:
        """Those of a key store. Raises ServiceError (STORE_PERMISSIONS, STORE_UNUSABLE)."""
        return cls(store, line, await asyncio.to_thread(Drawers, store))

    @asynccontextmanager
    async def messages(self) -> AsyncIterator[Messages]:
        """The messages of the account that is logged in, while the context lasts. Raises as ``signer``."""
        async with Messages.of(await self.signer(), self.store) as messages:
            yield messages

    async def evidence(self) -> Evidence:
        """The evidence that concerns the account that is logged in. Raises as ``signer``."""
        return await Evidence.of(await self.signer(), self.store)

    def personal_certificates(self, agent: AsyncAgent) -> PersonalCertificates:
        """Certificates of the agent's joint keys."""
        return PersonalCertificates(self._with_login, agent)

    def trusteeship(self, agent: AsyncAgent, key: str = "") -> Trusteeship:
        """Organisation keys in trust, for the account that is logged in.

        Args:
            agent: has the joint keys.
            key: label or id of the joint key that signs; empty: the only one with a personal certificate for signing.

        Raises:
            ServiceError: STORE_NOT_OPEN: the agent is a daemon's.
        """
        if not isinstance(agent, LocalAgent):
            raise ServiceError("STORE_NOT_OPEN", folder=str(self.store.home.folder))
        return Trusteeship(agent, self._with_login, key)

    def drafting(self, agent: AsyncAgent, key: str = "") -> Drafting:
        """Contract documents of the account that is logged in. Arguments and errors as those of ``trusteeship``."""
        if not isinstance(agent, LocalAgent):
            raise ServiceError("STORE_NOT_OPEN", folder=str(self.store.home.folder))
        from signer_agent.drafting.drafting import Drafting  # noqa: PLC0415  # imports what reads and signs PDFs

        return Drafting(agent, self._with_login, key)

    async def transactions(self, agent: AsyncAgent) -> Transactions:
        """Confirmed transactions that the account signs. Raises as ``signer``."""
        return Transactions(await self.signer(), self.personal_certificates(agent))

    async def signing_office(self, agent: AsyncAgent, key: str = "", *, own_key: bool = False) -> ServerOffice:
        """What a signing device of the account needs.

        Args:
            agent: has the joint keys.
            key: label or id of the joint key that signs; empty: the only one with a personal certificate for signing.
            own_key: sign by the account's own signer key instead.

        Raises:
            ServiceError: STORE_NOT_OPEN: the agent is a daemon's; as ``signer``.
        """
        if not isinstance(agent, LocalAgent):
            raise ServiceError("STORE_NOT_OPEN", folder=str(self.store.home.folder))
        signer = await self.signer()
        joint = StatementSigner(agent, self._with_login, self.personal_certificates(agent), key)
        device_key = OwnDeviceKey(signer) if own_key else JointDeviceKey(agent, joint)
        await device_key.certificate()  # what cannot sign says so now, and not to the first terminal
        return ServerOffice(self.store, signer, self.contacts, device_key)

    async def standing(self) -> tuple[object, ...]:
        """What ``signer`` is opened from, login and keys: a signer stays right while this is equal.

        Raises:
            ServiceError: LOGIN_REQUIRED, those of the key store.
        """
        login = await self._with_login.login()
        keys = await asyncio.to_thread(self._with_login.drawers.accounts.get, login.account)
        return login.account, login.login_id, login.proven, keys

    async def signer(self) -> Signer:
        """The account that is logged in. Raises as ``Signer.open``."""
        return await Signer.open(self.store, self._line)
