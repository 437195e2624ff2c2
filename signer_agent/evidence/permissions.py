"""Permissions: letting another account see one message, for a time, and taking that back; asking for one.

The content key goes to the grantee sealed for its encrypt key alone, and the whole is signed by our sign key. So the
grantee's certificates must be genuine: they are the authority's, and those that we accepted of this contact.

The grantee finds its permission with the evidence. Whoever gave it cannot have put another content key in it: content
and trailer would not open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from fourseal.v1 import certificate_service_pb2
from fourseal.v1 import evidence_service_pb2 as pb

from contract.certificates import SignerCertificate
from contract.chain import check_chain
from contract.content_key import ContentKey
from contract.names import check_account_name, check_why
from contract.permission import PermissionCore, SignedPermission
from contract.statement import Statement
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.possession import alone
from signer_agent.contracts.signer import Signer
from signer_agent.evidence.reading import LoggedMessage
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed, answered_time, blaming_server, server_lied
from wire.client.paging import all_pages
from wire.ids import new_request_id


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that was granted.

    Args:
        digest: SHA-256 of it, 32 bytes: its name.
        core: what it says.
        log_index: where the log has it.
        grant_time: when it was granted, by the server's clock, UTC.
        revoke_time: when it was revoked, UTC; None if it was not.
    """

    digest: bytes
    core: PermissionCore
    log_index: int
    grant_time: datetime
    revoke_time: datetime | None


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """Somebody asks for a permission.

    Args:
        statement: digest of the message's statement, 32 bytes.
        asker: who asks.
        why: in the asker's words; the server could have changed them.
        ask_time: when, by the server's clock, UTC.
        expire_time: until when it lies there, UTC.
    """

    statement: bytes
    asker: str
    why: str
    ask_time: datetime
    expire_time: datetime


def require_lasting(grantee: str, end: datetime, begin: datetime | None = None) -> None:
    """See what can be seen of a permission before anything is opened.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED.
        ServiceError: PERMISSION_WRONG: it ends in the past, or before it begins.
    """
    check_account_name(grantee)
    if end <= datetime.now(UTC):
        raise ServiceError("PERMISSION_WRONG", problem="its end is in the past")
    if begin is not None and end <= begin:
        raise ServiceError("PERMISSION_WRONG", problem="it ends before it begins")


