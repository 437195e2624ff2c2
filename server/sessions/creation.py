"""Creating a session: two new shares, their certifications and certificates; the creator joins.

It is run as the journal runs whatever takes long (``OperationRunner``): intent, shares, result. A crash between leaves
an intent; a repeat makes other shares, for nobody has seen the first ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.names import check_account_name, check_place, check_subject, new_session_id
from contract.session_info import MAX_PEOPLE, Scheme
from mpc.engines import Random
from mpc.errors import FoursealError
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.custody import ShareCustody, ShareEngine
from server.identity import Authority, Login, Logins, check_callers
from server.identity.authority import BACKDATE
from server.journal import Act, Flights, Intent, OperationRunner, Request, Result
from server.sessions.certificates import SignerPair, find_pair, half_bits_for, require_suitable
from server.sessions.guard import proof_of, require_proof
from server.sessions.membership import invited_member, joined_member, joining_of
from server.sessions.revisions import Revisions
from server.sessions.shares import MadeShare, make_share, share_name
from server.sessions.states import SessionState
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session, SessionMember
from server.storage import Database, Threads
from wire.catalogue import ServiceError

_FIRST_REVISION: Final = 1
_SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CreationWish:
    """A session that somebody wants.

    Args:
        request: the call.
        login: of the creator.
        subject: 1 to 200 characters.
        place: a URI, or empty.
        begin: None for now; fractions of a second are cut off here and at the end.
        end: from when on nothing can be signed.
        invited: names of the others, 1 to 49.
        scheme: for its whole life.
        all_is_evidence: the session's rule, for its whole life.
    """

    request: Request
    login: Login
    subject: str
    place: str
    begin: datetime | None
    end: datetime
    invited: tuple[str, ...]
    scheme: Scheme
    all_is_evidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _CreationIntent(Intent):
    wish: CreationWish


class _Policy:
    """Whether a session may be made. The same for repeats."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def admit(
        self,
        connection: Connection,
        intents: Sequence[Intent],
        repeated: Sequence[bool],  # noqa: ARG002
    ) -> list[FoursealError | None]:
        """See ``server.journal.Policy``: LOGIN_REQUIRED, PROOF_REQUIRED."""
        return [self._judge(connection, intent) for intent in intents]

    def _judge(self, connection: Connection, intent: Intent) -> FoursealError | None:
        assert isinstance(intent, _CreationIntent)  # noqa: S101  # this policy's runner gets no others
        try:
            proof_of(self._logins, connection, intent.wish.login)
        except ServiceError as error:
            return error
        return None


