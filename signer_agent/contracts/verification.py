"""Whether a session is what the server says: checked every time it is fetched.

1. Both session certificates are the authority's, for the two usages of sessions, valid now (after its end: at its end).
2. Their session infos are equal, and equal to all that the server says beside them.
3. The certifications of both moduli hold. That is checked when the session is seen first, then the keys are pinned.
4. What never changes is as it was: keys, subject, place, times, creator, scheme, rule on evidence. The revision never
   goes back, and there is one pair of certificates for each.
5. Every member's certificates are the authority's, have the fingerprints and names of the session info; ours are ours.
   One may have expired meanwhile: that is shown, nothing is sent to it, and the others go on.
6. Everybody else's are those that were seen first, or were accepted since (``contacts``).

Revoked certificates are marked, for the list changes while a session lasts: nothing is sent to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import contract_session_pb2 as session_pb
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.certificates import SessionCertificate, SignerCertificate
from contract.chain import check_chain
from contract.oids import Arc
from contract.revocation import RevocationList
from contract.session_info import MIN_PEOPLE, Scheme, SessionInfo
from contract.session_keys import session_certification_context
from mpc.four_prime_rsa import Purpose, Role, admit_foreign_share
from mpc.four_prime_rsa.certification import check_certification
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.entries import Drawers, SessionPin
from signer_agent.contracts.model import (
    Counters,
    MemberCertificates,
    MemberState,
    SessionRevision,
    SessionState,
    SessionSummary,
    VerifiedSession,
)
from signer_agent.contracts.revocations import revoke_time
from signer_agent.contracts.signer_keys import Pair
from wire.client.blame import answer_malformed, blaming_server, server_lied

_STATES: Final = {
    session_pb.SESSION_STATE_OPEN: SessionState.OPEN,
    session_pb.SESSION_STATE_CLOSED: SessionState.CLOSED,
}
_MEMBER_STATES: Final = {
    session_pb.MEMBER_STATE_INVITED: MemberState.INVITED,
    session_pb.MEMBER_STATE_JOINED: MemberState.JOINED,
    session_pb.MEMBER_STATE_LEFT: MemberState.LEFT,
}
_SCHEMES: Final = {
    session_pb.SESSION_SCHEME_JOINT: Scheme.JOINT,
    session_pb.SESSION_SCHEME_SEPARATE: Scheme.SEPARATE,
}


class SessionVerifier:
    """Makes verified sessions of what the server says. Reads and writes files, and computes: for worker threads.

    Args:
        drawers: pins of sessions, contacts.
        authority: that the agent is enrolled with.
        arc: the installation's.
        server_address: of the server, which may be the media server too.
        me: our account.
        pairs: our certificates, older ones too.
    """

    def __init__(
        self,
        drawers: Drawers,
        authority: x509.Certificate,
        arc: Arc,
        server_address: str,
        me: str,
        pairs: Sequence[Pair],
    ) -> None:
        self._drawers = drawers
        self._contacts = Contacts(drawers)
        self._authority = authority
        self._arc = arc
        self._server_address = server_address
        self._me = me
        self._pairs = pairs

    def pin(self, session_id: str) -> SessionPin | None:
        """What is pinned of a session: to be read before it is asked for."""
        return self._drawers.sessions.get(session_id)

    def verify(
        self,
        answer: session_pb.ContractSession,
        session_id: str,
        pinned: SessionPin | None,
        revocations: RevocationList,
        now: datetime,
    ) -> VerifiedSession:
        """Verify a session.

        Args:
            answer: what the server says.
            session_id: that was asked for; empty for one that was created just now.
            pinned: of ``pin``, from before the server was asked.
            revocations: newest.
            now: the time.

        Raises:
            PeerMisbehaved: whatever does not hold; the culprit is the server.
            ServiceError: CONTACT_CHANGED.
        """
        with blaming_server():
            sign, encrypt = self._certificates(answer.sign_certificate_der, answer.encrypt_certificate_der)
            info = sign.info
            at = min(now, info.end)
            self._check_chains(sign, encrypt, at)  # (1)
        if session_id and info.session_id != session_id:
            raise answer_malformed("it is another session than the one that was asked for")
        _require_said(answer, info)  # (2)
        if pinned is None:
            _check_certifications(answer, sign, encrypt)  # (3)
        else:
            _require_pinned(pinned, sign, encrypt, self._arc)  # (4)
        members = self._members(
            info,
            {
                each.name: (each.sign_certificate_der, each.encrypt_certificate_der)
                for each in answer.members
                if each.state == session_pb.MEMBER_STATE_JOINED
            },
            revocations,
            at,
        )
        self._remember(sign, encrypt)
        return VerifiedSession(
            sign_certificate=sign,
            encrypt_certificate=encrypt,
            members=members,
            state=_STATES.get(answer.state, SessionState.UNKNOWN),
            close_time=answer.close_time.ToDatetime(UTC) if answer.HasField("close_time") else None,
            relay_address=answer.relay_address or self._server_address,
            me=self._me,
            people={each.name: _MEMBER_STATES.get(each.state, MemberState.UNKNOWN) for each in answer.members},
            counters=_counters(answer, self._me),
        )

    def verify_revision(
        self, answer: pb.GetSessionCertificatesResponse, current: VerifiedSession, revocations: RevocationList
    ) -> SessionRevision:
        """Verify another revision of a session that was verified; as of the time when it was made. Raises as that."""
        with blaming_server():
            sign, encrypt = self._certificates(answer.sign_certificate_der, answer.encrypt_certificate_der)
            at = sign.certificate.not_valid_before_utc
            self._check_chains(sign, encrypt, at)
        info = sign.info
        _require_same_session((current.sign_certificate, current.encrypt_certificate), (sign, encrypt))
        if (info.revision, len(info.members)) != (answer.revision, len(answer.member_sign_certificates_der)):
            raise server_lied("SESSION_FACTS_CHANGED", "its certificates say another revision than it does itself")
        if len(answer.member_encrypt_certificates_der) != len(info.members):
            raise server_lied("SESSION_FACTS_CHANGED", "certificates of members are missing")
        ders = zip(answer.member_sign_certificates_der, answer.member_encrypt_certificates_der, strict=True)
        shown = {member.name: pair for member, pair in zip(info.members, ders, strict=True)}
        return SessionRevision(sign, encrypt, self._members(info, shown, revocations, at))

    def _certificates(self, sign_der: bytes, encrypt_der: bytes) -> tuple[SessionCertificate, SessionCertificate]:
        sign = SessionCertificate.from_der(sign_der, self._arc)
        encrypt = SessionCertificate.from_der(encrypt_der, self._arc)
        if (sign.purpose, encrypt.purpose) != (Purpose.SIGN, Purpose.DECRYPT):
            raise server_lied("CERTIFICATE_OF_OTHER_USAGE", "a session certificate is for another use")
        if sign.info != encrypt.info:
            raise server_lied("SESSION_FACTS_CHANGED", "the two session certificates say different things")
        return sign, encrypt

    def _check_chains(self, sign: SessionCertificate, encrypt: SessionCertificate, at: datetime) -> None:
        check_chain(sign.certificate, self._authority, self._arc.session_sign, at)
        check_chain(encrypt.certificate, self._authority, self._arc.session_encrypt, at)

    def _members(
        self, info: SessionInfo, shown: Mapping[str, tuple[bytes, bytes]], revocations: RevocationList, at: datetime
    ) -> dict[str, MemberCertificates]:
        """Steps 5 and 6."""
        members: dict[str, MemberCertificates] = {}
        for member in info.members:
            if member.name not in shown:  # has left, and was one of the last two
                continue
            sign_der, encrypt_der = shown[member.name]
            with blaming_server():
                sign = SignerCertificate.from_der(sign_der, self._arc)
                encrypt = SignerCertificate.from_der(encrypt_der, self._arc)
                self._check_member(sign, self._arc.signer_sign, at)
                self._check_member(encrypt, self._arc.signer_encrypt, at)
            found = (sign.name, encrypt.name, sign.fingerprint, encrypt.fingerprint)
            if found != (member.name, member.name, member.sign_certificate, member.encrypt_certificate):
                raise server_lied("MEMBER_CERTIFICATE_WRONG", f"the certificates of {member.name} are others'")
            if member.name == self._me:
                self._require_ours(sign, encrypt)
            else:
                self._contacts.require_known(sign, encrypt)
            revoked = revoke_time(revocations, sign.certificate, encrypt.certificate)
            members[member.name] = MemberCertificates(sign, encrypt, revoked)
        return members

    def _check_member(self, member: SignerCertificate, usage: x509.ObjectIdentifier, at: datetime) -> None:
        """The chain of a certificate as of a time, or as of its last moment if that was earlier."""
        check_chain(member.certificate, self._authority, usage, min(at, member.certificate.not_valid_after_utc))

    def _require_ours(self, sign: SignerCertificate, encrypt: SignerCertificate) -> None:
        ours = {(each.sign_certificate.fingerprint, each.encrypt_certificate.fingerprint) for each in self._pairs}
        if (sign.fingerprint, encrypt.fingerprint) not in ours:
            raise server_lied("MEMBER_CERTIFICATE_WRONG", "the certificates that it has in our name are not ours")

    def _remember(self, sign: SessionCertificate, encrypt: SessionCertificate) -> None:
        fresh = SessionPin(_der(sign), _der(encrypt))

        def newer(pinned: SessionPin | None) -> SessionPin:
            if pinned is None:
                return fresh
            known = SessionCertificate.from_der(pinned.sign_certificate, self._arc)
            return fresh if known.info.revision < sign.info.revision else pinned

        self._drawers.sessions.update(sign.info.session_id, newer)


def summary_of(answer: session_pb.ContractSession) -> SessionSummary:
    """A session of a list. Raises PeerMisbehaved (ANSWER_MALFORMED); the culprit is the server."""
    try:
        return SessionSummary(
            answer.session_id,
            answer.subject,
            _STATES.get(answer.state, SessionState.UNKNOWN),
            _SCHEMES[answer.scheme],
            answer.begin_time.ToDatetime(UTC),
            answer.end_time.ToDatetime(UTC),
            answer.creator,
            {each.name: _MEMBER_STATES.get(each.state, MemberState.UNKNOWN) for each in answer.members},
        )
    except (KeyError, ValueError, OverflowError) as error:
        raise answer_malformed("a session of it does not hold") from error


def _require_said(answer: session_pb.ContractSession, info: SessionInfo) -> None:
    """Step 2."""
    joined = [each.name for each in answer.members if each.state == session_pb.MEMBER_STATE_JOINED]
    invited = [each.name for each in answer.members if each.state == session_pb.MEMBER_STATE_INVITED]
    try:
        said = {
            "session id": (answer.session_id, info.session_id),
            "revision": (answer.revision, info.revision),
            "scheme": (_SCHEMES.get(answer.scheme), info.scheme),
            "size of halves": (answer.half_bits, info.half_bits),
            "subject": (answer.subject, info.subject),
            "place": (answer.place, info.place),
            "begin": (answer.begin_time.ToDatetime(UTC), info.begin),
            "end": (answer.end_time.ToDatetime(UTC), info.end),
            "creator": (answer.creator, info.creator),
            "rule on evidence": (answer.all_is_evidence, info.all_is_evidence),
        }
    except (ValueError, OverflowError) as error:
        raise answer_malformed("a time of it is none") from error
    for what, (one, other) in said.items():
        if one != other:
            raise server_lied("SESSION_FACTS_CHANGED", f"its {what} is not that of the session certificates")
    said_people = (set(joined), set(invited))
    people = ({member.name for member in info.members}, set(info.invited))
    if len(joined) + len(invited) < MIN_PEOPLE:  # there is no session info for so few: the last one stays
        holds = said_people[0] <= people[0] and said_people[1] <= people[1]
    else:
        holds = said_people == people
    if not holds:
        raise server_lied("SESSION_FACTS_CHANGED", "its members are not those of the session certificates")


def _check_certifications(
    answer: session_pb.ContractSession, sign: SessionCertificate, encrypt: SessionCertificate
) -> None:
    """Step 3."""
    proofs = ((sign, answer.sign_certification_roots), (encrypt, answer.encrypt_certification_roots))
    with blaming_server():
        for certificate, roots in proofs:
            info, share = certificate.info, certificate.public_share()
            admitted = admit_foreign_share(Role.SERVER, share.purpose, info.half_bits, share.to_bytes())
            context = session_certification_context(info.session_id, share.purpose)
            check_certification(admitted, context, list(roots))


def _require_pinned(pinned: SessionPin, sign: SessionCertificate, encrypt: SessionCertificate, arc: Arc) -> None:
    """Step 4."""
    known = (
        SessionCertificate.from_der(pinned.sign_certificate, arc),
        SessionCertificate.from_der(pinned.encrypt_certificate, arc),
    )
    _require_same_session(known, (sign, encrypt))
    before, now = known[0].info.revision, sign.info.revision
    if now < before:
        raise server_lied("SESSION_ROLLED_BACK", f"it shows revision {now}, and showed {before} before")
    shown = (sign.fingerprint, encrypt.fingerprint)
    if now == before and shown != (known[0].fingerprint, known[1].fingerprint):
        raise server_lied("SESSION_FACTS_CHANGED", "it shows other certificates for the same revision")


def _require_same_session(
    known: tuple[SessionCertificate, SessionCertificate], shown: tuple[SessionCertificate, SessionCertificate]
) -> None:
    facts = [
        (
            *(sign.info.session_id, sign.info.scheme, sign.info.half_bits, sign.info.subject, sign.info.place),
            *(sign.info.begin, sign.info.end, sign.info.creator, sign.info.all_is_evidence),
            *(sign.public_share(), encrypt.public_share()),
        )
        for sign, encrypt in (known, shown)
    ]
    if facts[0] != facts[1]:
        raise server_lied("SESSION_FACTS_CHANGED", "what never changes in a session has changed")


def _counters(answer: session_pb.ContractSession, me: str) -> Counters:
    return Counters(
        last_sequence=next((each.last_sequence for each in answer.members if each.name == me), 0),
        messages_to_me={each.name: each.messages_to_caller for each in answer.members if each.name != me},
        messages_from_me={each.name: each.messages_from_caller for each in answer.members if each.name != me},
        last_sequences={each.name: each.last_sequence for each in answer.members},
    )


def _der(certificate: SessionCertificate) -> bytes:
    return certificate.certificate.public_bytes(Encoding.DER)
