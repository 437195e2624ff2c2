"""The development certificate authority: one ECDSA P-256 key, in custody, that signs for this server alone.

Whatever signs waits, for a token may have the key; and it raises CUSTODY_UNAVAILABLE when that cannot be reached.

It signs, each sort with extended key usages of its own, so that none passes for another:

* the TLS certificates of the server (serverAuth), of media servers (the same, and one under the private arc), of
  gateways (both, and another one; ``urn:fourseal:gateway:<name>`` in the subject alternative name) and of agents
  (clientAuth, with the agent's name as ``urn:fourseal:agent:<name>``); keys for TLS have nothing to do with key shares;
* under the private arc: signers' certificates (with ``urn:fourseal:account:<name>``), the certificates of contract
  sessions, and that of the key which signs relay passes;
* also under it: the certificates of the transparency log's key, of the key that confirmation codes are sealed for, and
  of the key that signs the guard's control messages;
* the list of revoked certificates, and the certificate of the key that answers about single ones (OCSPSigning).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import Connection

from contract.log_certificate import LOG_URI_PREFIX
from contract.oids import DEFAULT_ARC, Arc
from contract.profiles import GUARD_URI_PREFIX, Profile, SignerKey, back_end_profile, session_profile, signer_profile
from contract.session_info import SessionInfo
from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind, NamedKey, NamedKeys, PublicKey, SealBroken, named_key_works
from server.errors import OperatorError
from server.identity.certificates.list_encoding import encode_list, encode_unsigned_list
from server.identity.credentials import damaged_key
from server.identity.own_profiles import (
    StatusPlaces,
    authority_profile,
    general_name,
    organisation_profile,
    own_profile,
    personal_profile,
    responder_profile,
)
from server.identity.store import agents as store
from server.storage import Database
from transparency.keys import VerifierKey

AGENT_URI_PREFIX: Final = "urn:fourseal:agent:"
GATEWAY_URI_PREFIX: Final = "urn:fourseal:gateway:"
AUTHORITY_LIFETIME: Final = timedelta(days=3650)
AGENT_LIFETIME: Final = timedelta(days=397)
BACKDATE: Final = timedelta(minutes=10)
"""Certificates begin this long before they are made: clocks may differ by that much."""
_NAME: Final = "authority"
_SERVER_COMMON_NAME: Final = "Fourseal server"  # a host may not fit here; clients look at the alternative names
_MEDIA_COMMON_NAME: Final = "Fourseal media server"
_GATEWAY_COMMON_NAME: Final = "Fourseal gateway"
_GUARD_COMMON_NAME: Final = "Fourseal guard"
_LOG_COMMON_NAME: Final = "Fourseal transparency log"
_RESPONDER_COMMON_NAME: Final = "Fourseal certificate status"
_NOWHERE: Final = StatusPlaces()
_RELAY_COMMON_NAME: Final = "Fourseal relay passes"


class Authority:
    """An authority that is ready to sign. From ``load`` or ``ensure``."""

    def __init__(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        arc: Arc = DEFAULT_ARC,
        places: StatusPlaces = _NOWHERE,
    ) -> None:
        self.certificate = certificate
        self.arc = arc
        self._places = places
        self._key = key
        self._key_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())

    @classmethod
    def load(
        cls, connection: Connection, keys: NamedKeys, arc: Arc = DEFAULT_ARC, places: StatusPlaces = _NOWHERE
    ) -> Authority:
        """The authority of this database. Needs no token, if that has its key: only what it signs does.

        Args:
            connection: a transaction.
            keys: have its private key.
            arc: of the object identifiers in what it issues.
            places: where to ask about signers' certificates; stands in those that it issues.

        Raises:
            OperatorError: there is none, its key does not open, or is elsewhere than the configuration says.
        """
        credential = store.find_credential(connection, _NAME)
        if credential is None:
            raise _no_authority()
        der = credential.certificate
        certificate = x509.load_der_x509_certificate(der)
        public_key = certificate.public_key()
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise damaged_key(_NAME)
        try:
            key = keys.open(connection, _NAME, Purpose.SIGN, public_key, (der,), credential.sealed_key)
        except SealBroken:
            raise damaged_key(_NAME) from None
        return cls(certificate, _on_curve(key), arc, places)

    @staticmethod
    def ensure(database: Database, keys: NamedKeys, now: datetime) -> bool:
        """Make an authority unless there is one; whether one was made. Waits.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE, CUSTODY_FULL.
        """
        if database.read_now(_is_made):
            return False
        key = keys.make(_NAME, KeyKind.ECDSA_P256, Purpose.SIGN)
        on_curve = _on_curve(key)
        public_key = on_curve.public_key()
        profile = authority_profile("Fourseal development authority", public_key)
        builder = _builder(profile, profile.subject, public_key, now - BACKDATE, now + AUTHORITY_LIFETIME)
        certificate = builder.sign(on_curve, hashes.SHA256())

        def unit(connection: Connection) -> bool:
            if _is_made(connection):  # by somebody else meanwhile
                return False
            der = certificate.public_bytes(Encoding.DER)
            sealed = keys.keep(connection, key, (der,), now)
            store.put_credential(connection, _NAME, store.Credential(der, sealed, certificate.not_valid_after_utc))
            return True

        return database.write_now(unit)

    @staticmethod
    def find_certificate_pem(connection: Connection) -> bytes:
        """The authority's certificate, without its key.

        Raises:
            OperatorError: the database has no authority.
        """
        credential = store.find_credential(connection, _NAME)
        if credential is None:
            raise _no_authority()
        return x509.load_der_x509_certificate(credential.certificate).public_bytes(Encoding.PEM)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    def works(self) -> bool:
        """Try its key.

        Raises:
            ServiceError: CUSTODY_UNAVAILABLE.
        """
        return named_key_works(self._key)

    def request_certificate(self) -> x509.CertificateSigningRequest:
        """A request to an outside authority, for a certificate of this one's name and key."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(self.certificate.subject)
        for extension in self.certificate.extensions:  # all that its own certificate has
            builder = builder.add_extension(extension.value, critical=extension.critical)
        return builder.sign(self._key, hashes.SHA256())

    def issue_for_server(
        self, public_key: ec.EllipticCurvePublicKey, names: list[str], now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for this server under host names and IP addresses."""
        alternatives = list(map(general_name, names))
        profile = own_profile(_SERVER_COMMON_NAME, public_key, [ExtendedKeyUsageOID.SERVER_AUTH], alternatives)
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_for_media_server(
        self, public_key: ec.EllipticCurvePublicKey, names: Sequence[str], now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A TLS certificate for a media server. With its second usage it cannot prove to be this server."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, self.arc.media_server]
        profile = own_profile(_MEDIA_COMMON_NAME, public_key, usages, list(map(general_name, names)))
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_for_gateway(
        self, public_key: ec.EllipticCurvePublicKey, names: Sequence[str], now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A TLS certificate for a gateway, which serves agents and calls for them. It is called by its first name."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH, self.arc.gateway]
        alternatives = [*map(general_name, names), x509.UniformResourceIdentifier(GATEWAY_URI_PREFIX + names[0])]
        profile = own_profile(_GATEWAY_COMMON_NAME, public_key, usages, alternatives)
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_for_agent(self, public_key: ec.EllipticCurvePublicKey, agent_id: str, now: datetime) -> x509.Certificate:
        """A client certificate for an agent."""
        alternatives = [x509.UniformResourceIdentifier(AGENT_URI_PREFIX + agent_id)]
        profile = own_profile(agent_id, public_key, [ExtendedKeyUsageOID.CLIENT_AUTH], alternatives)
        return self._issue(profile, public_key, now - BACKDATE, now + AGENT_LIFETIME)

    def issue_signer_certificate(
        self,
        name: str,
        display_name: str,
        purpose: Purpose,
        public_key: SignerKey,
        now: datetime,
        lifetime: timedelta,
    ) -> x509.Certificate:
        """A certificate of a signer.

        Args:
            name: the account.
            display_name: what people call it, at most 64 bytes of UTF-8.
            purpose: sign or decrypt.
            public_key: its key for that.
            now: the present time.
            lifetime: from then on.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        profile = signer_profile(name, display_name, purpose, public_key, self.arc)
        return self._issue_to_owner(profile, public_key, now, lifetime)

    def issue_personal_certificate(
        self,
        name: str,
        display_name: str,
        purpose: Purpose,
        public_key: rsa.RSAPublicKey,
        now: datetime,
        lifetime: timedelta,
    ) -> x509.Certificate:
        """A certificate for a joint key. Arguments as of ``issue_signer_certificate``."""
        profile = personal_profile(name, display_name, purpose, public_key)
        return self._issue_to_owner(profile, public_key, now, lifetime)

    def issue_organisation_certificate(
        self,
        name: str,
        display_name: str,
        purpose: Purpose,
        public_key: PublicKey,
        now: datetime,
        lifetime: timedelta,
    ) -> x509.Certificate:
        """A certificate for an organisation's key. Arguments as of ``issue_signer_certificate``."""
        profile = organisation_profile(name, display_name, purpose, public_key)
        return self._issue_to_owner(profile, public_key, now, lifetime)

    def issue_session_certificate(
        self,
        info: SessionInfo,
        purpose: Purpose,
        public_key: rsa.RSAPublicKey,
        not_before: datetime,
        not_after: datetime,
    ) -> x509.Certificate:
        """A certificate of a contract session.

        Args:
            info: the session at this revision; stands in the certificate.
            purpose: sign or decrypt.
            public_key: of the session's share for that purpose.
            not_before: begin of its validity; fractions of a second are cut off.
            not_after: end of its validity.
        """
        profile = session_profile(info, purpose, public_key, self.arc)
        return self._issue(profile, public_key, not_before, not_after)

    def issue_back_end_certificate(
        self, name: str, public_key: rsa.RSAPublicKey, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for the key that a back end for transactions decrypts by.

        Args:
            name: of the back end.
            public_key: its key.
            now: the present time.
            lifetime: from then on.

        Raises:
            MalformedInput: ACCOUNT_NAME_MALFORMED, SIGNER_KEY_UNSUITABLE.
        """
        profile = back_end_profile(name, public_key, self.arc)
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_guard_certificate(
        self, name: str, public_key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for the key that signs the control messages of the guard of that name."""
        alternatives = [x509.UniformResourceIdentifier(GUARD_URI_PREFIX + name)]
        profile = own_profile(_GUARD_COMMON_NAME, public_key, [self.arc.guard], alternatives)
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_relay_pass_certificate(
        self, public_key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for the key that signs relay passes."""
        profile = own_profile(_RELAY_COMMON_NAME, public_key, [self.arc.relay_pass])
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_log_certificate(self, key: VerifierKey, now: datetime) -> x509.Certificate:
        """A certificate for the key of the transparency log, as long as the authority's own.

        Args:
            key: the log's, with its origin.
            now: the present time.
        """
        public_key = ed25519.Ed25519PublicKey.from_public_bytes(key.public_key)
        alternatives = [x509.UniformResourceIdentifier(LOG_URI_PREFIX + key.name)]
        profile = own_profile(_LOG_COMMON_NAME, public_key, [self.arc.log], alternatives)
        return self._issue(profile, public_key, now - BACKDATE, self.certificate.not_valid_after_utc)

    def issue_responder_certificate(
        self, public_key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A certificate for the key that signs answers about single certificates (RFC 6960 section 4.2.2.2)."""
        profile = responder_profile(_RESPONDER_COMMON_NAME, public_key)
        return self._issue(profile, public_key, now - BACKDATE, now + lifetime)

    def issue_revocation_list(self, entries: Iterable[bytes], number: int, now: datetime, lifetime: timedelta) -> bytes:
        """An X.509 version 2 list of revoked certificates, DER (RFC 5280 section 5).

        Args:
            entries: of every certificate that was revoked, by ``list_encoding.encode_entry``.
            number: must rise from list to list.
            now: the present time.
            lifetime: until the next list at the latest.
        """
        unsigned = encode_unsigned_list(
            self.certificate.subject, self._key_identifier, number, now, now + lifetime, entries
        )
        return encode_list(unsigned, self._key.sign(unsigned, ec.ECDSA(hashes.SHA256())))

    def _issue_to_owner(
        self, profile: Profile, public_key: SignerKey, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """With where to ask about it."""
        places = tuple((extension, False) for extension in self._places.extensions())
        return self._issue(
            Profile(profile.subject, profile.extensions + places), public_key, now - BACKDATE, now + lifetime
        )

    def _issue(
        self, profile: Profile, public_key: SignerKey, not_before: datetime, not_after: datetime
    ) -> x509.Certificate:
        builder = _builder(profile, self.certificate.subject, public_key, not_before, not_after)
        return builder.add_extension(self._key_identifier, critical=False).sign(self._key, hashes.SHA256())


def _is_made(connection: Connection) -> bool:
    return store.find_credential(connection, _NAME) is not None


def _no_authority() -> OperatorError:
    return OperatorError("the database has no certificate authority", "Run fourseal-server init.")


def _on_curve(key: NamedKey) -> ec.EllipticCurvePrivateKey:
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # it is its certificate's, which was looked at
    return key


def _builder(
    profile: Profile, issuer: x509.Name, public_key: SignerKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(profile.subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in profile.extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder
