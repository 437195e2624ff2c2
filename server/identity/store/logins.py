"""Logins, and attempts to log in that have passed the password."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from server.journal import Caller
from server.storage import Instant, Lookup, PageCursor, metadata

login_challenges = Table(
    "login_challenges",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("certificate_sha256", LargeBinary, nullable=False),
    Column("webauthn_challenge", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Index(None, "account"),
    Index(None, "create_time"),
)

logins = Table(
    "logins",
    metadata,
    Column("account", Text, nullable=False),
    Column("login_id", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("certificate_sha256", LargeBinary, nullable=False),
    Column("create_time", Instant, nullable=False),
    Column("use_time", Instant, nullable=False),
    Column("end_time", Instant, nullable=False),
    Column("server_nonce", LargeBinary),
    Column("client_nonce", LargeBinary),
    Column("server_certificate", LargeBinary),
    Column("nonce_time", Instant),
    Column("sign_certificate", LargeBinary),
    Column("encrypt_certificate", LargeBinary),
    Column("proof_end", Instant),
    PrimaryKeyConstraint("account", "login_id"),
    UniqueConstraint("token_sha256"),
    Index(None, "use_time"),
)


@dataclass(frozen=True, slots=True)
class LoginChallenge:
    """An attempt to log in, from the password to the second factor.

    Args:
        token_sha256: of the token that names it.
        account: to which.
        caller: from where; the second factor must come from there too.
        webauthn_challenge: 32 random bytes, for a security key to sign.
        create_time: when the password was right.
    """

    token_sha256: bytes
    account: str
    caller: Caller
    webauthn_challenge: bytes
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """What a login has proved possession of.

    Args:
        sign_certificate, encrypt_certificate: SHA-256 of the account's certificates.
        end: when the first of them expires.
    """

    sign_certificate: bytes
    encrypt_certificate: bytes
    end: datetime


@dataclass(frozen=True, slots=True)
class ProofNonces:
    """A proof of possession that was begun.

    Args:
        server_nonce, client_nonce: 32 bytes each.
        server_certificate: SHA-256 of the one by which the server proved itself.
        create_time: when.
    """

    server_nonce: bytes
    client_nonce: bytes
    server_certificate: bytes
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """A login.

    Args:
        account: to which account.
        login_id: which one of the account's.
        token_sha256: of its token.
        caller: from where: it works from there alone.
        create_time: when it was made.
        use_time: when it was used last, to about a thirtieth of the time after which an unused login ends.
        end_time: when it ends in any case.
        nonces: a proof of possession that was begun; None if none was.
        proof: None until possession was proved.
    """

    account: str
    login_id: str
    token_sha256: bytes = field(repr=False)
    caller: Caller
    create_time: datetime
    use_time: datetime
    end_time: datetime
    nonces: ProofNonces | None = None
    proof: Proof | None = None


def add_challenge(connection: Connection, challenge: LoginChallenge) -> None:
    """Keep a new attempt."""
    values = {
        "token_sha256": challenge.token_sha256,
        "account": challenge.account,
        "agent_id": challenge.caller.agent_id,
        "certificate_sha256": challenge.caller.certificate_sha256,
        "webauthn_challenge": challenge.webauthn_challenge,
        "create_time": challenge.create_time,
    }
    connection.execute(insert(login_challenges), values)


def find_challenge(connection: Connection, token_sha256: bytes) -> LoginChallenge | None:
    """The attempt with that token."""
    query = select(login_challenges).where(login_challenges.c.token_sha256 == token_sha256)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    caller = Caller(row.agent_id, row.certificate_sha256)
    return LoginChallenge(row.token_sha256, row.account, caller, row.webauthn_challenge, row.create_time)


def drop_challenge(connection: Connection, token_sha256: bytes) -> bool:
    """Delete an attempt; False if somebody else did."""
    query = delete(login_challenges).where(login_challenges.c.token_sha256 == token_sha256)
    return connection.execute(query).rowcount == 1


def drop_challenges_of(connection: Connection, account: str, *, but_newest: int = 0) -> None:
    """Delete the attempts to log in to an account, but for some of the newest."""
    column = login_challenges.c
    newest = select(column.token_sha256).where(column.account == account)
    kept = newest.order_by(column.create_time.desc()).limit(but_newest)
    connection.execute(delete(login_challenges).where(column.account == account, column.token_sha256.not_in(kept)))


def drop_challenges_before(connection: Connection, before: datetime) -> None:
    """Delete attempts that were begun before a time."""
    connection.execute(delete(login_challenges).where(login_challenges.c.create_time < before))


def add_login(connection: Connection, login: Login) -> None:
    """Keep a new login."""
    values = {
        "account": login.account,
        "login_id": login.login_id,
        "token_sha256": login.token_sha256,
        "agent_id": login.caller.agent_id,
        "certificate_sha256": login.caller.certificate_sha256,
        "create_time": login.create_time,
        "use_time": login.use_time,
        "end_time": login.end_time,
    }
    connection.execute(insert(logins), values)


_logins = Lookup(select(logins), logins.c.token_sha256)


def find_logins(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, Login]:
    """Logins, by SHA-256 of their tokens."""
    return {row.token_sha256: _login(row) for row in _logins.rows(connection, digests)}


def list_logins(
    connection: Connection,
    account: str,
    after: PageCursor | None,
    limit: int,
    *,
    used_after: datetime,
    ends_after: datetime,
) -> list[Login]:
    """At most ``limit`` logins of an account that have not ended, newest first."""
    column = logins.c
    query = select(logins).where(column.account == account, column.use_time > used_after, column.end_time > ends_after)
    if after is not None:
        query = query.where(tuple_(column.create_time, column.login_id) < (after.time, after.name))
    ordered = query.order_by(column.create_time.desc(), column.login_id.desc()).limit(limit)
    return [_login(row) for row in connection.execute(ordered)]


def touch_login(connection: Connection, login: Login, now: datetime) -> None:
    """Note that a login is used."""
    connection.execute(update(logins).where(_is(login)), {"use_time": now})


def put_nonces(connection: Connection, login: Login, nonces: ProofNonces | None) -> None:
    """Keep the nonces of a proof that was begun in the place of older ones, or forget them."""
    values = {
        "server_nonce": nonces and nonces.server_nonce,
        "client_nonce": nonces and nonces.client_nonce,
        "server_certificate": nonces and nonces.server_certificate,
        "nonce_time": nonces and nonces.create_time,
    }
    connection.execute(update(logins).where(_is(login)), values)


def put_proof(connection: Connection, login: Login, proof: Proof) -> None:
    """Keep what a login has proved."""
    values = {
        "sign_certificate": proof.sign_certificate,
        "encrypt_certificate": proof.encrypt_certificate,
        "proof_end": proof.end,
    }
    connection.execute(update(logins).where(_is(login)), values)


def drop_proofs(connection: Connection, account: str) -> None:
    """Forget what an account's logins have proved or begun to prove."""
    names = ("server_nonce", "client_nonce", "server_certificate", "nonce_time")
    values = dict.fromkeys((*names, "sign_certificate", "encrypt_certificate", "proof_end"))
    connection.execute(update(logins).where(logins.c.account == account), values)


