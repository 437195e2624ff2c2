"""Sessions of as many people as there may be; and members whose moduli share primes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from fourseal.v1 import contract_session_pb2

from contract.session_info import MAX_PEOPLE
from contract.signatures import JointSignature, verify_signature
from mpc.four_prime_rsa import PUBLIC_EXPONENT, KeyShare, Purpose, Role, generate_key_share
from mpc.four_prime_rsa.key_share import _share_from_numbers
from server.root.application import Server
from tests.server.cli.test_cli import answer, command
from tests.server.harness import HALF_BITS, database_path
from tests.server.sessions.crowd import arrive_in_numbers, coprime_moduli
from tests.server.sessions.people import (
    JOINT,
    Keys,
    Signer,
    World,
    certify,
    copy_home,
    keys_of_halves,
    member_of,
    sign_certificate_of,
)
from wire.status import RemoteError

JOINED = contract_session_pb2.MEMBER_STATE_JOINED
INVITED = contract_session_pb2.MEMBER_STATE_INVITED


async def test_fifty_meet_and_no_more(alice: Signer, bob: Signer, session_server: Server) -> None:
    """All join, and Alice's statement to all the others is signed and holds. One more cannot be invited or get in."""
    numbers = coprime_moduli(2 * MAX_PEOPLE)
    crowd = await arrive_in_numbers(session_server, bob, list(zip(numbers[::2], numbers[1::2], strict=True)))
    members, (one_more, another) = crowd[: MAX_PEOPLE - 2], crowd[MAX_PEOPLE - 2 :]
    made = await alice.create("bob", *(member.name for member in members))
    for member in (bob, *members):
        await member.join(made.session_id)
    session = await alice.get(made.session_id)
    assert [member.state for member in session.members] == [JOINED] * MAX_PEOPLE
    assert len(sign_certificate_of(session).info.members) == MAX_PEOPLE
    statement = alice.statement(session, bob, *members)
    signature = JointSignature(await alice.sign(session, statement))
    verify_signature(statement.to_der(), signature, alice.sign_certificate, sign_certificate_of(session))

    with pytest.raises(RemoteError) as refused:
        await alice.invite(made.session_id, one_more.name)
    assert (refused.value.reason, refused.value.metadata) == ("SESSION_SIZE_WRONG", {"found": "51"})
    assert "2 to 50 people" in str(refused.value)
    with pytest.raises(RemoteError, match="no session"):
        await one_more.join(made.session_id)
    await members[0].leave(made.session_id)
    with pytest.raises(RemoteError) as refused:
        await alice.invite(made.session_id, one_more.name, another.name)
    assert refused.value.metadata == {"found": "51"}
    await alice.invite(made.session_id, one_more.name)
    assert len((await one_more.join(made.session_id)).members) == MAX_PEOPLE + 1  # one of them has left


async def test_a_prime_of_another_member_is_refused(alice: Signer, bob: Signer, mallory: Signer) -> None:
    """Who knows a prime of Alice's, or has a generator that repeats hers, does not get in; nor do two halves of one."""
    shared = alice.known.keys.sign_share
    assert shared is not None
    of_both = with_prime(generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS).crt.p, Purpose.SIGN)
    made = await alice.create("bob", "mallory")
    for sign, encrypt in (
        (with_prime(shared.crt.p, Purpose.SIGN), generate_key_share(Role.CLIENT, Purpose.DECRYPT, HALF_BITS)),
        (
            generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS),
            with_prime(shared.crt.q, Purpose.DECRYPT),
        ),
        (of_both, with_prime(of_both.crt.p, Purpose.DECRYPT)),
    ):
        await renew(mallory, keys_of_halves(sign, encrypt))
        with pytest.raises(RemoteError) as refused:
            await mallory.join(made.session_id)
        assert (refused.value.reason, refused.value.metadata["culprit"]) == ("MODULUS_SHARES_PRIME", "client")
    assert member_of(await alice.get(made.session_id), "mallory").state == INVITED
    await bob.join(made.session_id)
    await alice.leave(made.session_id)  # whoever has left has nothing more to lose here
    await renew(
        mallory,
        keys_of_halves(
            with_prime(shared.crt.p, Purpose.SIGN), generate_key_share(Role.CLIENT, Purpose.DECRYPT, HALF_BITS)
        ),
    )
    await mallory.join(made.session_id)


