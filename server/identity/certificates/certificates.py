"""Certificates of signers: one pair for each account, issued, shown, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint
from contract.names import check_account_name
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.identity.accounts.events import Event, record
from server.identity.accounts.view import view_of
from server.identity.accounts.workers import BoundedWorkers
from server.identity.agents import check_callers, require_caller
from server.identity.authority import Authority
from server.identity.black_list import require_unlisted
from server.identity.certificates.keys import CheckedKey, KeyRequest, check_keys
from server.identity.certificates.revocation import RevocationLists
from server.identity.logins.logins import Logins
from server.identity.observers import Observers
from server.identity.store import certificates as store
from server.identity.store import logins as login_store
from server.identity.store.certificates import IssuedCertificate, RevocationReason
from server.identity.store.logins import Login
from server.journal import Caller, Intent, Request, Result, run_at_once
from server.storage import Database
from wire.catalogue import ServiceError

_NO_KEY: Final = "-"
_FINGERPRINT_BYTES: Final = 32
_DAY: Final = timedelta(days=1)

Pair = dict[Purpose, IssuedCertificate]
"""An account's certificates, by purpose."""


class SignerCertificates:
    """Issues, shows and revokes.

    Args:
        database: where certificates are.
        authority: issues them.
        lists: the list of revoked certificates.
        logins: see that who requests is logged in.
        workers: where keys are checked.
        clock: the time.
        lifetime: of the certificates.
        pairs_per_day: what an account may be issued.
        observers: hear of pairs that are not an account's first.
    """

    def __init__(
        self,
        database: Database,
        authority: Authority,
        lists: RevocationLists,
        logins: Logins,
        workers: BoundedWorkers,
        clock: Clock,
        *,
        lifetime: timedelta,
        pairs_per_day: int,
        observers: Observers,
    ) -> None:
        self._database = database
        self._authority = authority
        self._lists = lists
        self._logins = logins
        self._workers = workers
        self._clock = clock
        self._lifetime = lifetime
        self._pairs_per_day = pairs_per_day
        self._observers = observers

    async def issue(self, request: Request, login: Login, keys: KeyRequest) -> Pair:
        """Issue a pair for new keys of the caller's; the pair before is revoked as superseded, as by ``revoke``.

        Every proof of possession of the account's logins is forgotten: it was of the pair before.

        Raises:
            ServiceError: LOGIN_REQUIRED, SIGNER_REQUEST_INVALID, KEY_BLACK_LISTED, KEY_CERTIFIED_BEFORE,
                TOO_MANY_CERTIFICATES, REQUEST_ID_REUSED, OVERLOADED.
            FoursealError: what ``check_keys`` raises.
        """
        checked = await self._workers.run(check_keys, keys)

        def change(connection: Connection) -> Result:
            self._logins.require(connection, login)
            require_unlisted(connection, (key.sha256 for key in checked))
            for key in checked:
                if store.is_key_known(connection, key.sha256):
                    raise ServiceError("KEY_CERTIFIED_BEFORE", purpose=key.purpose)
            now = self._clock()
            self._require_room(connection, login.account, now)
            before = store.list_signing_certificates(connection, login.account)
            store.revoke_all(connection, login.account, now, RevocationReason.SUPERSEDED)
            login_store.drop_proofs(connection, login.account)
            display_name = view_of(connection, login.account).account.display_name
            issued = [self._issue(login.account, display_name, key, now) for key in checked]
            for each in issued:
                store.add_certificate(connection, each)
                if each.purpose is Purpose.SIGN and before:
                    self._observers.another_pair(connection, before[0], each, login.caller.agent_id, now)
            detail = " ".join(each.fingerprint.hex() for each in issued)
            record(connection, now, login.account, login.caller, Event.CERTIFICATES_ISSUED, detail)
            return Result(b"".join(each.fingerprint for each in issued))

        answer = await run_at_once(self._database, check_callers, self._clock, Intent(request, _NO_KEY), change)
        await self._lists.current()
        return await self._database.read(lambda connection: _answered(connection, login.account, answer))

    async def find(self, login: Login, name: str) -> Pair:
        """The active certificates of an account: neither revoked nor expired. None for an account that has none.

        Args:
            login: the caller's.
            name: whose; empty for the caller's own.

        Raises:
            MalformedInput: ACCOUNT_NAME_MALFORMED.
        """
        account = check_account_name(name) if name else login.account
        return await self._database.read(lambda connection: self.find_active(connection, account))

    def find_active(self, connection: Connection, account: str) -> Pair:
        """As ``find``, in a transaction."""
        now = self._clock()
        return {each.purpose: each for each in store.list_unrevoked(connection, account) if now <= each.expire_time}

    async def revoke(self, request: Request, login: Login, reason: RevocationReason) -> datetime:
        """Revoke the caller's pair. Every proof of possession is forgotten.

        It holds for this server from the commit on; the list says so when this returns.

        Returns:
            When it was revoked.

        Raises:
            ServiceError: LOGIN_REQUIRED, NO_CERTIFICATES, REQUEST_ID_REUSED.
        """

        def change(connection: Connection) -> Result:
            self._logins.require(connection, login)
            now = self._clock()
            if not store.revoke_all(connection, login.account, now, reason):
                raise ServiceError("NO_CERTIFICATES")
            login_store.drop_proofs(connection, login.account)
            record(connection, now, login.account, login.caller, Event.CERTIFICATES_REVOKED, reason.value)
            return Result(now.isoformat().encode())

        answer = await run_at_once(self._database, check_callers, self._clock, Intent(request, _NO_KEY), change)
        await self._lists.current()
        return datetime.fromisoformat(answer.decode())

    async def revocation_list(self, caller: Caller, *, fresh: bool) -> bytes:
        """The newest list, DER; or one that was made in this second, which is one for all who ask in it.

        Raises:
            ServiceError: CALLER_UNKNOWN.
        """

        def query(connection: Connection) -> int:
            require_caller(connection, caller)
            return store.newest_revocation(connection)

        since = self._clock().replace(microsecond=0) if fresh else None
        return (await self._lists.covering(await self._database.read(query), since)).der

    def _require_room(self, connection: Connection, account: str, now: datetime) -> None:
        """Refuse an account that was issued as many pairs as it may be, in the day before now.

        Certificates are never deleted, so they count themselves.
        """
        times = store.list_issue_times(connection, account, self._pairs_per_day)
        if len(times) == self._pairs_per_day and now < times[-1] + _DAY:
            seconds = -(-(times[-1] + _DAY - now) // timedelta(seconds=1))
            raise ServiceError("TOO_MANY_CERTIFICATES", limit=self._pairs_per_day, retry_seconds=seconds)

    def _issue(self, account: str, display_name: str, key: CheckedKey, now: datetime) -> IssuedCertificate:
        certificate = self._authority.issue_signer_certificate(
            account, display_name, key.purpose, key.public_key, now, self._lifetime
        )
        return _row_of(certificate, account, key, now)


def _row_of(certificate: x509.Certificate, account: str, key: CheckedKey, now: datetime) -> IssuedCertificate:
    return IssuedCertificate(
        fingerprint=fingerprint(certificate),
        account=account,
        purpose=key.purpose,
        serial_number=certificate.serial_number,
        key_sha256=key.sha256,
        is_half=key.is_half,
        certificate=certificate.public_bytes(Encoding.DER),
        create_time=now,
        expire_time=certificate.not_valid_after_utc,
    )


def _answered(connection: Connection, account: str, answer: bytes) -> Pair:
    """The pair that the journal's answer names. The journal knows agents: another account's is not for this one."""
    fingerprints = (answer[:_FINGERPRINT_BYTES], answer[_FINGERPRINT_BYTES:])
    found = [store.find_certificate(connection, each) for each in fingerprints]
    pair = {each.purpose: each for each in found if each is not None and each.account == account}
    if len(pair) != len(fingerprints):
        raise ServiceError("REQUEST_ID_REUSED")
    return pair
