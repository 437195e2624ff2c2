"""An organisation, its people and its log, in one process: exports as an honest server makes them, and as others do.

Whoever cheats changes one thing before it is signed and logged: everything else fits together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from contract.bundle.checks import BundleTrust
from contract.certificate_parts import fingerprint
from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement, PersonalStatement
from contract.log_certificate import LOG_URI_PREFIX
from contract.log_entry import EntryKind, LogEntry
from contract.oids import DEFAULT_ARC
from contract.trusteeship.export import (
    FIRST_TIME,
    LAST_TIME,
    ExportedCertificate,
    ExportedGrant,
    ExportedRecord,
    ExportHead,
    Part,
)
from contract.trusteeship.export_reading import read_export
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from contract.trusteeship.verification import ExportReport, verify_export
from mpc.four_prime_rsa import Purpose
from server.identity.own_profiles import organisation_profile, own_profile, personal_profile
from tests.contract.trusteeship.statements import GRANT, KEY_ID, USE
from tests.contract.world import NOW, Issuer
from transparency.checkpoint import Checkpoint
from transparency.frontier import Frontier
from transparency.nodes import NodeId
from transparency.proofs import inclusion_nodes, inclusion_proof

ORIGIN: Final = "example.com/log"
LOG: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PADDING: Final = STATEMENT_ALGORITHM.to_cryptography_padding()


@cache
def key_of(name: str) -> rsa.RSAPrivateKey:
    """In a joint key's place: to whoever verifies, it is an ordinary RSA key."""
    assert name  # which tells its key from others
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Office:
    """Who may do what.

    Args:
        authority: issues all certificates.
        certificates: by name of account; ``acme``: of its key.
        log_certificate: DER.
    """

    authority: Issuer = field(default_factory=Issuer)
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    log_certificate: bytes = b""

    def __post_init__(self) -> None:
        for name in ("alice", "bob", "carol", "dora"):
            key = key_of(name).public_key()
            self.certificates[name] = self.authority.issue(personal_profile(name, name, Purpose.SIGN, key), key)
        curve = ec.generate_private_key(ec.SECP256R1()).public_key()
        profile = organisation_profile("acme", "Acme", Purpose.SIGN, curve)
        self.certificates["acme"] = self.authority.issue(profile, curve)
        uri = x509.UniformResourceIdentifier(LOG_URI_PREFIX + ORIGIN)
        profile = own_profile("Log", LOG.public_key(), [DEFAULT_ARC.log], [uri])
        certificate = self.authority.issue(profile, LOG.public_key())
        self.log_certificate = certificate.public_bytes(Encoding.DER)

    @property
    def trust(self) -> BundleTrust:
        """Of a verifier who knows the authority."""
        return BundleTrust(self.authority.certificate)

    def fingerprint(self, name: str) -> bytes:
        """Of somebody's certificate."""
        return fingerprint(self.certificates[name])


def sign(statement: PersonalStatement, by: str = "") -> JointStatement:
    """Sign as whoever it names, or as somebody else."""
    der = statement.to_der()
    return JointStatement(der, key_of(by or statement.signer).sign(der, _PADDING, SHA256()))


