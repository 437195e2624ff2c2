"""What owners of joint keys do: ask for certificates, look at what became of it, have them revoked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from server.clock import Clock
from server.identity import (
    IssuedCertificate,
    Login,
    Logins,
    RevocationLists,
    RevocationReason,
    check_callers,
    find_certificate,
    is_key_certified,
    require_unlisted,
    revoke_single_certificate,
)
from server.identity.names import new_id
from server.journal import Intent, Request, Result, run_at_once
from server.registration import store
from server.registration.checking import check_request
from server.registration.store import CertificateRequest, RequestState
from server.signing import own_key
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError

REQUESTS_PER_DAY: Final = 20
"""Of an account. None is ever deleted, so they count themselves."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the certificate that was issued; None as long as there is none."""

    request: CertificateRequest
    issued: IssuedCertificate | None


class CertificateRequests:
    """The requests of whoever is logged in.

    Args:
        database: where they are.
        logins: see that who asks is logged in.
        lists: the list of revoked certificates.
        random: randomness for names.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        logins: Logins,
        lists: RevocationLists,
        random: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        self._database = database
        self._logins = logins
        self._lists = lists
        self._random = random
        self._clock = clock

    async def ask(self, request: Request, login: Login, key_id: str, pkcs10: bytes) -> Asked:
        """Ask for a certificate. It waits for an officer's decision.

        Raises:
            ServiceError: LOGIN_REQUIRED, KEY_NOT_FOUND, what ``check_request`` raises, KEY_BLACK_LISTED,
                KEY_CERTIFIED_BEFORE (also while another request for the key waits), TOO_MANY_CERTIFICATE_REQUESTS,
                REQUEST_ID_REUSED.
        """

        def change(connection: Connection) -> Result:
            self._logins.require(connection, login)
            key, now = own_key(connection, login.caller, key_id), self._clock()
            key_der = check_request(key, login.account, pkcs10)
            digest = sha256(key_der).digest()
            require_unlisted(connection, [digest])
            if is_key_certified(connection, digest) or store.list_waiting(connection, digest):
                raise ServiceError("KEY_CERTIFIED_BEFORE", purpose=key.purpose)
            if store.count_since(connection, login.account, now - _DAY) >= REQUESTS_PER_DAY:
                raise ServiceError("TOO_MANY_CERTIFICATE_REQUESTS", limit=REQUESTS_PER_DAY)
            made = CertificateRequest(
                certificate_request_id=new_id(self._random),
                account=login.account,
                agent_id=login.caller.agent_id,
                key_id=key_id,
                purpose=key.purpose,
                pkcs10=pkcs10,
                key_der=key_der,
                key_sha256=digest,
                state=RequestState.WAITING,
                create_time=now,
            )
            store.add_request(connection, made)
            return Result(made.certificate_request_id.encode())

        answer = await run_at_once(self._database, check_callers, self._clock, Intent(request, key_id), change)
        return await self.get(login, answer.decode())

    async def get(self, login: Login, certificate_request_id: str) -> Asked:
        """A request of the caller's account.

        Raises:
            ServiceError: CERTIFICATE_REQUEST_NOT_FOUND, also for another account's.
        """
        return await self._database.read(lambda connection: _own(connection, login, certificate_request_id))

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[Asked]:
        """A page of the account's requests, oldest first.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)

        def query(connection: Connection) -> list[Asked]:
            found = store.list_requests(connection, after, limit + 1, account=login.account)
            return [_asked(connection, each) for each in found]

        return cut_page(await self._database.read(query), limit, _cursor)

    async def revoke(
        self, request: Request, login: Login, certificate_request_id: str, reason: RevocationReason
    ) -> datetime:
        """Revoke the certificate that a request led to. Returns when the list of revoked certificates says so.

        Raises:
            ServiceError: LOGIN_REQUIRED, CERTIFICATE_REQUEST_NOT_FOUND, REQUEST_ID_REUSED; CERTIFICATE_NOT_ACTIVE: none
                was issued, or it was revoked before.
        """

        def change(connection: Connection) -> Result:
            self._logins.require(connection, login)
            asked, now = _own(connection, login, certificate_request_id), self._clock()
            if asked.issued is None or asked.issued.revoke_time is not None:
                raise ServiceError("CERTIFICATE_NOT_ACTIVE", certificate_request_id=certificate_request_id)
            revoke_single_certificate(connection, asked.issued, now, reason, login.caller)
            return Result(now.isoformat().encode())

        intent = Intent(request, certificate_request_id)
        answer = await run_at_once(self._database, check_callers, self._clock, intent, change)
        await self._lists.current()
        return datetime.fromisoformat(answer.decode())


def _own(connection: Connection, login: Login, certificate_request_id: str) -> Asked:
    found = store.find_request(connection, certificate_request_id)
    if found is None or found.account != login.account:
        raise ServiceError("CERTIFICATE_REQUEST_NOT_FOUND")
    return _asked(connection, found)


def _asked(connection: Connection, request: CertificateRequest) -> Asked:
    return Asked(request, None if request.fingerprint is None else find_certificate(connection, request.fingerprint))


def _cursor(asked: Asked) -> PageCursor:
    return PageCursor(asked.request.create_time, asked.request.certificate_request_id)
