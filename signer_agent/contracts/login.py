"""Logging in: password, second factor, then proof of possession both ways; and the login that this agent keeps.

The token is sealed in the key store, so that one command after the other can use it, and erased when the login ended or
the server says so. It is bound to this agent's certificate: elsewhere it is worth nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from fourseal.v1 import account_service_pb2 as pb

from contract.names import check_account_name
from mpc.secret import Secret
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.account_messages import account_from_proto, factor_from_proto, login_from_proto
from signer_agent.contracts.entries import CURRENT, Drawers, StoredLogin
from signer_agent.contracts.model import Login, SecondFactor
from signer_agent.contracts.possession import prove_possession
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed
from wire.client.paging import all_pages
from wire.client.repetition import CALL_SECONDS
from wire.status import RemoteError
from wire.streams import STREAM_SECONDS, under_way

_TOKEN_LENGTH: Final = 43

_Response = TypeVar("_Response")


class LoginLine:
    """The line to the server, with the login that this agent has.

    Args:
        line: to the server.
        drawers: where the login is kept.
    """

    def __init__(self, line: ServerLine, drawers: Drawers) -> None:
        self.line = line
        self.drawers = drawers

    async def login(self) -> StoredLogin:
        """The login. Raises ServiceError (LOGIN_REQUIRED, those of the key store)."""
        found = await asyncio.to_thread(self.drawers.logins.get, CURRENT)
        if found is None:
            raise ServiceError("LOGIN_REQUIRED")
        return found

    async def call(
        self, method: Callable[..., Awaitable[_Response]], request: object, *, seconds: float = CALL_SECONDS
    ) -> _Response:
        """Call the server with the login; see ``ServerLine.call``.

        Raises:
            FoursealError: LOGIN_REQUIRED: there is none, or it has ended; then it is erased. What the server refuses.
        """
        async with self._logged_in() as login:
            return await self.line.call(method, request, seconds=seconds, login_token=login.token)

    @asynccontextmanager
    async def stream(self, method: Callable[..., Any], *request: object) -> AsyncIterator[Any]:
        """A stream of gRPC's with the login, under way while the context lasts; not repeated.

        Raises:
            FoursealError: as ``call``, and as ``under_way``.
        """
        async with self._logged_in() as login:
            metadata = await self.line.metadata(login.token)
            async with under_way(method(*request, metadata=metadata, timeout=STREAM_SECONDS)) as call:
                yield call

    async def keep(self, account: str, login_id: str, token: str) -> StoredLogin:
        """Keep a login that the server has just given, in place of another one; it is not proven.

        Raises:
            PeerMisbehaved: ANSWER_MALFORMED: the token is none; the culprit is the server.
        """
        if len(token) != _TOKEN_LENGTH or not token.isascii() or not token.isprintable():
            raise answer_malformed("its token is none")
        stored = StoredLogin(account, login_id, token, proven=False)
        await asyncio.to_thread(self.drawers.logins.put, CURRENT, stored)
        return stored

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[StoredLogin]:
        """The login, which is erased when the server says that it has ended."""
        login = await self.login()
        try:
            yield login
        except RemoteError as error:
            if error.reason == "LOGIN_REQUIRED":
                await self.forget(login)
            raise

    async def forget(self, login: StoredLogin) -> None:
        """Erase a login, unless another took its place meanwhile."""
        found = await asyncio.to_thread(self.drawers.logins.get, CURRENT)
        if found is not None and found.login_id == login.login_id:
            await asyncio.to_thread(self.drawers.logins.remove, CURRENT)


class LoginAttempt(Secret):
    """A login whose password was right. From ``Logins.begin``.

    Args:
        name: the account.
        challenge: names the attempt for five minutes, secret.
        second_factors: of which one is to be answered.
        webauthn_options_json: for a WebAuthn factor; empty if there is none.
    """

    __slots__ = ("challenge", "name", "second_factors", "webauthn_options_json")

    def __init__(
        self, name: str, challenge: str, second_factors: tuple[SecondFactor, ...], webauthn_options_json: str
    ) -> None:
        self.name = name
        self.challenge = challenge
        self.second_factors = second_factors
        self.webauthn_options_json = webauthn_options_json

    def _public_summary(self) -> str:
        return f"name={self.name}"


class Logins:
    """Logs in and out. Every method raises FoursealError, what the server refuses among them.

    Args:
        line: with the login.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._rpc = line.line.accounts

    async def begin(self, name: str, password: str) -> LoginAttempt:
        """First step. Raises LOGIN_FAILED, ACCOUNT_LOCKED, TOO_MANY_FAILURES."""
        request = pb.BeginLoginRequest(name=check_account_name(name), password=password)
        answer = await self._line.line.call(self._rpc.BeginLogin, request)
        factors = tuple(map(factor_from_proto, answer.second_factors))
        return LoginAttempt(name, answer.challenge, factors, answer.webauthn_options_json)

    async def send_code(self, attempt: LoginAttempt, factor_id: str) -> None:
        """Have the code of an SMS factor sent. Raises CODE_SENT_RECENTLY, CODE_NOT_SENT."""
        request = pb.SendLoginCodeRequest(challenge=attempt.challenge, factor_id=factor_id)
        await self._line.line.call(self._rpc.SendLoginCode, request)

    async def finish(
        self, attempt: LoginAttempt, factor_id: str, *, code: str = "", webauthn_response_json: str = ""
    ) -> Login:
        """Second step, and the proof of possession where the account has signer keys here that are certified now.

        Raises LOGIN_FAILED; SERVER_NOT_PROVEN, CLOCK_DIFFERS, POSSESSION_NOT_PROVEN.
        """
        request = pb.FinishLoginRequest(
            challenge=attempt.challenge,
            factor_id=factor_id,
            code=code,
            webauthn_response_json=webauthn_response_json,
        )
        answer = await self._line.line.call(self._rpc.FinishLogin, request)
        account_from_proto(answer.account, attempt.name)
        stored = await self._line.keep(attempt.name, answer.login.login_id, answer.token)
        pairs = await asyncio.to_thread(self._line.drawers.pairs_of, attempt.name)
        if pairs and datetime.now(UTC) < pairs[0].expire_time:
            return await self.prove()
        return login_from_proto(answer.login, stored.login_id)

    async def prove(self) -> Login:
        """Prove possession of the account's keys, after the server has proved itself.

        Raises SIGNER_KEYS_MISSING, SIGNER_CERTIFICATE_EXPIRED, and as ``finish``.
        """
        stored = await self._line.login()
        pairs = await asyncio.to_thread(self._line.drawers.pairs_of, stored.account)
        if not pairs:
            raise ServiceError("SIGNER_KEYS_MISSING", name=stored.account)
        if pairs[0].expire_time <= datetime.now(UTC):
            raise ServiceError("SIGNER_CERTIFICATE_EXPIRED", expire_time=pairs[0].expire_time.isoformat())
        login = await prove_possession(self._line.line, stored, pairs[0])
        proven = StoredLogin(stored.account, stored.login_id, stored.token, proven=True)
        await asyncio.to_thread(self._line.drawers.logins.put, CURRENT, proven)
        return login_from_proto(login, stored.login_id)

    async def end(self) -> None:
        """Log out: the server ends the login, and its token is erased, even if the server cannot be reached."""
        stored = await self._line.login()
        try:
            await self._line.call(self._rpc.RevokeLogin, pb.RevokeLoginRequest())
        finally:
            await self._line.forget(stored)

    async def revoke(self, login_id: str) -> None:
        """End another login of the account."""
        stored = await self._line.login()
        await self._line.call(self._rpc.RevokeLogin, pb.RevokeLoginRequest(login_id=login_id))
        if login_id == stored.login_id:
            await self._line.forget(stored)

    async def list(self) -> list[Login]:
        """The account's logins that have not ended, newest first."""
        stored = await self._line.login()

        async def page(token: str) -> tuple[Iterable[Login], str]:
            answer = await self._line.call(self._rpc.ListLogins, pb.ListLoginsRequest(page_token=token))
            return [login_from_proto(login, stored.login_id) for login in answer.logins], answer.next_page_token

        return await all_pages(page)