@dataclass
class Made:
    """A grant, and the records of uses under it; made by ``make``.

    Args:
        office: whose.
        grant: with its orders.
        recorded: in the order of their numbers.
        entry_time: of each, in the log.
        kind: of every entry.
        revoked: certificates.
        list_time: of the list of those.
    """

    office: Office
    grant: ExportedGrant
    recorded: list[RecordedUse]
    entry_time: Callable[[RecordedUse], datetime] = lambda each: each.record.time + timedelta(seconds=2)
    kind: EntryKind = EntryKind.USE
    revoked: tuple[tuple[x509.Certificate, datetime, x509.ReasonFlags | None], ...] = ()
    list_time: datetime = NOW + timedelta(days=2)

    def head(self, checkpoint: bytes, records: int) -> ExportHead:
        """Of everything."""
        builder = self.office.authority.revocation_list(
            *self.revoked, issued=self.list_time, next_update=self.list_time + timedelta(days=7)
        )
        return ExportHead(
            organisation="acme",
            key_id=KEY_ID,
            user="",
            begin=FIRST_TIME,
            end=LAST_TIME,
            records=records,
            checkpoint=checkpoint,
            log_certificate=self.office.log_certificate,
            revocation_list=self.office.authority.sign_list(builder),
        )

    def parts(self) -> list[Part]:
        """The export, its head first."""
        entries = [
            LogEntry(self.kind, self.entry_time(each), each.record.number.to_bytes(32), each.to_der())
            for each in self.recorded
        ]
        nodes: dict[NodeId, bytes] = {}
        grown = Frontier().append([entry.leaf_hash for entry in entries])
        nodes.update(grown.nodes)
        size = len(entries)
        checkpoint = Checkpoint(ORIGIN, size, grown.frontier.root).sign(LOG).to_bytes()
        named = [ExportedCertificate(each.public_bytes(Encoding.DER)) for each in self.office.certificates.values()]
        records = [
            ExportedRecord(entry.to_der(), index, inclusion_proof(index, size, nodes))
            for index, entry in enumerate(entries)
        ]
        assert all(node in nodes for index in range(size) for node in inclusion_nodes(index, size))
        return [self.head(checkpoint, size), *named, self.grant, *records]


def orders(office: Office, grant: bytes, *what: tuple[str, GrantAction, int]) -> tuple[JointStatement, ...]:
    """Orders of administrators, a minute from one to the next from an hour before NOW on."""
    return tuple(
        sign(
            GrantOrder(
                grant=grant,
                round=round_,
                action=action,
                administrator=name,
                administrator_certificate=office.fingerprint(name),
                reason="",
                time=NOW - timedelta(minutes=60 - minutes),
            )
        )
        for minutes, (name, action, round_) in enumerate(what)
    )


APPROVED: Final = (("bob", GrantAction.APPROVE, 1), ("carol", GrantAction.APPROVE, 1))


def make(office: Office, count: int = 6, **changes: object) -> Made:
    """A grant that two approved, and uses of Alice's: the second refused, the third abandoned, all others done.

    Args:
        office: whose.
        count: how many records.
        changes: of the grant.
    """
    certificates = {"key_certificate": office.fingerprint("acme"), "user_certificate": office.fingerprint("alice")}
    words = replace(GRANT, begin=NOW - timedelta(hours=2), **certificates)  # type: ignore[arg-type]
    words = replace(words, **changes)  # type: ignore[arg-type]
    recorded = [record(use(office, words, number), number) for number in range(1, count + 1)]
    return Made(office, ExportedGrant(sign(words), orders(office, words.digest, *APPROVED)), recorded)


def use(office: Office, words: GrantRequest, number: int, **changes: object) -> UseRequest:
    """A request, a minute from one to the next."""
    asked = replace(
        USE,
        grant=words.digest,
        request_id=f"request-{number:010}",
        user_certificate=office.fingerprint("alice"),
        time=NOW + timedelta(minutes=number),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


_OUTCOMES: Final = {2: UseOutcome.REFUSED, 3: UseOutcome.ABANDONED}


def record(
    asked: UseRequest, number: int, *, request_by: str = "", record_by: str = "", **changes: object
) -> RecordedUse:
    """Its record."""
    signed = sign(asked, request_by)
    outcome = _OUTCOMES.get(number, UseOutcome.DONE)
    made = UseRecord(
        request=hashlib.sha256(signed.to_der()).digest(),
        organisation=asked.organisation,
        key_id=asked.key_id,
        number=number,
        user=asked.user,
        user_certificate=asked.user_certificate,
        user_number=number,
        outcome=outcome,
        detail="" if outcome is UseOutcome.DONE else "RECORD_NOT_SIGNED",
        result=bytes(32) if outcome is UseOutcome.DONE else b"",
        time=asked.time + timedelta(seconds=1),
    )
    made = replace(made, **changes)  # type: ignore[arg-type]
    signature = sign(made, record_by).signature if made.outcome.signed else b""
    return RecordedUse(signed, made, signature)


def write(parts: Iterable[Part]) -> bytes:
    """The file."""
    return b"".join(part.to_der() for part in parts)


def verify(parts: Iterable[Part], trust: BundleTrust) -> ExportReport:
    """Through the file."""
    head, rest = read_export(BytesIO(write(parts)).read)
    return verify_export(head, rest, trust)
