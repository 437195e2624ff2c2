"""``Trusteeship``: organisation keys in trust for the account that is logged in, for asyncio.

::

    trusteeship = (await agent.contracts()).trusteeship(agent)
    grant = await trusteeship.request_grant("acme", key_id, uses=100, end=end, reason="Invoices of December")
    ...                                                        # administrators: await trusteeship.approve(grant)
    use = await trusteeship.sign(grant, document, reason="Invoice 4711")

Every method raises FoursealError, with a reason of the catalogue (docs/errors.md), and nothing else; if what the server
shows does not hold it is a PeerMisbehaved whose culprit is "server".
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.certificate_parts import fingerprint
from contract.joint_statement import PersonalStatement
from contract.names import check_account_name
from contract.trusteeship.grants import NONCE_BYTES, GrantAction, GrantOrder, GrantRequest
from contract.trusteeship.operations import KeyOperation, OrganisationPublicKey
from contract.trusteeship.uses import RecordedUse
from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import OaepParameters
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.personal_certificates import PersonalCertificates
from signer_agent.contracts.statements import OwnStatement, StatementSigner
from signer_agent.interface import DEFAULT_OAEP
from signer_agent.trusteeship.export_file import OnRecords, write_export
from signer_agent.trusteeship.granted_keys import GrantedPrivateKey, granted_private_key
from signer_agent.trusteeship.grants import Grant, read_grant
from signer_agent.trusteeship.organisations import Organisation, read_organisation
from signer_agent.trusteeship.records import RecordFilter, read_record
from signer_agent.trusteeship.uses import Use, Uses, WantedUse, new_use_id
from transparency.keys import VerifierKey
from wire.catalogue import ServiceError
from wire.client.blame import server_lied
from wire.client.paging import all_pages
from wire.ids import new_request_id
from wire.limits import MAX_PAGE_SIZE


class Trusteeship:
    """See the module. Belongs to the event loop that it was made on. Several uses may be under way at a time.

    Args:
        agent: has the joint keys.
        line: with the login.
        key: label or id of the joint key to sign statements with; empty: the only one with a personal certificate.
    """

    def __init__(self, agent: LocalAgent, line: LoginLine, key: str = "") -> None:
        self._agent = agent
        self._line = line
        self._rpc = line.line.trusteeship
        self._authority = x509.load_pem_x509_certificate(line.line.identity.authority_pem)
        self._signer = StatementSigner(agent, line, PersonalCertificates(line, agent), key)
        self._uses = Uses(self._signer, self._rpc, self._log_key)
        self._public_keys: dict[bytes, OrganisationPublicKey] = {}
        self._known_log_key: VerifierKey | None = None

    async def organisation(self, name: str) -> Organisation:
        """An organisation with its administrators and keys. Raises as ``read_organisation``; ORGANISATION_NOT_FOUND."""
        request = pb.GetOrganisationRequest(organisation=check_account_name(name))
        return read_organisation(await self._line.call(self._rpc.GetOrganisation, request), name, self._authority)

    async def request_grant(
        self,
        organisation: str,
        key_id: str,
        *,
        uses: int,
        end: datetime,
        reason: str,
        begin: datetime | None = None,
        document_kinds: Iterable[str] = (),
        digests: Iterable[bytes] = (),
    ) -> Grant:
        """Ask for a grant, which administrators then decide about.

        Args:
            organisation: whose key.
            key_id: the key, as ``organisation`` names it.
            uses: at most so many, 1 to 1,000,000.
            end: until when; UTC, whole seconds.
            reason: for the administrators, 1 to 1024 bytes.
            begin: from when on; now if None.
            document_kinds: what may be signed or decrypted; none: any kind.
            digests: SHA-256 of documents, or of ciphertexts, to which it is limited; none: any.

        Raises:
            ServiceError: GRANT_REQUEST_WRONG: the key has no certificate that holds; PERSONAL_CERTIFICATE_WRONG.
            MalformedInput: TRUST_STATEMENT_MALFORMED, WHY_MALFORMED, ACCOUNT_NAME_MALFORMED.
            RemoteError: GRANT_REQUEST_WRONG, TOO_MANY_GRANTS; what else the server refuses.
        """
        found = await self.organisation(organisation)
        wanted = found.key(key_id)
        if wanted is None:
            raise ServiceError("GRANT_REQUEST_WRONG", problem=f"{organisation} has no key {key_id}")
        if wanted.certificate is None or wanted.revoke_time is not None:
            raise ServiceError("GRANT_REQUEST_WRONG", problem=f"the key {key_id} has no certificate that holds")
        key = await self._signer.key()
        request = GrantRequest(
            organisation=organisation,
            key_id=key_id,
            key_certificate=fingerprint(wanted.certificate),
            purpose=wanted.purpose,
            user=key.account,
            user_certificate=key.certificate,
            document_kinds=tuple(sorted(set(document_kinds))),
            digests=tuple(sorted(set(digests))),
            uses=uses,
            begin=begin or _now(),
            end=end,
            approvals=found.approvals,
            reason=reason,
            nonce=secrets.token_bytes(NONCE_BYTES),
        )
        request_id, ours = await self._signed(request)
        message = pb.RequestGrantRequest(request_id=request_id, statement_der=ours.der, signature=ours.signature)
        grant = read_grant((await self._signer.send(self._rpc.RequestGrant, message)).grant)
        if grant.request != request:
            raise server_lied("TRUST_ANSWER_WRONG", "it is another grant than was asked for")
        ours.completed(grant.signed_request.signature)
        return grant

    async def grants(self, organisation: str = "") -> list[Grant]:
        """Those of the account; or those of an organisation, for its administrators. Oldest first."""

        async def page(token: str) -> tuple[list[Grant], str]:
            request = pb.ListGrantsRequest(organisation=organisation, page_size=MAX_PAGE_SIZE, page_token=token)
            answer = await self._line.call(self._rpc.ListGrants, request)
            return list(map(read_grant, answer.grants)), answer.next_page_token

        return await all_pages(page)

    async def grant(self, grant_id: str) -> Grant:
        """One of the account's, or of an organisation's that it administers. Raises GRANT_NOT_FOUND."""
        answer = await self._line.call(self._rpc.GetGrant, pb.GetGrantRequest(grant_id=grant_id))
        found = read_grant(answer.grant)
        if found.grant_id != grant_id:
            raise server_lied("TRUST_ANSWER_WRONG", "it is another grant than was asked for")
        return found

    async def order(self, grant: Grant, action: GrantAction, reason: str = "") -> Grant:
        """Decide about a grant as an administrator. What is signed is the digest of exactly this request.

        Args:
            grant: as it was shown to who decides: an order is of its round alone.
            action: what is ordered.
            reason: why; empty, or 1 to 1024 bytes.

        Returns:
            The grant as it is then.

        Raises:
            RemoteError: NOT_AN_ADMINISTRATOR, OWN_GRANT, GRANT_ORDER_WRONG; what else the server refuses.
            ServiceError: PERSONAL_CERTIFICATE_WRONG. MalformedInput: WHY_MALFORMED.
        """
        key = await self._signer.key()
        order = GrantOrder(grant.request.digest, grant.round, action, key.account, key.certificate, reason, _now())
        request_id, ours = await self._signed(order)
        message = pb.OrderGrantRequest(request_id=request_id, statement_der=ours.der, signature=ours.signature)
        after = read_grant((await self._signer.send(self._rpc.OrderGrant, message)).grant)
        kept = [each for each in after.signed_orders if each.statement == ours.der]
        if not kept:  # it names the grant, as all of its orders do
            raise server_lied("TRUST_ANSWER_WRONG", "it does not show the order that was given")
        ours.completed(kept[0].signature)
        return after

    async def approve(self, grant: Grant, reason: str = "") -> Grant:
        """See ``order``."""
        return await self.order(grant, GrantAction.APPROVE, reason)

    async def refuse(self, grant: Grant, reason: str = "") -> Grant:
        """See ``order``."""
        return await self.order(grant, GrantAction.REFUSE, reason)

    async def suspend(self, grant: Grant, reason: str = "") -> Grant:
        """See ``order``. Takes effect at once; to use it again takes approvals as at the beginning."""
        return await self.order(grant, GrantAction.SUSPEND, reason)

    async def revoke(self, grant: Grant, reason: str = "") -> Grant:
        """See ``order``. Takes effect at once, for good."""
        return await self.order(grant, GrantAction.REVOKE, reason)

    async def sign(
        self,
        grant: Grant,
        document: bytes,
        operation: KeyOperation | None = None,
        *,
        reason: str,
        document_kind: str = "",
        request_id: str = "",
    ) -> Use:
        """Hash a document and sign its digest. See ``sign_digest``."""
        chosen = operation or await self.default_operation(grant)
        digest = await asyncio.to_thread(chosen.hash.digest, document)
        more = {"reason": reason, "document_kind": document_kind, "request_id": request_id}
        return await self.sign_digest(grant, digest, chosen, **more)

    async def sign_digest(
        self,
        grant: Grant,
        digest: bytes,
        operation: KeyOperation | None = None,
        *,
        reason: str,
        document_kind: str = "",
        request_id: str = "",
    ) -> Use:
        """Sign a digest by an organisation's key.

        Args:
            grant: that allows it.
            digest: of the document, by the operation's hash.
            operation: algorithm; by default RSASSA-PSS or ECDSA, with SHA-256.
            reason: what it is for, 1 to 1024 bytes.
            document_kind: what it is, or empty.
            request_id: from ``new_use_id``. A repeat of the same use within ten minutes has the same result, and counts
                once. By default a fresh one.

        Returns:
            The signature, verified by the organisation's certificate (of ECDSA as DER), and the record.

        Raises:
            FoursealError: WRONG_PURPOSE, FIELD_INVALID: the key cannot do that; what ``Uses.make`` raises.
        """
        chosen = operation or await self.default_operation(grant)
        return await self._use(grant, WantedUse(chosen, digest, reason, document_kind), request_id)

    async def decrypt(
        self,
        grant: Grant,
        ciphertext: bytes,
        parameters: OaepParameters = DEFAULT_OAEP,
        *,
        reason: str,
        document_kind: str = "",
        request_id: str = "",
    ) -> Use:
        """Decrypt an RSAES-OAEP ciphertext by an organisation's key.

        Args:
            grant: that allows it.
            ciphertext: exactly as long as the key's modulus.
            parameters: what the sender used.
            reason: what it is for, 1 to 1024 bytes.
            document_kind: what it is, or empty.
            request_id: as in ``sign_digest``.

        Raises:
            DecryptionFailed: for every ciphertext that does not decrypt. It is recorded and counted.
            FoursealError: as ``sign_digest``.
        """
        operation, digest = KeyOperation.of_oaep(parameters), hashlib.sha256(ciphertext).digest()
        wanted = WantedUse(operation, digest, reason, document_kind, ciphertext, parameters.label)
        return await self._use(grant, wanted, request_id)

    async def default_operation(self, grant: Grant) -> KeyOperation:
        """What a grant's key does where nothing is said: RSASSA-PSS or ECDSA, with SHA-256."""
        key = await self._public_key(grant)
        return KeyOperation.ECDSA_SHA256 if isinstance(key, ec.EllipticCurvePublicKey) else KeyOperation.PSS_SHA256

    async def private_key(self, grant: Grant, reason: str, document_kind: str = "") -> GrantedPrivateKey:
        """The grant's key as a private key of ``cryptography``: every operation of it is a use for that reason.

        Its methods block, so they are for other threads than that of the event loop (asyncio.to_thread).
        """
        public_key = await self._public_key(grant)
        return granted_private_key(self, asyncio.get_running_loop(), grant, public_key, reason, document_kind)

    async def records(self, chosen: RecordFilter) -> list[RecordedUse]:
        """Records in the order of their numbers: the account's own, or an organisation's for its administrators."""

        async def page(token: str) -> tuple[list[RecordedUse], str]:
            request = pb.ListRecordsRequest(filter=chosen.to_proto(), page_size=MAX_PAGE_SIZE, page_token=token)
            answer = await self._line.call(self._rpc.ListRecords, request)
            return [read_record(each, chosen) for each in answer.records_der], answer.next_page_token

        return await all_pages(page)

    async def export(self, chosen: RecordFilter, write: Callable[[bytes], object], on_records: OnRecords) -> int:
        """Export records of a key, for administrators; the file is verified offline. Arguments as ``write_export``.

        Raises:
            RemoteError: NOT_AN_ADMINISTRATOR; FIELD_INVALID: no organisation or key is named.
            PeerMisbehaved: what ``write_export`` raises.
        """
        request = pb.ExportRecordsRequest(filter=chosen.to_proto())
        async with self._line.stream(self._rpc.ExportRecords, request) as answers:
            return await write_export(answers, chosen, write, on_records)

    async def _use(self, grant: Grant, wanted: WantedUse, request_id: str) -> Use:
        if wanted.operation.purpose is not grant.request.purpose:
            raise WrongPurpose(wanted=wanted.operation.purpose, found=grant.request.purpose)
        public_key = await self._public_key(grant)
        if not wanted.operation.fits(public_key):
            raise ServiceError("FIELD_INVALID", field="algorithm", problem="it is for another kind of key")
        return await self._uses.make(grant, public_key, wanted, request_id or new_use_id())

    async def _public_key(self, grant: Grant) -> OrganisationPublicKey:
        """Of the certificate that a grant names, which was checked."""
        named = grant.request.key_certificate
        if named not in self._public_keys:
            key = (await self.organisation(grant.request.organisation)).key_certified(named)
            if key is None or key.public_key is None or key.key_id != grant.request.key_id:
                raise server_lied("TRUST_ANSWER_WRONG", "the organisation has no key with the grant's certificate")
            self._public_keys[named] = key.public_key
        return self._public_keys[named]

    async def _signed(self, statement: PersonalStatement) -> tuple[str, OwnStatement]:
        request_id = new_request_id()
        return request_id, await self._signer.sign(statement, request_id)

    async def _log_key(self) -> VerifierKey:
        if self._known_log_key is None:
            self._known_log_key = await (await self._agent.log_watch()).key()
        return self._known_log_key


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