def drop_login(connection: Connection, account: str, login_id: str) -> bool:
    """End a login; whether there was one."""
    query = delete(logins).where(logins.c.account == account, logins.c.login_id == login_id)
    return connection.execute(query).rowcount == 1


def drop_logins_of(connection: Connection, account: str, *, but: str = "") -> int:
    """End the logins of an account, but for one. Returns how many."""
    query = delete(logins).where(logins.c.account == account, logins.c.login_id != but)
    return connection.execute(query).rowcount


def drop_oldest_logins(connection: Connection, account: str, kept: int) -> None:
    """End the logins of an account, but for the newest."""
    newest = select(logins.c.login_id).where(logins.c.account == account)
    wanted = newest.order_by(logins.c.create_time.desc(), logins.c.login_id.desc()).limit(kept)
    connection.execute(delete(logins).where(logins.c.account == account, logins.c.login_id.not_in(wanted)))


def drop_ended_logins(connection: Connection, *, used_before: datetime, now: datetime) -> None:
    """Delete logins that have ended."""
    connection.execute(delete(logins).where((logins.c.use_time <= used_before) | (logins.c.end_time <= now)))


def _is(login: Login) -> Any:  # noqa: ANN401  # SQLAlchemy's condition
    return (logins.c.account == login.account) & (logins.c.login_id == login.login_id)


def _login(row: Row[*tuple[Any, ...]]) -> Login:
    nonces = proof = None
    if row.server_nonce is not None:
        nonces = ProofNonces(row.server_nonce, row.client_nonce, row.server_certificate, row.nonce_time)
    if row.sign_certificate is not None:
        proof = Proof(row.sign_certificate, row.encrypt_certificate, row.proof_end)
    return Login(
        account=row.account,
        login_id=row.login_id,
        token_sha256=row.token_sha256,
        caller=Caller(row.agent_id, row.certificate_sha256),
        create_time=row.create_time,
        use_time=row.use_time,
        end_time=row.end_time,
        nonces=nonces,
        proof=proof,
    )
