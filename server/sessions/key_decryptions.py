"""Decrypting key ciphertexts: the session's half of it, for those who joined the session, for ever.

Joint scheme: the session's partial decryption. Separate scheme: the session's layer is peeled off; what comes out is
encrypted for the recipient. It works after somebody left and after the session was closed, for what was addressed to a
member must stay readable as evidence; only who never joined is refused.

Whose key ciphertext it is cannot be seen from it, and need not be: without the recipient's own half nobody gets further
than the session's. What nobody else may have is that half, and a login that is proven is needed to use it. The journal
records who asked for which.

As with other decryptions the journal keeps digests, not the result (``server.signing.decryptions``): a repeat computes
it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection

from contract.key_ciphertext import JointKeyCiphertext, KeyCiphertext, NestedKeyCiphertext, read_key_ciphertext
from contract.key_sealing import peel_session
from contract.oids import Arc
from contract.session_info import Scheme
from mpc.engines import Random
from mpc.errors import DecryptionFailed, FoursealError, MalformedInput
from mpc.four_prime_rsa import Ciphertext, DecryptionHalf, JointPublicKey, PublicShare, Purpose
from server.custody import ShareCustody, ShareEngine
from server.identity import Login, Logins
from server.journal import Act, Intent, OperationRunner, Request, Result
from server.sessions.certificates import read_joined_certificate
from server.sessions.guard import find_own, proof_of
from server.sessions.shares import public_share, share_name
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Joining, Session
from server.signing import decrypt_partially
from server.storage import Database
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class DecryptionWish:
    """A key ciphertext that somebody wants decrypted as far as the session does it.

    Args:
        request: the call.
        login: of who received it.
        session_id: in which session.
        ciphertext_der: a KeyCiphertext.
    """

    request: Request
    login: Login
    session_id: str
    ciphertext_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DecryptionIntent(Intent):
    wish: DecryptionWish


class KeyDecryptionPolicy:
    """Whether a key ciphertext may be decrypted: the caller has a proven login, and joined the session at some time.

    Args:
        logins: says what a login has proved.
    """

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def admit(
        self,
        connection: Connection,
        intents: Sequence[Intent],
        repeated: Sequence[bool],  # noqa: ARG002
    ) -> list[FoursealError | None]:
        """See ``server.journal.Policy``: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, NOT_A_MEMBER."""
        return [self._judge(connection, intent) for intent in intents]

    def _judge(self, connection: Connection, intent: Intent) -> FoursealError | None:
        assert isinstance(intent, _DecryptionIntent)  # noqa: S101  # this policy's runner gets no others
        wish = intent.wish
        try:
            proof_of(self._logins, connection, wish.login)
            _find_joinings(connection, wish)
        except ServiceError as error:
            return error
        return None


class KeyDecryptions:
    """Decrypts key ciphertexts.

    Args:
        database: where sessions are.
        arc: of the object identifiers in certificates.
        shares: the sessions' shares.
        runner: with ``KeyDecryptionPolicy``.
        engine: exponentiates.
        random: for blinding.
    """

    def __init__(
        self,
        database: Database,
        arc: Arc,
        shares: ShareCustody,
        runner: OperationRunner,
        engine: ShareEngine,
        random: Random,
    ) -> None:
        self._database = database
        self._arc = arc
        self._shares = shares
        self._runner = runner
        self._engine = engine
        self._random = random

    async def decrypt(self, wish: DecryptionWish) -> bytes:
        """Joint scheme: the partial mod N_session, big-endian; separate scheme: the inner ciphertext.

        Raises:
            ServiceError: those of ``OperationRunner.run`` and ``KeyDecryptionPolicy``.
            MalformedInput: KEY_CIPHERTEXT_MALFORMED: no KeyCiphertext, or one of the other scheme: that is seen by
                anybody who looks at it.
            DecryptionFailed: for every other cause.
            FaultDetected: our own result did not hold; nothing was released.
        """
        return await self._runner.run(wish.request, partial(self._prepare, wish))

    def _prepare(self, wish: DecryptionWish) -> tuple[Intent, Act]:
        ciphertext = read_key_ciphertext(wish.ciphertext_der)
        session, joinings = self._database.read_now(lambda connection: _find_joinings(connection, wish))
        _require_scheme(ciphertext, session.scheme)
        intent = _DecryptionIntent(
            request=wish.request,
            key_id=share_name(wish.session_id, Purpose.DECRYPT),
            digest=sha256(wish.ciphertext_der).digest(),
            wish=wish,
        )
        if isinstance(ciphertext, JointKeyCiphertext):
            return intent, partial(self._act_joint, self._joint_ciphertext(ciphertext, session, joinings))
        return intent, partial(self._act_nested, ciphertext, public_share(session, Purpose.DECRYPT))

    def _joint_ciphertext(
        self, ciphertext: JointKeyCiphertext, session: Session, joinings: Sequence[Joining]
    ) -> Ciphertext:
        """The ciphertext under a joint key of the caller's, who may have joined with several, one after the other."""
        for joining in joinings:
            half = read_joined_certificate(joining, Purpose.DECRYPT, self._arc).public_share()
            try:
                return Ciphertext(JointPublicKey(half, public_share(session, Purpose.DECRYPT)), ciphertext.data)
            except MalformedInput:
                continue
        raise DecryptionFailed

    def _act_joint(self, ciphertext: Ciphertext, name: str) -> Result:
        return Result(release=decrypt_partially(self._shares, name, ciphertext, self._engine, self._random), keep=False)

    def _act_nested(self, ciphertext: KeyCiphertext, public: PublicShare, name: str) -> Result:
        share = self._shares.open(name, public)
        if not isinstance(share, DecryptionHalf):
            raise ServiceError("SHARE_DAMAGED")
        return Result(release=peel_session(share, ciphertext, self._engine, self._random), keep=False)


def _find_joinings(connection: Connection, wish: DecryptionWish) -> tuple[Session, list[Joining]]:
    session, _ = find_own(connection, wish.session_id, wish.login.account)
    joinings = store.list_joinings(connection, wish.session_id, name=wish.login.account)
    if not joinings:
        raise ServiceError("NOT_A_MEMBER", name=wish.login.account)
    return session, joinings


def _require_scheme(ciphertext: KeyCiphertext, scheme: Scheme) -> None:
    if isinstance(ciphertext, NestedKeyCiphertext) is not (scheme is Scheme.SEPARATE):
        problem = "of the other scheme"
        raise MalformedInput("KEY_CIPHERTEXT_MALFORMED", f"the key ciphertext is {problem}", problem=problem)
