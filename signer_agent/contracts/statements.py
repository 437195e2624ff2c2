"""Statements that this agent signs: by the joint key of a personal certificate, completed by the server.

A statement leaves with our partial alone. What comes back with it is believed where the joint signature holds for
exactly that statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from fourseal.v1.statement_pb2 import StatementSignature

from contract.certificate_parts import load_certificate
from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement, PersonalStatement
from mpc.four_prime_rsa import Purpose, check_joint_signature
from signer_agent.client.agent import LocalAgent
from signer_agent.client.signing import PreparedSignature
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.personal_certificates import PersonalCertificates, RequestedCertificate
from signer_agent.model import DigestToSign, KeyState
from wire.catalogue import ServiceError
from wire.client.blame import blaming_server
from wire.status import RemoteError

_WRONG = "PERSONAL_CERTIFICATE_WRONG"

_Response = TypeVar("_Response")


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """A joint key of this agent with a personal certificate for signing, and the account that it stands for.

    Args:
        account: whose certificate.
        key_id: the joint key.
        certificate: SHA-256 of the certificate, 32 bytes.
        certificate_der: the same, whole.
    """

    account: str
    key_id: str
    certificate: bytes
    certificate_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """A statement with our partial signature. Holds no secret.

    Args:
        der: of the statement.
        prepared: our side of its signature.
    """

    der: bytes
    prepared: PreparedSignature

    @property
    def signature(self) -> StatementSignature:
        """For the server, which completes it."""
        ours = self.prepared.request
        return StatementSignature(key_id=ours.key_id, salt=ours.salt, client_partial=ours.client_partial)

    def completed(self, signature: bytes) -> JointStatement:
        """The statement with the joint signature that the server shows.

        Raises:
            PeerMisbehaved: JOINT_SIGNATURE_INVALID: it does not hold for this statement; the culprit is the server.
        """
        check_joint_signature(self.prepared.partial, signature)
        return JointStatement(self.der, signature)


class StatementSigner:
    """Signs statements of the account that is logged in. Belongs to the event loop that it was made on.

    Args:
        agent: has the joint keys.
        line: with the login.
        certificates: the account's.
        key: label or id of the key to sign with; empty: the only one with a personal certificate that holds.
    """

    def __init__(self, agent: LocalAgent, line: LoginLine, certificates: PersonalCertificates, key: str) -> None:
        self._agent = agent
        self._line = line
        self._certificates = certificates
        self._wanted = key
        self._found: PersonalKey | None = None

    async def key(self) -> PersonalKey:
        """The key that signs. It is looked for once, and again after the server refused its certificate.

        Raises:
            ServiceError: PERSONAL_CERTIFICATE_WRONG: there is none, or one of several is to be named.
            FoursealError: what ``PersonalCertificates.get`` and ``AsyncAgent.get_key`` raise.
        """
        if self._found is None:
            self._found = await self._find()
        return self._found

    async def sign(self, statement: PersonalStatement, request_id: str) -> OwnStatement:
        """Make our partial signature of a statement by ``key``; a repeat with the same id makes the same one."""
        der = statement.to_der()
        digest = hashlib.sha256(der).digest()
        item = DigestToSign((await self.key()).key_id, STATEMENT_ALGORITHM, digest, request_id)
        return OwnStatement(der, await self._agent.prepare_item(item))

    async def send(self, method: Callable[..., Awaitable[_Response]], request: object) -> _Response:
        """Call the server with a statement. Raises as ``LoginLine.call``."""
        try:
            return await self._line.call(method, request)
        except RemoteError as error:
            if error.reason == _WRONG:
                self._found = None  # it may have been revoked or replaced: the next statement looks again
            raise

    async def _find(self) -> PersonalKey:
        wanted = (await self._agent.get_key(self._wanted)).key_id if self._wanted else ""
        ours = {
            key.key_id
            for key in await self._agent.list_keys()
            if key.purpose is Purpose.SIGN and key.state is KeyState.ENABLED and wanted in {"", key.key_id}
        }
        now = datetime.now(UTC)
        found = [each for each in await self._certificates.all() if each.key_id in ours and _holds(each, now)]
        if not found:
            which = f"the key {self._wanted} has none" if wanted else "no key of this agent has one"
            raise ServiceError(_WRONG, problem=which)
        if len({each.key_id for each in found}) > 1:
            raise ServiceError(_WRONG, problem="several keys have one, and one of them is to be named")
        checked = await self._certificates.get(found[-1].certificate_request_id)
        account = (await self._line.login()).account
        digest = hashlib.sha256(checked.certificate).digest()
        return PersonalKey(account, checked.key_id, digest, checked.certificate)


def _holds(requested: RequestedCertificate, now: datetime) -> bool:
    if not requested.certificate or requested.revoke_time is not None:
        return False
    with blaming_server():
        certificate: x509.Certificate = load_certificate(requested.certificate)
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
