"""Many members at once: accounts, certificates and proven logins put in beside the running server, at no cost.

Their moduli are numbers that nobody knows the primes of: these people join, are sent to, and never sign.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from math import gcd

import gmpy2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.certificate_parts import fingerprint
from mpc.four_prime_rsa import PUBLIC_EXPONENT, Purpose
from server.identity.store import accounts, certificates, logins
from server.identity.store.certificates import IssuedCertificate
from server.identity.tickets import token_digest
from server.journal import Caller
from server.root.application import Server
from tests.server.harness import HALF_BITS
from tests.server.identity.accounts.people import spki
from tests.server.sessions.people import Known, Signer

_WINDOW = 1 << 16
_SMALL_PRIMES = int(gmpy2.primorial(_WINDOW))


def coprime_moduli(count: int) -> list[int]:
    """Odd numbers of full size, no two of which share a prime: they are closer together than their least factors."""
    base = (secrets.randbits(HALF_BITS) | (3 << (HALF_BITS - 2))) & ~1
    found = (number for number in range(base + 1, base + _WINDOW, 2) if gcd(number, _SMALL_PRIMES) == 1)
    return [next(found) for _ in range(count)]


async def arrive_in_numbers(server: Server, guide: Signer, moduli: Sequence[tuple[int, int]]) -> list[Signer]:
    """People with these moduli for signing and for decryption, all at the agent of somebody who is there already."""
    certificate = x509.load_pem_x509_certificate(guide.client.identity.certificate_pem)
    caller = Caller(guide.client.identity.agent_id, fingerprint(certificate))

    def unit(connection: Connection) -> list[Signer]:
        return list(_make(server, connection, guide, caller, moduli))

    return await server._ground.database.write(unit)


def _make(
    server: Server, connection: Connection, guide: Signer, caller: Caller, moduli: Sequence[tuple[int, int]]
) -> Iterator[Signer]:
    known = accounts.find_account(connection, guide.name)
    assert known is not None
    authority = server._rules.accounts.certificates._authority
    now = guide.now()
    for number, both in enumerate(moduli):
        name, token = f"member-{number:02}", secrets.token_urlsafe(32)
        handle = secrets.token_bytes(16)
        accounts.add_account(connection, replace(known, name=name, user_handle=handle))
        pair = {}
        for purpose, modulus in zip((Purpose.SIGN, Purpose.DECRYPT), both, strict=True):
            key = rsa.RSAPublicNumbers(PUBLIC_EXPONENT, modulus).public_key()
            issued = authority.issue_signer_certificate(name, name, purpose, key, now, timedelta(days=397))
            pair[purpose] = issued
            row = IssuedCertificate(
                fingerprint=fingerprint(issued),
                account=name,
                purpose=purpose,
                serial_number=issued.serial_number,
                key_sha256=sha256(spki(key)).digest(),
                is_half=True,
                certificate=issued.public_bytes(Encoding.DER),
                create_time=now,
                expire_time=issued.not_valid_after_utc,
            )
            certificates.add_certificate(connection, row)
        login = logins.Login(
            name, secrets.token_hex(8), token_digest(token), caller, now, now, now + timedelta(hours=9)
        )
        logins.add_login(connection, login)
        proof = logins.Proof(
            fingerprint(pair[Purpose.SIGN]), fingerprint(pair[Purpose.DECRYPT]), now + timedelta(days=300)
        )
        logins.put_proof(connection, login, proof)
        there = Known(guide.client.identity, token, login.login_id, guide.known.keys, pair)
        yield Signer(name, guide.client, guide.clock, token=token, known=there)