async def test_the_separate_scheme_compares_too(people: dict[str, Signer]) -> None:
    """RSA keys of any kind have primes; other keys have none."""
    alice, dave, erin = (people[name] for name in ("alice", "dave", "erin"))
    made = await alice.create("dave", "erin", scheme=contract_session_pb2.SESSION_SCHEME_SEPARATE)
    await dave.join(made.session_id)
    assert alice.known.keys.encrypt_share is not None
    share = with_prime(alice.known.keys.encrypt_share.crt.p, Purpose.DECRYPT)
    await renew(erin, Keys(ed25519.Ed25519PrivateKey.generate(), rsa_key(share)))
    with pytest.raises(RemoteError) as refused:
        await erin.join(made.session_id)
    assert refused.value.reason == "MODULUS_SHARES_PRIME"


def test_audit_names_accounts_and_sessions(world: World, tmp_path: Path) -> None:
    """Every certified key and every session share is compared, with joint keys and with each other."""
    home = copy_home(world, tmp_path / "server")
    moduli = [key.public_numbers().n for key in rsa_keys(world)]
    assert answer(home.folder, "audit") == {"moduli": len(moduli), "shared": []}
    assert len(moduli) == 2 * len(JOINT) + 1  # Erin decrypts by RSA, without any certification
    session = ("session-" + "a" * 26, "open", "joint", 2048, "", "", 0, 0, "alice", 1)
    sign, encrypt = (number.to_bytes(256) for number in (moduli[0], moduli[0] + 2))
    with closing(sqlite3.connect(database_path(home))) as database, database:
        database.execute(
            f"INSERT INTO contract_sessions VALUES ({', '.join('?' * 17)})",  # noqa: S608  # question marks
            (*session, sign, encrypt, b"", b"", 0, None, 0),
        )
    done = command(home.folder, "audit", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["moduli"] == len(moduli) + 2
    assert {tuple(row.values()) for row in found["shared"]} >= {
        ("session", session[0], "sign"),
        ("account", "alice", "sign"),
    }


def rsa_keys(world: World) -> list[rsa.RSAPublicKey]:
    """All certified keys that have a modulus, Alice's for signing first."""
    pairs = [world.people[name].pair for name in (*JOINT, "erin")]
    keys = [pair[purpose].public_key() for pair in pairs for purpose in (Purpose.SIGN, Purpose.DECRYPT)]
    return [key for key in keys if isinstance(key, rsa.RSAPublicKey)]


async def renew(person: Signer, keys: Keys) -> None:
    """Have other keys certified, and prove that one has them."""
    await person.prove(await certify(person, keys))


def with_prime(prime: int, purpose: Purpose) -> KeyShare:
    """A half that shares a prime with somebody else's, and is as good as any in itself."""
    while True:
        other = rsa.generate_private_key(PUBLIC_EXPONENT, HALF_BITS).private_numbers().p
        modulus = prime * other
        if other != prime and (modulus * modulus).bit_length() == 2 * HALF_BITS:
            break
    exponent = pow(PUBLIC_EXPONENT, -1, (prime - 1) * (other - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=prime,
        q=other,
        d=exponent,
        dmp1=exponent % (prime - 1),
        dmq1=exponent % (other - 1),
        iqmp=pow(other, -1, prime),
        public_numbers=rsa.RSAPublicNumbers(PUBLIC_EXPONENT, modulus),
    )
    return _share_from_numbers(Role.CLIENT, purpose, numbers)


def rsa_key(share: KeyShare) -> rsa.RSAPrivateKey:
    """A half as an ordinary key."""
    key = serialization.load_der_private_key(share.to_secret_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
