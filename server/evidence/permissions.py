"""Permissions: who was author or recipient of a message lets another account see its evidence, for a time.

The permission itself is signed by the grantor's sign key and stands in the log. The server only looks that it is what
it says: of this caller, of this message, for an account with that certificate. The content key in it is for the
grantee's encrypt key, which the server does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection

from contract.certificates import SignerCertificate
from contract.log_entry import EntryKind, LogEntry
from contract.oids import Arc
from contract.permission import SignedPermission
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.evidence.store import permissions, records, requests
from server.evidence.store.permissions import PermissionRow
from server.identity import Login, Logins, SignerCertificates, check_callers, find_certificate
from server.journal import Intent, Request, Result, run_at_once
from server.journal.log import LogReader, stage
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError


class Permissions:
    """Grants, lists and revokes.

    Args:
        database: where they are.
        log: has the entries that they name.
        logins: says what a login has proved.
        certificates: says which certificates are active.
        arc: of the object identifiers in them.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        log: LogReader,
        logins: Logins,
        certificates: SignerCertificates,
        arc: Arc,
        clock: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._logins = logins
        self._certificates = certificates
        self._arc = arc
        self._clock = clock

    async def grant(self, request: Request, login: Login, permission_der: bytes) -> PermissionRow:
        """Keep a permission; the same one again is answered as it is.

        Raises:
            MalformedInput: what ``SignedPermission`` raises.
            VerificationFailed: PERMISSION_OF_OTHER_CERTIFICATE, SIGNATURE_INVALID.
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, REQUEST_ID_REUSED; NOT_THE_GRANTOR: another account is named;
                EVIDENCE_NOT_FOUND: the caller is neither author nor recipient; PERMISSION_WRONG.
        """
        permission = SignedPermission.from_der(permission_der)
        digest = sha256(permission_der).digest()
        change = partial(self._grant, login=login, permission=permission, permission_der=permission_der, digest=digest)
        await self._run(request, digest, change)
        return await self._database.read(partial(self._require_own, login=login, digest=digest))

    async def revoke(self, request: Request, login: Login, digest: bytes) -> datetime:
        """End a permission; one that was revoked keeps its time.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, REQUEST_ID_REUSED; PERMISSION_NOT_FOUND: there is none that
                the caller gave.
        """

        def change(connection: Connection) -> Result:
            self._logins.require_proven(connection, login)
            if self._require_own(connection, login, digest).revoke_time is None:
                permissions.revoke_permission(connection, digest, self._clock())
            return Result()

        await self._run(request, digest, change)
        row = await self._database.read(partial(self._require_own, login=login, digest=digest))
        assert row.revoke_time is not None  # noqa: S101  # never taken back
        return row.revoke_time

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[PermissionRow]:
        """A page of what the caller gave or was given, oldest first.

        Raises:
            ServiceError: PROOF_REQUIRED, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        if not self._logins.is_proven(login):
            raise ServiceError("PROOF_REQUIRED")
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        query = partial(permissions.list_permissions, name=login.account, after=after, limit=limit + 1)
        rows = await self._database.read(query)
        return cut_page(rows, limit, lambda row: PageCursor(row.grant_time, str(row.log_index)))

    def _grant(
        self,
        connection: Connection,
        login: Login,
        permission: SignedPermission,
        permission_der: bytes,
        digest: bytes,
    ) -> Result:
        proof = self._logins.require_proven(connection, login)
        core = permission.core
        if core.grantor != login.account:
            raise ServiceError("NOT_THE_GRANTOR", name=core.grantor)
        record = records.find_records(connection, [core.statement]).get(core.statement)
        if record is None or not records.is_party(connection, core.statement, login.account):
            raise ServiceError("EVIDENCE_NOT_FOUND")
        if LogEntry.from_der(self._log.entry(connection, record.log_index)).leaf_hash != core.entry:
            raise ServiceError("PERMISSION_WRONG", problem="it names another entry of the log")
        own = find_certificate(connection, proof.sign_certificate)
        if own is None:
            raise ServiceError("PROOF_REQUIRED")
        permission.check(SignerCertificate.from_der(own.certificate, self._arc))
        active = self._certificates.find_active(connection, core.grantee).get(Purpose.DECRYPT)
        if active is None or active.fingerprint != core.grantee_certificate:
            raise ServiceError("PERMISSION_WRONG", problem="the grantee's certificate for encryption is another")
        now = self._clock()
        if core.end <= now:
            raise ServiceError("PERMISSION_WRONG", problem="its time is over")
        if permissions.find_permission(connection, digest) is None:
            entry = stage(connection, EntryKind.PERMISSION, permission_der, now)
            permissions.add_permission(
                connection,
                PermissionRow(
                    permission_digest=digest,
                    permission=permission_der,
                    statement_digest=core.statement,
                    session_id=record.session_id,
                    grantor=core.grantor,
                    grantee=core.grantee,
                    begin_time=core.begin,
                    end_time=core.end,
                    log_index=entry.index,
                    grant_time=now,
                    revoke_time=None,
                ),
            )
            requests.close_request(connection, core.statement, core.grantee)
        return Result()

    async def _run(self, request: Request, digest: bytes, change: Callable[[Connection], Result]) -> None:
        intent = Intent(request, "-", digest=digest)
        await run_at_once(self._database, check_callers, self._clock, intent, change)

    def _require_own(self, connection: Connection, login: Login, digest: bytes) -> PermissionRow:
        row = permissions.find_permission(connection, digest)
        if row is None or row.grantor != login.account:
            raise ServiceError("PERMISSION_NOT_FOUND")
        return row
