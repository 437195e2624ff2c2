"""The agent in this process: everything of ``AsyncAgent`` with the opened key store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

from fourseal.v1 import key_service_pb2, signing_service_pb2

from mpc.errors import FoursealError, blaming
from mpc.four_prime_rsa import OaepParameters, Purpose, Role, SignatureAlgorithm
from signer_agent.client.answers import fetch_key, read_key
from signer_agent.client.changes import request_change
from signer_agent.client.decryption import finish_decryption, prepare_decryption
from signer_agent.client.generation import Generations
from signer_agent.client.keyring import Keyring
from signer_agent.client.opening import open_key_store
from signer_agent.client.rekeying import rekey_request
from signer_agent.client.server_line import ServerLine
from signer_agent.client.signing import PreparedSignature, check_answer, check_batch, prepare_signatures
from signer_agent.engine import chosen_engine
from signer_agent.home import Home
from signer_agent.interface import DEFAULT_ALGORITHM, DEFAULT_HALF_BITS, DEFAULT_OAEP, AsyncAgent, OnStep
from signer_agent.keystore.entries import KeyRecord
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentKey, AgentState, DigestToSign, KeyChange, KeyPage, KeyState, SignedDigest
from signer_agent.requests import checked_page_size, generation_request
from signer_agent.usage import Usage
from wire.catalogue import ServiceError
from wire.client.repetition import CALL_SECONDS
from wire.client.version import VERSION
from wire.ids import new_request_id
from wire.limits import MAX_BATCH_ITEMS

if TYPE_CHECKING:
    from signer_agent.contracts.contracts import Contracts
    from signer_agent.log.watch import LogWatch

_THREADS: Final = os.cpu_count() or 1
_TURNS: Final = 4

_Result = TypeVar("_Result")


class LocalAgent(AsyncAgent):
    """See ``AsyncAgent``. Belongs to the event loop that it was made on.

    Exponentiations and files are left to worker threads, as many as there are cores; the GIL is free meanwhile.

    Args:
        store: the opened key store.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._keyring = Keyring(store)
        self._engine = chosen_engine()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="fourseal-agent")
        self._line: ServerLine | None = None
        self._line_turn = asyncio.Lock()
        self._generations = Generations(store, self._engine, self._in_thread)
        self._usage = Usage()

    @classmethod
    async def open_store(cls, home: Home, passphrase: str) -> LocalAgent:
        """Open the key store. Raises as ``AsyncAgent.open``."""
        return cls(await open_key_store(home, passphrase))

    async def state(self) -> AgentState:
        """See ``AsyncAgent``."""
        with self._usage.call():
            identity = await self._in_thread(self._store.identity)
        return AgentState(
            locked=False,
            version=VERSION,
            agent_id=identity.agent_id if identity else "",
            server_address=identity.server_address if identity else "",
            process_id=os.getpid(),
            wrong_pins=self._store.wrong_pins,
        )

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
        """See ``AsyncAgent``."""
        now = datetime.now(UTC)
        request = generation_request(purpose, half_bits, algorithms, daily_limit, label, request_id, now)
        with self._usage.call():
            return await self._generations.generate(await self._connected(), request, on_step or (lambda _: None))

    async def rekey(self, key: str, *, request_id: str | None = None, on_step: OnStep | None = None) -> AgentKey:
        """See ``AsyncAgent``."""
        now = datetime.now(UTC)
        with self._usage.call():
            line = await self._connected()
            request = await self._in_thread(partial(rekey_request, self._store, self._keyring, key, request_id, now))
            return await self._generations.generate(line, request, on_step or (lambda _: None))

    async def get_key(self, key: str) -> AgentKey:
        """See ``AsyncAgent``."""
        with self._usage.call():
            key_id = await self._key_id(key)
            record = await self._in_thread(partial(self._store.key, key_id))
            return await fetch_key(await self._connected(), key_id, record)

    async def list_key_page(self, page_size: int = 0, page_token: str = "") -> KeyPage:
        """See ``AsyncAgent``."""
        with self._usage.call():
            request = key_service_pb2.ListKeysRequest(page_size=checked_page_size(page_size), page_token=page_token)
            line = await self._connected()
            await self._generations.finish_interrupted(line)
            response = await line.call(line.keys.ListKeys, request)
            return await self._in_thread(partial(self._read_page, response))

    async def change_key(self, key: str, change: KeyChange) -> AgentKey:
        """See ``AsyncAgent``."""
        with self._usage.call():
            key_id, line = await self._key_id(key), await self._connected()
            record = await self._in_thread(partial(self._store.key, key_id))
            if change is not KeyChange.DESTROY:
                return read_key(await request_change(line, key_id, change), key_id, record)
            return await self._destroy(line, key_id, record)

    async def sign_digest(
        self,
        key: str,
        digest: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """See ``AsyncAgent``."""
        return (await self.sign_item(DigestToSign(key, algorithm, digest, request_id or new_request_id()))).signature

    async def sign_item(self, item: DigestToSign) -> SignedDigest:
        """As ``sign_digest``; says which key a label stood for."""
        with self._usage.call():
            line = await self._connected()
            prepared = await self._prepare_one(item)
            answer = await line.call(line.signing.SignDigest, prepared.request)
            return await self._in_thread(partial(check_answer, prepared, answer))

    async def prepare_item(self, item: DigestToSign) -> PreparedSignature:
        """Our side of a signature that the server completes in another call than SignDigest.

        Raises:
            FoursealError: what ``prepare_signatures`` finds.
        """
        with self._usage.call():
            return await self._prepare_one(item)

    async def sign_digests(self, items: Sequence[DigestToSign]) -> list[SignedDigest | FoursealError]:
        """See ``AsyncAgent``."""
        if not 1 <= len(items) <= MAX_BATCH_ITEMS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_BATCH_ITEMS, found=len(items))
        with self._usage.call():
            line = await self._connected()
            size = self._group_size(len(items))
            groups = [items[start : start + size] for start in range(0, len(items), size)]
            prepared = list(chain.from_iterable(await asyncio.gather(*map(self._prepare, groups))))
            ready = [item for item in prepared if isinstance(item, PreparedSignature)]
            if not ready:
                return [item for item in prepared if isinstance(item, FoursealError)]
            request = signing_service_pb2.BatchSignDigestsRequest(items=[item.request for item in ready])
            answer = await line.call(line.signing.BatchSignDigests, request)
            outcomes = iter(await self._in_thread(partial(check_batch, ready, answer)))
            return [item if isinstance(item, FoursealError) else next(outcomes) for item in prepared]

    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters = DEFAULT_OAEP) -> bytes:
        """See ``AsyncAgent``."""
        return (await self.decrypt_named(key, ciphertext, parameters))[1]

    async def decrypt_named(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> tuple[str, bytes]:
        """As ``decrypt``; says which key a label stood for, and then the plaintext."""
        with self._usage.call():
            line = await self._connected()
            prepared = await self._in_thread(partial(prepare_decryption, self._keyring, key, ciphertext))
            answer = await line.call(line.decryption.CreatePartialDecryption, prepared.request)
            plaintext = await self._in_thread(partial(finish_decryption, prepared, answer, parameters, self._engine))
            return prepared.request.key_id, plaintext

    async def contracts(self) -> Contracts:
        """See ``AsyncAgent``."""
        from signer_agent.contracts.contracts import Contracts  # noqa: PLC0415  # joint keys alone do not need it

        with self._usage.call():
            return await Contracts.of(self._store, await self._connected())

    async def log_watch(self, silent_after: timedelta | None = None, *, seconds: float = CALL_SECONDS) -> LogWatch:
        """What watches the server's log.

        Args:
            silent_after: see ``LogWatch``.
            seconds: deadline of each call, its repetitions included.

        Raises:
            ServiceError: NOT_ENROLLED, CERTIFICATE_EXPIRED; STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        from signer_agent.log.watch import LogWatch  # noqa: PLC0415  # joint keys alone do not need it

        with self._usage.call():
            return await LogWatch.of(self._store, await self._connected(), silent_after, seconds=seconds)

    async def set_pin(self, pin: str) -> None:
        """Have the key store opened by a PIN, with the server's help. Raises as ``pins.set_pin``."""
        from signer_agent.client.pins import set_pin  # noqa: PLC0415  # for PINs alone

        with self._usage.call():
            await set_pin(self._store, await self._connected(), pin)

    async def change_passphrase(self, passphrase: Passphrase) -> None:
        """Have the key store opened by a passphrase, in place of another, or of a PIN, whose guard is removed.

        Raises:
            FoursealError: PASSPHRASE_UNSUITABLE, STORE_UNUSABLE; where a PIN ends the server's: the passphrase is
                changed by then, and the guard stays until a PIN is set again.
        """
        with self._usage.call():
            header = await self._in_thread(partial(KeyStore.header, self._store.home))
            await self._in_thread(partial(self._store.change_passphrase, passphrase))
            if header.guard is not None:
                from signer_agent.client.pins import remove_guards  # noqa: PLC0415  # as above

                await remove_guards(await self._connected())

    async def close(self) -> None:
        """See ``AsyncAgent``."""
        await self._usage.end()
        line, self._line = self._line, None
        if line is not None:
            await line.close()
        self._threads.shutdown(wait=False)

    async def _key_id(self, key: str) -> str:
        return await self._in_thread(partial(self._keyring.key_id, key))

    async def _connected(self) -> ServerLine:
        async with self._line_turn:
            if self._line is None:
                identity = await self._in_thread(self._store.identity)
                if identity is None:
                    raise ServiceError("NOT_ENROLLED")
                self._line = ServerLine(identity, self._store)
            return self._line

    async def _destroy(self, line: ServerLine, key_id: str, record: KeyRecord | None) -> AgentKey:
        """Destroy both shares; also where an earlier call ended between the server's and ours."""
        key = await fetch_key(line, key_id, record)
        if key.state is not KeyState.DESTROYED:
            key = read_key(await request_change(line, key_id, KeyChange.DESTROY), key_id, record)
        if key.state is KeyState.DESTROYED:
            await self._in_thread(partial(self._keyring.erase, key_id))
        return key

    def _group_size(self, count: int) -> int:
        """How many of a batch go to a thread at a time: what suits the engine, and some turns for each thread."""
        width = self._engine.width
        return max(1, count // (_TURNS * _THREADS * width)) * width

    async def _prepare_one(self, item: DigestToSign) -> PreparedSignature:
        (prepared,) = await self._prepare([item])
        if isinstance(prepared, FoursealError):
            raise prepared
        return prepared

    async def _prepare(self, items: Sequence[DigestToSign]) -> list[PreparedSignature | FoursealError]:
        return await self._in_thread(partial(prepare_signatures, self._keyring, self._store, self._engine, items))

    def _read_page(self, response: key_service_pb2.ListKeysResponse) -> KeyPage:
        with blaming(Role.SERVER):
            records = [self._store.key(key.key_id) for key in response.keys]
        keys = (read_key(key, key.key_id, record) for key, record in zip(response.keys, records, strict=True))
        return KeyPage(tuple(keys), response.next_page_token)

    def _in_thread(self, function: Callable[[], _Result]) -> Awaitable[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function)
