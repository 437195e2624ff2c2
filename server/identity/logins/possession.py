"""Proof of possession, both ways (``contract.possession``): afterwards the login is proven, with two certificates.

1. Writer: the login holds; the nonces and the server's certificate are kept with it, in the place of older ones.
2. The server signs with the key of its TLS certificate. What TLS 1.3 signs begins with 64 spaces (RFC 8446 section
   4.4.3) and this with a DER sequence, so that neither passes for the other.
3. The signer answers. Writer: the nonces are taken away, so that they are good once, whatever comes of it.
4. Worker: the signature is checked against the certificate that the database has for the account.
5. Writer: the certificates are still active, their keys on no black list, and the login holds: it is proven, until
   the first of them expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from sqlalchemy import Connection

from contract.certificate_parts import fingerprint, load_certificate
from contract.certificates import SignerCertificate
from contract.errors import VerificationFailed
from contract.possession import NONCE_BYTES, PossessionProof, PossessionRole
from contract.signer_keys import MAX_SIGNATURE_BYTES, check_signature_alone, sign_alone
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import Purpose
from server.clock import Clock
from server.identity.accounts.events import Event, record
from server.identity.authority import Authority
from server.identity.black_list import require_unlisted
from server.identity.certificates.certificates import Pair, SignerCertificates
from server.identity.logins.logins import Logins
from server.identity.server_certificate import CurrentCertificate
from server.identity.store import logins as store
from server.identity.store.logins import Login, Proof, ProofNonces
from server.storage import Database
from wire.catalogue import ServiceError

NONCE_LIFETIME: Final = timedelta(minutes=2)
LARGEST_CLOCK_DIFFERENCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ServerProof:
    """By what the server proves itself."""

    server_nonce: bytes
    time: datetime
    server_certificate: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignerProof:
    """By what a signer proves that it has the key of its certificate. Certificates are DER."""

    server_nonce: bytes
    time: datetime
    sign_certificate: bytes
    encrypt_certificate: bytes
    signature: bytes


class Possession:
    """Makes and checks proofs.

    Args:
        database: logins.
        logins: see that who proves is logged in.
        certificates: the active ones.
        authority: knows the arc.
        own: the server's certificate, with its key.
        random: randomness for nonces.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        logins: Logins,
        certificates: SignerCertificates,
        authority: Authority,
        own: CurrentCertificate,
        random: Callable[[int], bytes],
        clock: Clock,
    ) -> None:
        self._database = database
        self._logins = logins
        self._certificates = certificates
        self._authority = authority
        self._own = own
        self._random = random
        self._clock = clock

    async def begin(self, login: Login, client_nonce: bytes) -> ServerProof:
        """Steps 1 and 2.

        Raises:
            ServiceError: LOGIN_REQUIRED; FIELD_INVALID: not 32 bytes.
        """
        if len(client_nonce) != NONCE_BYTES:
            raise ServiceError("FIELD_INVALID", field="client_nonce", problem=f"not {NONCE_BYTES} bytes")
        certificate_der, key = self._own.possession_key()
        own_fingerprint = fingerprint(load_certificate(certificate_der))
        now = self._clock().replace(microsecond=0)
        nonces = ProofNonces(self._random(NONCE_BYTES), client_nonce, own_fingerprint, self._clock())

        def unit(connection: Connection) -> None:
            store.put_nonces(connection, self._logins.require(connection, login), nonces)

        await self._database.write(unit)
        proof = _proof(PossessionRole.SERVER, login, nonces, now, ())
        signature = await asyncio.to_thread(sign_alone, key, proof.to_der())
        return ServerProof(nonces.server_nonce, now, certificate_der, signature)

    async def finish(self, login: Login, given: SignerProof) -> Login:
        """Steps 3 to 5.

        Returns:
            The login, proven.

        Raises:
            ServiceError: LOGIN_REQUIRED, CLOCK_DIFFERS, KEY_BLACK_LISTED; POSSESSION_NOT_PROVEN for all else.
            MalformedInput: CERTIFICATE_MALFORMED.
        """
        difference = abs(given.time - self._clock())
        if difference > LARGEST_CLOCK_DIFFERENCE:
            maximum = LARGEST_CLOCK_DIFFERENCE // timedelta(seconds=1)
            raise ServiceError("CLOCK_DIFFERS", seconds=difference // timedelta(seconds=1), maximum=maximum)

        def take(connection: Connection) -> tuple[ProofNonces | None, Pair]:
            found = self._logins.require(connection, login)
            store.put_nonces(connection, found, None)
            return found.nonces, self._certificates.find_active(connection, login.account)

        nonces, pair = await self._database.write(take)  # 3
        proved = nonces is not None and await asyncio.to_thread(self._holds, login, nonces, pair, given)  # 4

        def settle(connection: Connection) -> Login | None:
            found = self._logins.require(connection, login)
            now, active = self._clock(), self._certificates.find_active(connection, login.account)
            if not proved or active != pair:
                record(connection, now, login.account, login.caller, Event.POSSESSION_FAILED, login.login_id)
                return None
            sign, encrypt = pair[Purpose.SIGN], pair[Purpose.DECRYPT]
            require_unlisted(connection, (sign.key_sha256, encrypt.key_sha256))
            end = min(sign.expire_time, encrypt.expire_time)
            store.put_proof(connection, found, Proof(sign.fingerprint, encrypt.fingerprint, end))
            record(connection, now, login.account, login.caller, Event.POSSESSION_PROVEN, login.login_id)
            return self._logins.require(connection, login)

        proven = await self._database.write(settle)  # 5
        if proven is None:
            raise ServiceError("POSSESSION_NOT_PROVEN")
        return proven

    def _holds(self, login: Login, nonces: ProofNonces, pair: Pair, given: SignerProof) -> bool:
        fresh = timedelta(0) <= self._clock() - nonces.create_time < NONCE_LIFETIME
        shown = {Purpose.SIGN: given.sign_certificate, Purpose.DECRYPT: given.encrypt_certificate}
        active = {purpose: each.certificate for purpose, each in pair.items()}
        if not fresh or not compare_digest(nonces.server_nonce, given.server_nonce) or shown != active:
            return False
        if len(given.signature) > MAX_SIGNATURE_BYTES:
            return False
        try:
            certificates = (pair[Purpose.SIGN].fingerprint, pair[Purpose.DECRYPT].fingerprint)
            proof = _proof(PossessionRole.SIGNER, login, nonces, given.time, certificates)
            signer = SignerCertificate.from_der(given.sign_certificate, self._authority.arc)
            check_signature_alone(signer.public_key, given.signature, proof.to_der())
        except (VerificationFailed, MalformedInput):
            return False
        return True


def _proof(
    role: PossessionRole, login: Login, nonces: ProofNonces, time: datetime, certificates: tuple[bytes, ...]
) -> PossessionProof:
    return PossessionProof(
        role=role,
        account=login.account,
        login_id=login.login_id,
        agent_certificate=login.caller.certificate_sha256,
        server_certificate=nonces.server_certificate,
        client_nonce=nonces.client_nonce,
        server_nonce=nonces.server_nonce,
        time=time,
        certificates=certificates,
    )