class SessionCreation:
    """Creates sessions.

    Args:
        database: where they are kept.
        shares: where their shares are kept.
        logins: says what a login has proved.
        authority: issues session certificates.
        flights: creations under way; they take long.
        workers: for making shares.
        engine: exponentiates.
        random: for blinding.
        clock: the time.
        longest: from begin to end.
    """

    def __init__(
        self,
        database: Database,
        shares: ShareCustody,
        logins: Logins,
        authority: Authority,
        flights: Flights,
        workers: Threads,
        engine: ShareEngine,
        random: Random,
        clock: Clock,
        *,
        longest: timedelta,
    ) -> None:
        self._database = database
        self._shares = shares
        self._logins = logins
        self._authority = authority
        self._revisions = Revisions(authority)
        self._runner = OperationRunner(database, flights, workers, check_callers, _Policy(logins), clock)
        self._engine = engine
        self._random = random
        self._clock = clock
        self._longest = longest

    async def create(self, wish: CreationWish) -> str:
        """Make a session; its id. A repeat gets the same one.

        Raises:
            ServiceError: those of ``OperationRunner.run``; LOGIN_REQUIRED, PROOF_REQUIRED, FIELD_INVALID,
                SESSION_SIZE_WRONG, SESSION_TIME_WRONG, SESSION_KEYS_UNSUITABLE, CERTIFICATE_ENDS_EARLY,
                ACCOUNT_UNKNOWN.
            MalformedInput: SUBJECT_MALFORMED, PLACE_MALFORMED, ACCOUNT_NAME_MALFORMED.
        """
        return (await self._runner.run(wish.request, partial(self._prepare, wish))).decode()

    def _prepare(self, wish: CreationWish) -> tuple[Intent, Act]:
        self._check(wish)
        require_proof(self._logins, wish.login)
        session_id = new_session_id(secrets.token_bytes)

        def query(connection: Connection) -> tuple[SignerPair, list[SessionMember]]:
            if wish.login.proof is None:
                raise ServiceError("PROOF_REQUIRED")
            pair = find_pair(connection, wish.login.proof, self._authority.arc)
            names = (wish.login.account, *wish.invited)
            return pair, [invited_member(connection, session_id, name, self._clock()) for name in names]

        pair, members = self._database.read_now(query)
        half_bits = half_bits_for(pair, wish.scheme)
        intent = _CreationIntent(request=wish.request, key_id=session_id, wish=wish)
        return intent, partial(self._act, wish, pair, members, half_bits)

    def _check(self, wish: CreationWish) -> None:
        check_subject(wish.subject)
        check_place(wish.place)
        names = {wish.login.account, *map(check_account_name, wish.invited)}
        if len(names) != 1 + len(wish.invited):
            raise ServiceError("FIELD_INVALID", field="invited", problem="names somebody twice, or the caller")
        if not 1 <= len(wish.invited) < MAX_PEOPLE:
            raise ServiceError("SESSION_SIZE_WRONG", found=len(names))
        now = self._clock()
        begin = wish.begin or now
        problem = ""
        if begin < now - BACKDATE:
            problem = "it begins in the past"
        elif wish.end - max(begin, now) < _SHORTEST:  # no sum: the last year would overflow
            problem = "it ends before it begins, or in the past"
        elif wish.end - begin > self._longest:
            problem = f"it is longer than {self._longest.days} days"
        if problem:
            raise ServiceError("SESSION_TIME_WRONG", problem=problem)

    def _act(
        self, wish: CreationWish, pair: SignerPair, members: Sequence[SessionMember], half_bits: int, session_id: str
    ) -> Result:
        sign, encrypt = (
            make_share(self._shares, session_id, purpose, half_bits, self._engine, self._random)
            for purpose in (Purpose.SIGN, Purpose.DECRYPT)
        )
        now = self._clock()
        session = _session(wish, session_id, half_bits, sign, encrypt, now)
        require_suitable(pair, session)
        placed = [replace(member, session_id=session_id, session_time=now) for member in members]  # a repeat has an id
        placed[0] = joined_member(placed[0], pair)
        revision = self._revisions.issue(session, placed, session.revision, now)

        def keep(connection: Connection) -> None:
            store.insert_session(connection, session)
            for member in placed:
                store.put_member(connection, member)
            store.add_joining(connection, joining_of(placed[0], pair, now))
            store.insert_revision(connection, revision)
            self._shares.keep(connection, share_name(session_id, Purpose.SIGN), sign.share, now)
            self._shares.keep(connection, share_name(session_id, Purpose.DECRYPT), encrypt.share, now)

        return Result(release=session_id.encode(), apply=keep)


def _session(
    wish: CreationWish, session_id: str, half_bits: int, sign: MadeShare, encrypt: MadeShare, now: datetime
) -> Session:
    return Session(
        session_id=session_id,
        state=SessionState.OPEN,
        scheme=wish.scheme,
        half_bits=half_bits,
        subject=wish.subject,
        place=wish.place,
        begin_time=(wish.begin or now).replace(microsecond=0),
        end_time=wish.end.replace(microsecond=0),
        creator=wish.login.account,
        revision=_FIRST_REVISION,
        sign_modulus=sign.public.to_bytes(),
        encrypt_modulus=encrypt.public.to_bytes(),
        sign_roots=b"".join(sign.roots),
        encrypt_roots=b"".join(encrypt.roots),
        create_time=now,
        all_is_evidence=wish.all_is_evidence,
    )
