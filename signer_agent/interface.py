"""What an agent can do, whoever does it: this process with the key store, or a daemon behind its socket.

``AsyncAgent`` has two implementations, ``client.agent.LocalAgent`` and ``daemon.client.DaemonAgent``;
``blocking.Agent`` is the same without asyncio. Every method raises FoursealError, with a reason of the catalogue
(docs/errors.md), and nothing else; if the server broke the protocol it is a PeerMisbehaved whose culprit is "server".
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mpc.errors import FoursealError
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, Purpose, SignatureAlgorithm
from signer_agent.client.pipeline import pipelined
from signer_agent.home import Home
from signer_agent.joint_private_key import JointPrivateKey, LoopSigner
from signer_agent.model import AgentKey, AgentState, DigestToSign, KeyChange, KeyPage, SignedDigest, SigningResult
from wire.client.paging import all_pages
from wire.limits import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from signer_agent.contracts.contracts import Contracts

DEFAULT_HALF_BITS: Final = 3072
DEFAULT_ALGORITHM: Final = SignatureAlgorithm.PSS_SHA256
DEFAULT_OAEP: Final = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256)

OnStep = Callable[[str], None]
"""Is told, in English, which step of a generation has been reached; on the thread of the event loop."""


class AsyncAgent(ABC):
    """An agent for asyncio. ``key`` is always the key's id, or its label where one key alone has it."""

    @staticmethod
    @asynccontextmanager
    async def open(*, passphrase: str, home: Path | str | None = None) -> AsyncIterator[AsyncAgent]:
        """Open the key store in this process.

        Args:
            passphrase: of the key store.
            home: the agent's folder; by default that of FOURSEAL_HOME, else ~/.local/share/fourseal.

        Raises:
            FoursealError: STORE_MISSING, PASSPHRASE_WRONG, STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        from signer_agent.client.agent import LocalAgent  # noqa: PLC0415  # it is a subclass of this

        agent = await LocalAgent.open_store(Home.find(home), passphrase)
        try:
            yield agent
        finally:
            await agent.close()

    @staticmethod
    @asynccontextmanager
    async def connect(*, home: Path | str | None = None) -> AsyncIterator[AsyncAgent]:
        """Use the daemon that runs in ``home`` (as in ``open``).

        Raises:
            FoursealError: AGENT_NOT_RUNNING, AGENT_LOCKED.
        """
        from signer_agent.daemon.client import DaemonAgent  # noqa: PLC0415  # it is a subclass of this

        agent = DaemonAgent(Home.find(home))
        try:
            await agent.require_unlocked()
            yield agent
        finally:
            await agent.close()

    @abstractmethod
    async def state(self) -> AgentState:
        """Say how the agent is."""

    @abstractmethod
    async def generate_key(
        self,
        purpose: Purpose | str,
        *,
        half_bits: int = DEFAULT_HALF_BITS,
        algorithms: Sequence[SignatureAlgorithm] = (),
        daily_limit: int = 0,
        label: str = "",
        request_id: str | None = None,
        on_step: OnStep | None = None,
    ) -> AgentKey:
        """Generate a joint key together with the server. Takes some seconds.

        A crash or a lost connection leaves a generation that can be finished: by a repeat with the same ``request_id``,
        or by the next call of ``generate_key`` or ``list_keys``, which finish it first.

        Args:
            purpose: "sign" or "decrypt", for the key's whole life.
            half_bits: 2048, 3072 or 4096 bits of each half.
            algorithms: what the server shall allow; empty for all. Empty for a decryption key.
            daily_limit: operations a day that the server shall allow; 0 for no limit.
            label: a name for people, at most 64 characters.
            request_id: 16 to 64 characters of [A-Za-z0-9_-], once for each key; by default a fresh one.
            on_step: is told of each step.
        """

    @abstractmethod
    async def rekey(self, key: str, *, request_id: str | None = None, on_step: OnStep | None = None) -> AgentKey:
        """Replace a key by one with the same client share and a new server share, together with the server.

        The new key has an id of its own, and purpose, size, policy and label of the replaced one; the label then stands
        for the new key. A replaced signing key is destroyed in the same moment; a decryption key stays, by its id, for
        what was encrypted to it. The server revokes the replaced key's certificate. Not for a key whose client share
        may be known to others: generate a new one then.

        What is interrupted can be finished as in ``generate_key``, also by a repeat without ``request_id``.

        Args:
            key: enabled or disabled, and not replaced before.
            request_id: 16 to 64 characters of [A-Za-z0-9_-], once for each re-key; by default a fresh one.
            on_step: is told of each step.
        """

    @abstractmethod
    async def get_key(self, key: str) -> AgentKey:
        """Return a key as the server has it now."""

    @abstractmethod
    async def list_key_page(self, page_size: int = 0, page_token: str = "") -> KeyPage:
        """Return some keys as the server has them now, oldest first.

        Args:
            page_size: at most so many: 1 to 1000; 0 means 100.
            page_token: of the page before; empty for the first.
        """

    @abstractmethod
    async def change_key(self, key: str, change: KeyChange) -> AgentKey:
        """Move a key to another state, and return it as it is then."""

    @abstractmethod
    async def sign_digest(
        self,
        key: str,
        digest: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """Make a joint signature of a digest.

        Args:
            key: a key for signing.
            digest: of the document, exactly the length of the algorithm's hash.
            algorithm: padding and hash.
            request_id: 16 to 64 characters of [A-Za-z0-9_-]. A repeat of the same request returns the same signature.
                By default a fresh one.

        Returns:
            The signature, verified: big-endian, exactly the length of the joint modulus.
        """

    @abstractmethod
    async def sign_digests(self, items: Sequence[DigestToSign]) -> list[SignedDigest | FoursealError]:
        """Make 1 to 256 joint signatures; each item has its own outcome, in the same order."""

    async def sign_many(
        self, items: Iterable[DigestToSign] | AsyncIterable[DigestToSign]
    ) -> AsyncGenerator[SigningResult]:
        """Make joint signatures of any number of items, some hundreds of them under way at a time.

        Each item has its own result, yielded in the order of the items as soon as it is there: one that fails touches
        no other, and none is raised. What a server refuses for now (it is overloaded, or is started again) is asked for
        again for a minute, with the same request ids.

        Args:
            items: some hundreds are taken ahead. Read on a thread of its own unless it is asynchronous, so it may
                block. What it raises is raised here, after the results of the items before.
        """
        index = 0
        async with aclosing(pipelined(items, self.sign_digests)) as outcomes:
            async for item, outcome in outcomes:
                yield SigningResult(index, item, outcome)
                index += 1

    @abstractmethod
    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters = DEFAULT_OAEP) -> bytes:
        """Decrypt an RSAES-OAEP ciphertext.

        Args:
            key: a key for decryption.
            ciphertext: exactly the length of the joint modulus.
            parameters: what the sender used.

        Raises:
            DecryptionFailed: for every failure of the padding.
        """

    @abstractmethod
    async def contracts(self) -> Contracts:
        """Accounts and contract sessions, while this agent is open.

        Raises:
            FoursealError: NOT_ENROLLED, CERTIFICATE_EXPIRED, those of the key store; STORE_NOT_OPEN: a daemon has it.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what is in flight, and forget every secret. A second call does nothing."""

    async def sign(
        self,
        key: str,
        document: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """Hash a document and sign its digest. See ``sign_digest``."""
        digest = await asyncio.to_thread(algorithm.hash.digest, document)
        return await self.sign_digest(key, digest, algorithm, request_id=request_id)

    async def list_keys(self) -> list[AgentKey]:
        """Return all keys as the server has them now, oldest first."""

        async def page(token: str) -> tuple[tuple[AgentKey, ...], str]:
            found = await self.list_key_page(MAX_PAGE_SIZE, token)
            return found.keys, found.next_page_token

        return await all_pages(page)

    async def private_key(self, key: str) -> JointPrivateKey:
        """Return a key as an RSAPrivateKey of ``cryptography``, for its X.509, CSR, PKCS#7 builders and the like.

        Its methods block, so they are for other threads than that of the event loop (asyncio.to_thread).
        """
        found = await self.get_key(key)
        signer = LoopSigner(self, asyncio.get_running_loop())
        return JointPrivateKey(signer, found.key_id, found.require_joint_key())
