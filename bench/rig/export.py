"""Records exports of any size: made as users and server make them, by their authority and a log, in this process.

Bob uses one key under one grant, that Alice approved. Every statement is signed jointly, on all cores.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from bench.rig.ground import new_ground
from bench.rig.joint_pair import SigningPair, make_signing_pair
from contract.certificate_parts import fingerprint
from contract.joint_statement import STATEMENT_ALGORITHM, JointStatement, PersonalStatement
from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.export import (
    FIRST_TIME,
    LAST_TIME,
    ExportedCertificate,
    ExportedGrant,
    ExportedRecord,
    ExportHead,
)
from contract.trusteeship.grants import GrantAction, GrantOrder, GrantRequest
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import EncodedMessage, Purpose, combine_signature, create_partial_signature
from server.clock import system_clock
from server.identity.authority import Authority
from transparency.checkpoint import Checkpoint
from transparency.frontier import Frontier
from transparency.keys import VerifierKey
from transparency.proofs import InclusionProver

_HALF_BITS: Final = 2048
_KEY_ID: Final = "orgkey-aaaaaaaaaaaaaaaa"
_ORIGIN: Final = "bench.example/log"
_YEAR: Final = timedelta(days=365)
_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """What an auditor has: an export, a shorter one of the same records, and the authority's certificate, PEM."""

    whole: Path
    short: Path
    authority: Path


class _Office:
    """Alice, Bob, their keys and certificates, and the grant."""

    def __init__(self, authority: Authority) -> None:
        self.now = system_clock().replace(microsecond=0)
        self._pairs = {name: make_signing_pair(_HALF_BITS) for name in ("alice", "bob")}
        self._engine = Gmpy2Engine()
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        people = {
            name: authority.issue_personal_certificate(
                name, name.title(), Purpose.SIGN, pair.joint_key.to_cryptography(), self.now, _YEAR
            )
            for name, pair in self._pairs.items()
        }
        acme = authority.issue_organisation_certificate("acme", "Acme", Purpose.SIGN, key, self.now, _YEAR)
        self.certificates = [each.public_bytes(Encoding.DER) for each in (*people.values(), acme)]
        self.alice, self.bob = (fingerprint(each) for each in people.values())
        self.grant = GrantRequest(
            organisation="acme",
            key_id=_KEY_ID,
            key_certificate=fingerprint(acme),
            purpose=Purpose.SIGN,
            user="bob",
            user_certificate=self.bob,
            document_kinds=(),
            digests=(),
            uses=1_000_000,
            begin=self.now,
            end=self.now + _YEAR,
            approvals=1,
            reason="a benchmark",
            nonce=secrets.token_bytes(16),
        )
        order = GrantOrder(self.grant.digest, 1, GrantAction.APPROVE, "alice", self.alice, "", self.now)
        self.exported_grant = ExportedGrant(self.sign(self.grant), (self.sign(order),))

    def sign(self, statement: PersonalStatement) -> JointStatement:
        """Jointly."""
        pair: SigningPair = self._pairs[statement.signer]
        der, salt = statement.to_der(), secrets.token_bytes(STATEMENT_ALGORITHM.salt_length)
        digest = hashlib.sha256(der).digest()
        message = EncodedMessage(pair.joint_key, STATEMENT_ALGORITHM, digest, salt)
        ours, theirs = (
            create_partial_signature(share, message, self._engine, secrets.token_bytes)
            for share in (pair.client, pair.server)
        )
        return JointStatement(der, combine_signature(message, ours, theirs))

    def entry(self, number: int) -> bytes:
        """The log's entry of a use."""
        asked = UseRequest(
            grant=self.grant.digest,
            request_id=f"request-{number:010}",
            organisation="acme",
            key_id=_KEY_ID,
            user="bob",
            user_certificate=self.bob,
            operation=KeyOperation.ECDSA_SHA256,
            digest=number.to_bytes(32),
            label=b"",
            document_kind="",
            reason="a benchmark",
            time=self.now,
        )
        signed = self.sign(asked)
        record = UseRecord(
            request=hashlib.sha256(signed.to_der()).digest(),
            organisation="acme",
            key_id=_KEY_ID,
            number=number,
            user="bob",
            user_certificate=self.bob,
            user_number=number,
            outcome=UseOutcome.DONE,
            detail="",
            result=number.to_bytes(32),
            time=self.now,
        )
        recorded = RecordedUse(signed, record, self.sign(record).signature)
        return LogEntry.new(EntryKind.USE, self.now, recorded.to_der(), secrets.token_bytes).to_der()


def make_exports(folder: Path, records: int, short: int, step: Callable[[], None]) -> ExportFiles:
    """Make an export of so many records, and one of the first ``short`` of them.

    Args:
        folder: empty; for the files, and the server's.
        records: how many.
        short: at most as many.
        step: is called after every thousand, and at the end.
    """
    files = ExportFiles(folder / "whole.records", folder / "short.records", folder / "authority.pem")
    with new_ground(folder / "server") as ground:
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
    office = _Office(authority)
    log = Ed25519PrivateKey.generate()
    certificate = authority.issue_log_certificate(VerifierKey.of(_ORIGIN, log), office.now)
    head = ExportHead(
        organisation="acme",
        key_id=_KEY_ID,
        user="",
        begin=FIRST_TIME,
        end=LAST_TIME,
        records=0,
        checkpoint=b"",
        log_certificate=certificate.public_bytes(Encoding.DER),
        revocation_list=authority.issue_revocation_list((), 1, office.now, timedelta(days=1)),
    )
    entries = list(_signed(office, records, step))
    for path, count in ((files.whole, records), (files.short, short)):
        _write(path, head, office, log, entries[:count])
    files.authority.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    return files


def steps_of(records: int) -> int:
    """How often ``make_exports`` calls ``step``."""
    return -(-records // _AT_A_TIME)


def _signed(office: _Office, records: int, step: Callable[[], None]) -> Iterator[bytes]:
    with ThreadPoolExecutor() as pool:
        for begin in range(1, records + 1, _AT_A_TIME):
            yield from pool.map(office.entry, range(begin, min(begin + _AT_A_TIME, records + 1)))
            step()


def _write(path: Path, head: ExportHead, office: _Office, log: Ed25519PrivateKey, entries: Sequence[bytes]) -> None:
    grown = Frontier().append([LogEntry.from_der(each).leaf_hash for each in entries])
    size = len(entries)
    checkpoint = Checkpoint(_ORIGIN, size, grown.frontier.root).sign(log).to_bytes()
    prover = InclusionProver(size, grown.nodes)
    with path.open("wb") as file:
        file.write(replace(head, records=size, checkpoint=checkpoint).to_der())
        for certificate in office.certificates:
            file.write(ExportedCertificate(certificate).to_der())
        file.write(office.exported_grant.to_der())
        for index, entry in enumerate(entries):
            file.write(ExportedRecord(entry, index, prover.prove(index)).to_der())
