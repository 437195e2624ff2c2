"""Members whose moduli share a prime: whoever sees both certificates can factor both, and every member sees all.

A generator that repeats itself does that. Whoever comes second is refused: a certificate is compared with all that are
in use in the session, at most 49 other pairs and the session's own, in the transaction in which it joins. What two
sessions, or two keys elsewhere, have in common is found by ``fourseal-server audit``.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import Purpose, Role, shares_factor
from server.identity import modulus_of
from server.sessions.certificates import SignerPair
from server.sessions.shares import public_share
from server.sessions.store import sessions as store
from server.sessions.store.sessions import Session


def require_unshared_primes(connection: Connection, session: Session, name: str, pair: SignerPair) -> None:
    """See that somebody's moduli have no prime in common with each other, the session's or another member's.

    Takes one or two milliseconds in a session of 50. Keys without a modulus have nothing to compare.

    Raises:
        PeerMisbehaved: MODULUS_SHARES_PRIME; the culprit is the client.
    """
    own = _moduli(pair.sign_der, pair.encrypt_der)
    others = [public_share(session, purpose).modulus for purpose in Purpose]
    for joining in store.list_present_joinings(connection, session.session_id):
        if joining.name != name:
            others += _moduli(joining.sign_certificate, joining.encrypt_certificate)
    if any(shares_factor(modulus, [*others, *own[:index]]) for index, modulus in enumerate(own)):
        raise PeerMisbehaved(
            "MODULUS_SHARES_PRIME",
            "the client modulus shares a prime with one that was known before",
            culprit=Role.CLIENT,
        )


def session_moduli(connection: Connection) -> Iterator[tuple[str, Purpose, int]]:
    """Session id, purpose and modulus of every share that any session ever had, read bit by bit."""
    for session_id, sign, encrypt in store.all_moduli(connection):
        yield session_id, Purpose.SIGN, int.from_bytes(sign, "big")
        yield session_id, Purpose.DECRYPT, int.from_bytes(encrypt, "big")


def _moduli(*certificates: bytes) -> list[int]:
    return [modulus for modulus in map(modulus_of, certificates) if modulus is not None]