class Permissions:
    """Those of one account. Belongs to the event loop that it was made on. Every method raises FoursealError.

    Args:
        signer: the account, logged in.
        contacts: whose certificates were accepted.
    """

    def __init__(self, signer: Signer, contacts: Contacts) -> None:
        self._signer = signer
        self._contacts = contacts

    async def grant(
        self, logged: LoggedMessage, content_key: ContentKey, grantee: str, begin: datetime, end: datetime
    ) -> Permission:
        """Let somebody see a message. Raises as ``require_lasting`` and ``grantee_certificate``."""
        require_lasting(grantee, end, begin)
        certificate = await self.grantee_certificate(logged.message.statement, grantee)
        own = self._signer.sign_certificate
        core = PermissionCore(
            statement=logged.digest,
            entry=logged.message.entry.leaf_hash,
            grantor=self._signer.name,
            grantor_certificate=own.fingerprint,
            grantee=grantee,
            grantee_certificate=certificate.fingerprint,
            begin=begin,
            end=end,
        )
        signed = await asyncio.to_thread(
            SignedPermission.grant, core, content_key, certificate, alone(self._signer.sign_key)
        )
        request = pb.GrantPermissionRequest(request_id=new_request_id(), permission_der=signed.to_der())
        answer = await self._signer.call(self._signer.line.evidence.GrantPermission, request)
        if answer.permission.permission_der != request.permission_der:
            raise server_lied("PERMISSION_WRONG", "it shows another permission than was granted")
        return _permission(answer.permission)

    async def all(self) -> list[Permission]:
        """Those that we gave or were given, oldest first."""

        async def page(token: str) -> tuple[Iterable[Permission], str]:
            request = pb.ListPermissionsRequest(page_token=token)
            answer = await self._signer.call(self._signer.line.evidence.ListPermissions, request)
            return map(_permission, answer.permissions), answer.next_page_token

        return await all_pages(page)

    async def revoke(self, digest: bytes) -> datetime:
        """End one that we gave; returns when it ended. What was seen stays seen. Raises PERMISSION_NOT_FOUND."""
        request = pb.RevokePermissionRequest(request_id=new_request_id(), permission_digest=digest)
        answer = await self._signer.call(self._signer.line.evidence.RevokePermission, request)
        return answered_time(answer.revoke_time)

    async def ask(self, statement: bytes, why: str) -> None:
        """Ask author and recipients of a message for one. Whether there is such a message stays open."""
        request = pb.AskPermissionRequest(request_id=new_request_id(), statement_digest=statement, why=check_why(why))
        await self._signer.call(self._signer.line.evidence.AskPermission, request)

    async def requests(self) -> list[PermissionRequest]:
        """The requests that lie before us, oldest first."""

        async def page(token: str) -> tuple[Iterable[PermissionRequest], str]:
            request = pb.ListPermissionRequestsRequest(page_token=token)
            answer = await self._signer.call(self._signer.line.evidence.ListPermissionRequests, request)
            return map(_request, answer.permission_requests), answer.next_page_token

        return await all_pages(page)

    async def refuse(self, statement: bytes, asker: str) -> None:
        """Refuse a request, for ourselves alone."""
        request = pb.RefusePermissionRequest(
            request_id=new_request_id(), statement_digest=statement, asker=check_account_name(asker)
        )
        await self._signer.call(self._signer.line.evidence.RefusePermission, request)

    async def grantee_certificate(self, statement: Statement, name: str) -> SignerCertificate:
        """The active certificate for encryption of somebody who may get a permission; we accepted it.

        Args:
            statement: of the message.
            name: account.

        Raises:
            ServiceError: PERMISSION_WRONG: it needs none; ACCOUNT_UNKNOWN; CONTACT_CHANGED.
            PeerMisbehaved: its certificates do not hold; the culprit is the server.
        """
        if name == self._signer.name:
            raise ServiceError("PERMISSION_WRONG", problem="it is for yourself")
        if name in {statement.author, *(each.name for each in statement.recipients)}:
            raise ServiceError("PERMISSION_WRONG", problem=f"{name} is author or recipient, and needs none")
        request = certificate_service_pb2.GetSignerCertificatesRequest(name=check_account_name(name))
        answer = await self._signer.call(self._signer.line.certificates.GetSignerCertificates, request)
        if not answer.HasField("encrypt_certificate"):
            raise ServiceError("ACCOUNT_UNKNOWN", name=name)
        arc, now = self._signer.sign_certificate.arc, datetime.now(UTC)
        with blaming_server():
            sign = SignerCertificate.from_der(answer.sign_certificate.certificate_der, arc)
            encrypt = SignerCertificate.from_der(answer.encrypt_certificate.certificate_der, arc)
            check_chain(sign.certificate, self._signer.authority, arc.signer_sign, now)
            check_chain(encrypt.certificate, self._signer.authority, arc.signer_encrypt, now)
        if (sign.name, encrypt.name) != (name, name):
            raise server_lied("MEMBER_CERTIFICATE_WRONG", f"the certificates of {name} are others'")
        await asyncio.to_thread(self._contacts.require_known, sign, encrypt)
        return encrypt


def _permission(shown: pb.Permission) -> Permission:
    with blaming_server():
        signed = SignedPermission.from_der(shown.permission_der)
    digest = sha256(shown.permission_der).digest()
    if shown.permission_digest != digest:
        raise answer_malformed("a permission of it has another digest")
    revoke_time = answered_time(shown.revoke_time) if shown.HasField("revoke_time") else None
    return Permission(digest, signed.core, shown.log_index, answered_time(shown.grant_time), revoke_time)


def _request(shown: pb.PermissionRequest) -> PermissionRequest:
    return PermissionRequest(
        shown.statement_digest, shown.asker, shown.why, answered_time(shown.ask_time), answered_time(shown.expire_time)
    )
