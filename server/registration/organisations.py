"""Requests for certificates of organisations' keys: made by the operator, decided on as those of people are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind, NamedKey, NamedKeys
from server.errors import OperatorError
from server.identity import is_key_certified, organisation_subject
from server.identity.names import new_id
from server.organisations import OrganisationKey, find_key, open_key, require_organisation
from server.registration import store
from server.registration.store import CertificateRequest, RequestState
from server.storage import Database


def request_for_organisation(
    database: Database, keys: NamedKeys, key_id: str, random: Callable[[int], bytes], now: datetime
) -> CertificateRequest:
    """Ask for a certificate of an organisation's key. It waits for officers' decision. Waits for custody.

    A key that signs signs a PKCS#10 request: so it is seen to work, and to be what it is said to be, before anybody
    certifies it. A key that decrypts signs nothing.

    Raises:
        OperatorError: no such key; it stands in a certificate, or a request for it waits.
        ServiceError: CUSTODY_UNAVAILABLE, NAMED_KEY_DAMAGED.
    """

    def query(connection: Connection) -> tuple[OrganisationKey, NamedKey, x509.Name]:
        key = find_key(connection, key_id)
        if key is None:
            raise OperatorError(f"there is no key {key_id}", "See fourseal-server organisation show.")
        _require_new(connection, key)
        organisation = require_organisation(connection, key.organisation)
        return key, open_key(connection, keys, key), organisation_subject(organisation.display_name)

    key, private_key, subject = database.read_now(query)
    made = CertificateRequest(
        certificate_request_id=new_id(random),
        account="",
        agent_id="",
        key_id=key_id,
        purpose=key.purpose,
        pkcs10=_pkcs10(key, private_key, subject),
        key_der=key.key_der,
        key_sha256=key.key_sha256,
        state=RequestState.WAITING,
        create_time=now,
        organisation=key.organisation,
    )

    def unit(connection: Connection) -> CertificateRequest:
        _require_new(connection, key)
        store.add_request(connection, made)
        return made

    return database.write_now(unit)


def _require_new(connection: Connection, key: OrganisationKey) -> None:
    digest = key.key_sha256
    if is_key_certified(connection, digest):
        raise OperatorError(f"{key.key_id} stands in a certificate already", "Make another key.")
    if store.list_waiting(connection, digest):
        raise OperatorError(f"a request for {key.key_id} waits already", "See fourseal-server ra list.")


def _pkcs10(key: OrganisationKey, private_key: NamedKey, subject: x509.Name) -> bytes:
    if key.purpose is Purpose.DECRYPT:
        return b""
    digest = hashes.SHA384() if key.kind is KeyKind.ECDSA_P384 else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(private_key, digest)
    return request.public_bytes(Encoding.DER)
