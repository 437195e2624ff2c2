"""The black list: a listed key is certified no more, proves nothing, and what it has proved is forgotten."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mpc.four_prime_rsa import Purpose
from server.errors import OperatorError
from server.identity import ListedKind, list_listed, put_on_list, take_off_list
from server.root.application import Server
from server.storage import Database
from tests.server.harness import MovableClock
from tests.server.identity.accounts.people import Person, pb, spki
from wire.status import RemoteError


def database_of(server: Server) -> Database:
    """Of a server in this process."""
    return server._ground.database  # the guard's, which is above


async def test_listed_key_proves_nothing(logged_in: Person, account_server: Server, clock: MovableClock) -> None:
    """Neither a login that was proven before, nor one that is proven anew; another pair of the account's does."""
    pair = await logged_in.get_certificates()
    await logged_in.prove(pair)
    key = sha256(pair[Purpose.SIGN].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    listing = partial(put_on_list, kind=ListedKind.KEY, value=key.hexdigest(), cause="alarm", now=clock())
    assert await database_of(account_server).write(listing)
    assert not await database_of(account_server).write(listing), "the first cause stays"
    logins = (await logged_in.call(logged_in.accounts.ListLogins, pb.ListLoginsRequest())).logins
    assert not any(login.proven for login in logins)
    with pytest.raises(RemoteError) as refused:
        await logged_in.prove(pair)
    assert refused.value.reason == "KEY_BLACK_LISTED"
    logged_in.sign_key = ed25519.Ed25519PrivateKey.generate()
    logged_in.encrypt_key = x25519.X25519PrivateKey.generate().public_key()
    await logged_in.prove(await logged_in.get_certificates())
    await database_of(account_server).write(listing)
    logins = (await logged_in.call(logged_in.accounts.ListLogins, pb.ListLoginsRequest())).logins
    assert any(login.proven for login in logins), "who has another key by now goes on when it is listed again"


async def test_listed_key_is_not_certified(logged_in: Person, account_server: Server, clock: MovableClock) -> None:
    """Whoever asks: also one to whom no certificate was issued before."""
    request = logged_in.signer_request()
    listed = sha256(spki(logged_in.encrypt_key)).hexdigest()
    database = database_of(account_server)
    await database.write(partial(put_on_list, kind=ListedKind.KEY, value=listed, cause="alarm", now=clock()))
    with pytest.raises(RemoteError) as refused:
        await logged_in.call(logged_in.certificates.IssueSignerCertificates, request)
    assert refused.value.reason == "KEY_BLACK_LISTED"
    await database.write(partial(take_off_list, kind=ListedKind.KEY, value=listed))
    await logged_in.call(logged_in.certificates.IssueSignerCertificates, request)


@pytest.mark.parametrize(
    ("kind", "value", "cause"),
    [
        (ListedKind.KEY, "ab", "alarm"),
        (ListedKind.KEY, "A" * 64, "alarm"),
        (ListedKind.ADDRESS, "127.0.0.1:7443", "alarm"),
        (ListedKind.ADDRESS, "localhost", "alarm"),
        (ListedKind.ADDRESS, "127.0.0.1", ""),
        (ListedKind.ADDRESS, "127.0.0.1", "two\nlines"),
        (ListedKind.ADDRESS, "127.0.0.1", "a" * 201),
    ],
)
async def test_nothing_else_is_listed(
    account_server: Server, clock: MovableClock, kind: ListedKind, value: str, cause: str
) -> None:
    """What can be no key, no address or no cause."""
    with pytest.raises(OperatorError):
        await database_of(account_server).write(partial(put_on_list, kind=kind, value=value, cause=cause, now=clock()))


async def test_addresses_are_written_in_one_way(account_server: Server, clock: MovableClock) -> None:
    """So none escapes by being written otherwise; and who is not there cannot be taken off."""
    database = database_of(account_server)
    address = partial(put_on_list, kind=ListedKind.ADDRESS, cause="alarm", now=clock())
    assert await database.write(partial(address, value="2001:0db8:0:0::1"))
    assert not await database.write(partial(address, value="2001:db8::1"))
    (found,) = await database.read(lambda connection: list_listed(connection, None, 10))
    assert (found.kind, found.value, found.cause) == (ListedKind.ADDRESS, "2001:db8::1", "alarm")
    with pytest.raises(OperatorError):
        await database.write(partial(take_off_list, kind=ListedKind.ADDRESS, value="2001:db8::2"))
