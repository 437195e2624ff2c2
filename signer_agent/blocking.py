"""``Agent``: everything of ``AsyncAgent`` for programs without asyncio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mpc.errors import FoursealError
from mpc.four_prime_rsa import OaepParameters, Purpose, SignatureAlgorithm
from signer_agent.interface import DEFAULT_ALGORITHM, DEFAULT_HALF_BITS, DEFAULT_OAEP, AsyncAgent, OnStep
from signer_agent.joint_private_key import JointPrivateKey
from signer_agent.loop_thread import LoopThread
from signer_agent.model import AgentKey, AgentState, DigestToSign, KeyChange, KeyPage, SignedDigest, SigningResult

if TYPE_CHECKING:
    from signer_agent.contracts.blocking import BlockingContracts


class Agent:
    """An agent whose calls block. Use ``open`` or ``connect``. Safe to use from several threads.

    See ``AsyncAgent`` for arguments, results and errors; ``key`` is always the key's id, or its label where one key
    alone has it. After ``close`` every call raises ServiceError (AGENT_CLOSED).
    """

    def __init__(self, opening: AbstractAsyncContextManager[AsyncAgent]) -> None:
        self._thread = LoopThread()
        self._stack = AsyncExitStack()
        try:
            self._agent = self._thread.run(self._stack.enter_async_context(opening))
        except BaseException:
            self._thread.end()
            raise

    @classmethod
    def open(cls, *, passphrase: str, home: Path | str | None = None) -> Self:
        """Open the key store in this process. See ``AsyncAgent.open``."""
        return cls(AsyncAgent.open(passphrase=passphrase, home=home))

    @classmethod
    def connect(cls, *, home: Path | str | None = None) -> Self:
        """Use the daemon that runs in ``home``. See ``AsyncAgent.connect``."""
        return cls(AsyncAgent.connect(home=home))

    def state(self) -> AgentState:
        """Say how the agent is."""
        return self._thread.run(self._agent.state())

    def generate_key(
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
        """Generate a joint key together with the server; ``on_step`` is called on another thread."""
        return self._thread.run(
            self._agent.generate_key(
                purpose,
                half_bits=half_bits,
                algorithms=algorithms,
                daily_limit=daily_limit,
                label=label,
                request_id=request_id,
                on_step=on_step,
            )
        )

    def rekey(self, key: str, *, request_id: str | None = None, on_step: OnStep | None = None) -> AgentKey:
        """Replace a key by one with the same client share and a new server share; ``on_step`` as there."""
        return self._thread.run(self._agent.rekey(key, request_id=request_id, on_step=on_step))

    def get_key(self, key: str) -> AgentKey:
        """Return a key as the server has it now."""
        return self._thread.run(self._agent.get_key(key))

    def list_key_page(self, page_size: int = 0, page_token: str = "") -> KeyPage:
        """Return some keys as the server has them now, oldest first."""
        return self._thread.run(self._agent.list_key_page(page_size, page_token))

    def list_keys(self) -> list[AgentKey]:
        """Return all keys as the server has them now, oldest first."""
        return self._thread.run(self._agent.list_keys())

    def change_key(self, key: str, change: KeyChange) -> AgentKey:
        """Move a key to another state, and return it as it is then."""
        return self._thread.run(self._agent.change_key(key, change))

    def sign(
        self,
        key: str,
        document: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """Hash a document and sign its digest."""
        return self._thread.run(self._agent.sign(key, document, algorithm, request_id=request_id))

    def sign_digest(
        self,
        key: str,
        digest: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """Make a joint signature of a digest."""
        return self._thread.run(self._agent.sign_digest(key, digest, algorithm, request_id=request_id))

    def sign_digests(self, items: Sequence[DigestToSign]) -> list[SignedDigest | FoursealError]:
        """Make 1 to 256 joint signatures; each item has its own outcome, in the same order."""
        return self._thread.run(self._agent.sign_digests(items))

    def sign_many(self, items: Iterable[DigestToSign]) -> Iterator[SigningResult]:
        """Make joint signatures of any number of items; ``items`` is read on another thread."""
        return self._thread.iterating(self._agent.sign_many)(items)

    def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters = DEFAULT_OAEP) -> bytes:
        """Decrypt an RSAES-OAEP ciphertext."""
        return self._thread.run(self._agent.decrypt(key, ciphertext, parameters))

    def private_key(self, key: str) -> JointPrivateKey:
        """Return a key as an RSAPrivateKey of ``cryptography``."""
        return self._thread.run(self._agent.private_key(key))

    def contracts(self) -> BlockingContracts:
        """Accounts and contract sessions, while this agent is open. See ``AsyncAgent.contracts``."""
        from signer_agent.contracts.blocking import BlockingContracts  # noqa: PLC0415  # as in LocalAgent.contracts

        return BlockingContracts(self._thread, self._agent, self._thread.run(self._agent.contracts()))

    def close(self) -> None:
        """Finish what is in flight, and forget every secret. A second call does nothing."""
        if not self._thread.ended:
            self._thread.run(self._stack.aclose())
            self._thread.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
