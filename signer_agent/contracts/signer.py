"""``Signer``: an account that is logged in, with its keys: everything that contract sessions need of it.

Sessions are verified whenever they are fetched (``verification``); what a signer signs and opens goes through them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from cryptography import x509
from fourseal.v1 import certificate_service_pb2, contract_session_pb2
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.certificates import SessionCertificate, SignerCertificate
from contract.content_key import ContentKey
from contract.envelope import EnvelopeHeader
from contract.key_ciphertext import KeyCiphertext, write_key_ciphertext
from contract.key_sealing import content_key_from, joint_ciphertext, open_inner
from contract.names import check_session_id
from contract.revocation import RevocationList
from contract.sealing import oaep_parameters
from contract.session_info import Scheme
from contract.signatures import (
    JOINT_ALGORITHM,
    JointSignature,
    SeparateSignature,
    Signature,
    joint_message,
    sign_separately,
    verify_signature,
)
from contract.signer_keys import algorithm_of
from contract.statement import Statement
from mpc.errors import PeerMisbehaved, blaming
from mpc.four_prime_rsa import (
    DecryptionShare,
    Role,
    SigningShare,
    check_joint_signature,
    combine_decryption,
    create_partial_decryption,
    create_partial_signature,
    decrypt_alone,
    parse_partial_decryption,
)
from signer_agent.client.server_line import ServerLine
from signer_agent.contracts.entries import Drawers, EncryptKey, SignerKeys, SignKey
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.model import (
    Counters,
    MemberCertificates,
    SessionRevision,
    SessionState,
    VerifiedSession,
)
from signer_agent.contracts.possession import alone
from signer_agent.contracts.revocations import read_revocations
from signer_agent.contracts.signer_keys import Pair, read_pair, require_current
from signer_agent.contracts.verification import SessionVerifier
from signer_agent.engine import chosen_engine
from signer_agent.evidence.deposit_line import DepositLine
from signer_agent.keystore.store import KeyStore
from signer_agent.log.watch import LogWatch
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed, blaming_server
from wire.client.repetition import CALL_SECONDS
from wire.ids import new_request_id

__all__ = ["Counters", "MemberCertificates", "SessionRevision", "SessionState", "Signer", "VerifiedSession"]

_REVOCATIONS_LIFETIME: Final = timedelta(minutes=5)
_REFUSAL_LIFETIME: Final = timedelta(seconds=10)
"""As long as a list that is refused is not fetched and read again: every message asks for it."""

_Response = TypeVar("_Response")


class Signer:
    """An account that is logged in and has proved its keys. Use ``open``. Belongs to the event loop it was made on.

    Every method raises FoursealError; LOGIN_REQUIRED where the login has ended: nothing here logs in.

    Args:
        store: the opened key store.
        line: with the login.
        name: the account.
        pairs: its keys, the active ones first, with their certificates.
        log: the evidence server's.
    """

    def __init__(
        self, store: KeyStore, line: LoginLine, name: str, pairs: list[tuple[SignerKeys, Pair]], log: LogWatch
    ) -> None:
        self.name = name
        self.log = log
        self.deposits = DepositLine(line)
        self._store = store
        self._line = line
        self._pairs = pairs
        self._engine = chosen_engine()
        self.authority = x509.load_pem_x509_certificate(line.line.identity.authority_pem)
        own = [pair for _, pair in pairs]
        self._verifier = SessionVerifier(
            line.drawers,
            self.authority,
            self.sign_certificate.arc,
            line.line.identity.server_address,
            name,
            own,
        )
        self._sessions: dict[str, VerifiedSession] = {}
        self._revisions: dict[bytes, SessionRevision] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._revocations: tuple[datetime, RevocationList] | None = None
        self._refusal: tuple[datetime, PeerMisbehaved] | None = None

    @classmethod
    async def open(cls, store: KeyStore, line: ServerLine) -> Signer:
        """The account that is logged in.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SIGNER_KEYS_MISSING, SIGNER_CERTIFICATE_EXPIRED, those of the
                key store.
        """
        with_login = LoginLine(line, await asyncio.to_thread(Drawers, store))
        login = await with_login.login()
        keys = await asyncio.to_thread(with_login.drawers.pairs_of, login.account)
        if not keys:
            raise ServiceError("SIGNER_KEYS_MISSING", name=login.account)
        if not login.proven:
            raise ServiceError("PROOF_REQUIRED")
        authority = x509.load_pem_x509_certificate(line.identity.authority_pem)
        pairs = [(each, await asyncio.to_thread(read_pair, each, authority)) for each in keys]
        require_current(pairs[0][1], datetime.now(UTC))
        return cls(store, with_login, login.account, pairs, await LogWatch.of(store, line))

    @property
    def sign_certificate(self) -> SignerCertificate:
        """Our active certificate for signing."""
        return self._pairs[0][1].sign_certificate

    @property
    def sign_certificates(self) -> tuple[SignerCertificate, ...]:
        """Our certificates for signing, the active one first, then older ones."""
        return tuple(pair.sign_certificate for _, pair in self._pairs)

    @property
    def encrypt_certificate(self) -> SignerCertificate:
        """Our active certificate for encryption."""
        return self._pairs[0][1].encrypt_certificate

    @property
    def sign_key(self) -> SignKey:
        """The key of our active certificate for signing, secret."""
        return self._pairs[0][0].sign_key

    @property
    def encrypt_key(self) -> EncryptKey:
        """The key of our active certificate for encryption, secret."""
        return self._pairs[0][0].encrypt_key

    def key_changes(self) -> tuple[bytes, ...]:
        """What proves the latest changes of our key for signing, see ``AccountKeys``, the latest last. Blocks."""
        known = self._line.drawers.accounts.get(self.name)
        return () if known is None or not known.key_change else (*known.earlier_changes, known.key_change)

    @property
    def line(self) -> ServerLine:
        """The line to the server."""
        return self._line.line

    async def call(
        self, method: Callable[..., Awaitable[_Response]], request: object, *, seconds: float = CALL_SECONDS
    ) -> _Response:
        """Call the server with the login. See ``LoginLine.call``."""
        return await self._line.call(method, request, seconds=seconds)

    def stream(self, method: Callable[..., Any], *request: object) -> AbstractAsyncContextManager[Any]:
        """A stream of gRPC's with the login. See ``LoginLine.stream``."""
        return self._line.stream(method, *request)

    async def session(self, session_id: str, *, refresh: bool = False) -> VerifiedSession:
        """A session, verified.

        Args:
            session_id: which.
            refresh: ask the server even if it was asked before: members and counters change.

        Raises:
            PeerMisbehaved: what does not hold, see ``verification``; the culprit is the server.
            ServiceError: CONTACT_CHANGED; SESSION_NOT_FOUND and what else the server refuses.
        """
        check_session_id(session_id)
        if not refresh and session_id in self._sessions:  # nor does it wait for others, who ask a server that is away
            return self._sessions[session_id]
        async with self._turns.setdefault(session_id, asyncio.Lock()):
            known = self._sessions.get(session_id)
            if known is not None and not refresh:
                return known
            pinned = await asyncio.to_thread(self._verifier.pin, session_id)
            request = pb.GetSessionRequest(session_id=session_id)
            answer = await self.call(self.line.sessions.GetSession, request)
            revocations = await self.revocations()
            verify = partial(self._verifier.verify, answer.session, session_id, pinned, revocations, datetime.now(UTC))
            return self._keep(await asyncio.to_thread(verify))

    async def verified(self, answer: contract_session_pb2.ContractSession, session_id: str = "") -> VerifiedSession:
        """A session that the server sent in another answer, verified. Raises as ``session``."""
        with blaming_server():
            key = check_session_id(answer.session_id)
        async with self._turns.setdefault(key, asyncio.Lock()):
            revocations = await self.revocations()
            pinned = await asyncio.to_thread(self._verifier.pin, key)
            verify = partial(self._verifier.verify, answer, session_id or key, pinned, revocations, datetime.now(UTC))
            return self._keep(await asyncio.to_thread(verify))

    async def certificates_of(self, session_id: str, fingerprint: bytes) -> SessionRevision:
        """A revision of a session, by the fingerprint of either of its certificates. Raises as ``session``."""
        current = await self.session(session_id)
        if fingerprint in (current.sign_certificate.fingerprint, current.encrypt_certificate.fingerprint):
            return current
        known = self._revisions.get(fingerprint)
        if known is not None and known.session_id == session_id:
            return known
        request = pb.GetSessionCertificatesRequest(session_id=session_id, fingerprint=fingerprint)
        answer = await self.call(self.line.sessions.GetSessionCertificates, request)
        revocations = await self.revocations()
        verify = partial(self._verifier.verify_revision, answer, current, revocations)
        revision = await asyncio.to_thread(verify)
        found = (revision.sign_certificate.fingerprint, revision.encrypt_certificate.fingerprint)
        if fingerprint not in found:
            raise answer_malformed("it is another revision than the one that was asked for")
        for each in found:
            self._revisions[each] = revision
        return revision

    async def revocations(self) -> RevocationList:
        """The authority's list of revoked certificates, at most five minutes old.

        Raises:
            PeerMisbehaved: as ``read_revocations``; for ten seconds the same, without another look.
        """
        now = datetime.now(UTC)
        if self._refusal is not None and now - self._refusal[0] <= _REFUSAL_LIFETIME:
            raise self._refusal[1].with_traceback(None)
        if self._revocations is None or now - self._revocations[0] > _REVOCATIONS_LIFETIME:
            data = await self._revocation_list()
            try:
                self._revocations = (now, await asyncio.to_thread(read_revocations, data, self.authority, now))
            except PeerMisbehaved as error:
                self._refusal = (now, error)
                raise
        return self._revocations[1]

    async def fresh_revocations(self) -> bytes:
        """The same list, DER, made just now: for a proof that something was not revoked. Whether it is one is open."""
        return await self._revocation_list(fresh=True)

    async def sign_statement(self, statement: Statement, request_id: str | None = None) -> Signature:
        """Sign a statement of ours together with the session.

        Args:
            statement: whose session certificate is that of a revision that can be had.
            request_id: chosen once for this statement: a repeat gets the same signature. By default a fresh one.

        Returns:
            The signature, verified.

        Raises:
            PeerMisbehaved: JOINT_SIGNATURE_INVALID, SIGNATURE_INVALID; the culprit is the server.
        """
        revision = await self.certificates_of(statement.session_id, statement.session_certificate)
        request_id = request_id or new_request_id()
        sign = self._sign_jointly if revision.info.scheme is Scheme.JOINT else self._sign_separately
        return await sign(statement, revision, request_id)

    async def decrypt_key(self, header: EnvelopeHeader) -> ContentKey:
        """Open our key ciphertext of an envelope together with the session.

        Raises:
            MalformedInput: NOT_A_RECIPIENT, KEY_CIPHERTEXT_MALFORMED.
            PeerMisbehaved: PARTIAL_DECRYPTION_INVALID; the culprit is the server.
            DecryptionFailed: for every other cause.
        """
        revision = await self.certificates_of(header.session_id, header.session_certificate)
        return await self.open_key(header.key_for(self.name), header, revision.encrypt_certificate)

    async def open_key(
        self, ciphertext: KeyCiphertext, header: EnvelopeHeader, encrypting: SessionCertificate
    ) -> ContentKey:
        """Open a key ciphertext that is for us, as a recipient or the author, together with the session.

        Args:
            ciphertext: of ``header``, or the sender's.
            header: of the envelope.
            encrypting: the session's certificate for encryption that it names. Need not be verified: by another one
                nothing opens.

        Raises:
            ServiceError: NOT_A_MEMBER; SIGNER_KEYS_MISSING: the keys that we had in that session are not here.
            FoursealError: as ``decrypt_key``.
        """
        members = {each.name: each.encrypt_certificate for each in encrypting.info.members}
        if self.name not in members:
            raise ServiceError("NOT_A_MEMBER", name=self.name)
        keys, own = self._own_encrypt_key(members[self.name])
        request = pb.DecryptKeyRequest(
            request_id=new_request_id(),
            session_id=header.session_id,
            key_ciphertext_der=write_key_ciphertext(ciphertext),
        )
        answer = await self.call(self.line.sessions.DecryptKey, request)
        label = header.label(self.name)
        return await asyncio.to_thread(self._open, ciphertext, keys.encrypt_key, own, encrypting, label, answer.partial)

    def encrypt_key_of(self, fingerprint: bytes) -> EncryptKey:
        """The key of a certificate of ours for encryption, an older one too.

        Raises:
            ServiceError: SIGNER_KEYS_MISSING: it is not here.
        """
        return self._own_encrypt_key(fingerprint)[0].encrypt_key

    async def relay_pass(self, session_id: str) -> bytes:
        """A fresh pass for the session's media server, DER."""
        request = pb.GetRelayPassRequest(session_id=session_id)
        return (await self.call(self.line.sessions.GetRelayPass, request)).pass_der

    async def _revocation_list(self, *, fresh: bool = False) -> bytes:
        request = certificate_service_pb2.GetRevocationListRequest(fresh=fresh)
        return (await self.line.call(self.line.certificates.GetRevocationList, request)).revocation_list_der

    def _keep(self, session: VerifiedSession) -> VerifiedSession:
        self._sessions[session.session_id] = session
        return session

    async def _sign_jointly(self, statement: Statement, revision: SessionRevision, request_id: str) -> Signature:
        keys, own = self._own_sign_key(statement.author_certificate)
        statement_der = statement.to_der()
        salt = self._store.signature_salt(
            JOINT_ALGORITHM.salt_length, statement.session_id, request_id, JOINT_ALGORITHM, statement.digest
        )
        message = joint_message(statement, own, revision.sign_certificate, salt)
        if not isinstance(keys.sign_key, SigningShare):
            raise ServiceError("KEY_IS_NO_HALF")
        make = partial(create_partial_signature, keys.sign_key, message, self._engine, secrets.token_bytes)
        ours = await asyncio.to_thread(make)
        request = pb.SignStatementRequest(
            request_id=request_id, statement_der=statement_der, salt=salt, author_signature=ours.to_bytes()
        )
        answer = await self.call(self.line.sessions.SignStatement, request)
        check_joint_signature(ours, answer.signature)
        return JointSignature(answer.signature)

    async def _sign_separately(self, statement: Statement, revision: SessionRevision, request_id: str) -> Signature:
        keys, own = self._own_sign_key(statement.author_certificate)
        make = partial(sign_separately, alone(keys.sign_key), statement, own, revision.sign_certificate)
        ours = await asyncio.to_thread(make)
        request = pb.SignStatementRequest(
            request_id=request_id, statement_der=statement.to_der(), author_signature=ours
        )
        answer = await self.call(self.line.sessions.SignStatement, request)
        with blaming_server():
            signature = SeparateSignature(algorithm_of(own.public_key), ours, answer.signature)
            check = partial(verify_signature, statement.to_der(), signature, own, revision.sign_certificate)
            await asyncio.to_thread(check)
        return signature

    def _own_sign_key(self, fingerprint: bytes) -> tuple[SignerKeys, SignerCertificate]:
        for keys, pair in self._pairs:
            if pair.sign_certificate.fingerprint == fingerprint:
                return keys, pair.sign_certificate
        raise ServiceError("SIGNER_KEYS_MISSING", name=self.name)

    def _own_encrypt_key(self, fingerprint: bytes) -> tuple[SignerKeys, SignerCertificate]:
        for keys, pair in self._pairs:
            if pair.encrypt_certificate.fingerprint == fingerprint:
                return keys, pair.encrypt_certificate
        raise ServiceError("SIGNER_KEYS_MISSING", name=self.name)

    def _open(
        self,
        ciphertext: KeyCiphertext,
        key: EncryptKey,
        own: SignerCertificate,
        encrypting: SessionCertificate,
        label: bytes,
        answer: bytes,
    ) -> ContentKey:
        if encrypting.info.scheme is Scheme.SEPARATE:
            if isinstance(key, DecryptionShare):
                return content_key_from(decrypt_alone(key, answer, oaep_parameters(label)))
            return open_inner(key, answer, label)
        if not isinstance(key, DecryptionShare):
            raise ServiceError("KEY_IS_NO_HALF")
        joint = joint_ciphertext(ciphertext, own, encrypting)
        with blaming(Role.SERVER):
            theirs = parse_partial_decryption(joint, Role.SERVER, answer)
        ours = create_partial_decryption(key, joint, self._engine, secrets.token_bytes)
        return content_key_from(combine_decryption(joint, ours, theirs, oaep_parameters(label)))
