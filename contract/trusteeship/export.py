"""The records export: a file with records of an organisation's key, and all that proves them. See docs/formats.md.

Parts stand one behind another, each a SEQUENCE of its kind and its body: a head; then certificates, grants and records,
each before the first part that names it. So it is written, and read (``export_reading``), in a stream. Nothing is
verified here: that is for ``verification``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.certificate_parts import MAX_CERTIFICATE_BYTES
from contract.joint_statement import JointStatement
from contract.names import check_account_name
from contract.revocation import MAX_REVOCATION_LIST_BYTES
from contract.trusteeship.grants import GrantOrder, GrantRequest, check_organisation_key_id
from mpc.errors import MalformedInput
from transparency.hashing import HASH_BYTES
from transparency.nodes import MAX_SIZE
from transparency.note import MAX_NOTE_BYTES
from transparency.receipt import MAX_PROOF

REASON: Final = "EXPORT_MALFORMED"
"""Of every file that is refused."""
FIRST_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The begin of an export that has none."""
LAST_TIME: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of an export that has none."""
MAX_ORDERS: Final = 4096
"""Most orders about one grant."""

MAX_PART_BYTES: Final = MAX_REVOCATION_LIST_BYTES + MAX_CERTIFICATE_BYTES + MAX_NOTE_BYTES + (1 << 20)
"""Longest part that is looked at."""
HEAD: Final = "fourseal/v1/records export"
"""Kind of the first part: what tells such a file from others."""
_CERTIFICATE: Final = "certificate"
_GRANT: Final = "grant"
_RECORD: Final = "record"


@dataclass(frozen=True, slots=True)
class ExportHead:
    """What was exported, and what all of it is proven against.

    Args:
        organisation: its name.
        key_id: of its key.
        user: whose records alone; empty: everybody's.
        begin: records from then on; UTC, whole seconds; ``FIRST_TIME``: from the first one on.
        end: records before; ``LAST_TIME``: to the last one.
        records: how many there are.
        checkpoint: note of the log, which every proof leads to.
        log_certificate: of the log's key, DER.
        revocation_list: of the authority, DER.

    Raises:
        MalformedInput: EXPORT_MALFORMED, ACCOUNT_NAME_MALFORMED, TRUST_STATEMENT_MALFORMED.
    """

    organisation: str
    key_id: str
    user: str
    begin: datetime
    end: datetime
    records: int
    checkpoint: bytes
    log_certificate: bytes
    revocation_list: bytes

    def __post_init__(self) -> None:
        check_account_name(self.organisation)
        check_organisation_key_id(self.key_id)
        if self.user:
            check_account_name(self.user)
        der.require_time(self.begin, "the begin", reason=REASON)
        der.require_time(self.end, "the end", reason=REASON)
        der.require_that(self.begin < self.end, "it ends before it begins", reason=REASON)
        der.require_that(0 <= self.records <= der.MAX_COUNT, "a wrong number of records", reason=REASON)

    @property
    def whole(self) -> bool:
        """Whether it begins with the first record of all."""
        return self.begin == FIRST_TIME

    def to_der(self) -> bytes:
        """The part."""
        body = _ExportHead(
            version=der.VERSION,
            organisation=self.organisation,
            key_id=self.key_id,
            user=self.user,
            begin=der.to_generalized_time(self.begin),
            end=der.to_generalized_time(self.end),
            records=self.records,
            checkpoint=self.checkpoint,
            log_certificate=self.log_certificate,
            revocation_list=self.revocation_list,
        )
        return _part(HEAD, der.write_structure(body))

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the part's body. Raises as the constructor does."""
        read = der.read_structure(_ExportHead, body, MAX_PART_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        return cls(
            organisation=read.organisation,
            key_id=read.key_id,
            user=read.user,
            begin=der.from_generalized_time(read.begin),
            end=der.from_generalized_time(read.end),
            records=read.records,
            checkpoint=read.checkpoint,
            log_certificate=read.log_certificate,
            revocation_list=read.revocation_list,
        )


@dataclass(frozen=True, slots=True)
class ExportedCertificate:
    """A certificate that what follows names.

    Args:
        data: DER. It is not looked at here.
    """

    data: bytes

    def to_der(self) -> bytes:
        """The part."""
        return _part(_CERTIFICATE, self.data)


@dataclass(frozen=True, slots=True)
class ExportedGrant:
    """A grant that what follows names, with all orders about it, oldest first.

    Raises:
        MalformedInput: EXPORT_MALFORMED; what ``GrantRequest`` and ``GrantOrder`` raise.
    """

    request: JointStatement
    orders: tuple[JointStatement, ...]

    def __post_init__(self) -> None:
        der.require_that(len(self.orders) <= MAX_ORDERS, f"more than {MAX_ORDERS} orders", reason=REASON)

    @property
    def words(self) -> GrantRequest:
        """What it allows."""
        return GrantRequest.from_der(self.request.statement)

    def read_orders(self) -> list[GrantOrder]:
        """What was ordered."""
        return [GrantOrder.from_der(each.statement) for each in self.orders]

    def to_der(self) -> bytes:
        """The part."""
        body = _ExportedGrant(request=self.request.to_der(), orders=[each.to_der() for each in self.orders])
        return _part(_GRANT, der.write_structure(body))

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the part's body. Raises as the constructor does."""
        read = der.read_structure(_ExportedGrant, body, MAX_PART_BYTES, reason=REASON)
        return cls(JointStatement.from_der(read.request), tuple(map(JointStatement.from_der, read.orders)))


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """A record, and where it stands in the log.

    Args:
        entry: DER of the log's entry, with ``RecordedUse``. It is not looked at here.
        index: of the entry.
        proof: hashes of 32 bytes that lead from it to the head's checkpoint.

    Raises:
        MalformedInput: EXPORT_MALFORMED.
    """

    entry: bytes
    index: int
    proof: tuple[bytes, ...]

    def __post_init__(self) -> None:
        der.require_that(0 <= self.index < MAX_SIZE, "an index of no log", reason=REASON)
        fits = len(self.proof) <= MAX_PROOF and all(len(each) == HASH_BYTES for each in self.proof)
        der.require_that(fits, "a proof that is none", reason=REASON)

    def to_der(self) -> bytes:
        """The part."""
        body = _ExportedRecord(entry=self.entry, index=self.index, proof=list(self.proof))
        return _part(_RECORD, der.write_structure(body))

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the part's body. Raises as the constructor does."""
        read = der.read_structure(_ExportedRecord, body, MAX_PART_BYTES, reason=REASON)
        return cls(read.entry, read.index, tuple(read.proof))


Part = ExportHead | ExportedCertificate | ExportedGrant | ExportedRecord


def read_part(data: bytes) -> Part:
    """Read a part. Raises MalformedInput: EXPORT_MALFORMED, and what the parts raise."""
    framed = der.read_structure(_Part, data, MAX_PART_BYTES, reason=REASON)
    reader = _READERS.get(framed.kind)
    if reader is None:
        raise MalformedInput(REASON, "a part of an unknown kind", problem="a part of a kind that does not exist")
    part = reader(framed.body)
    der.require_canonical(data, part.to_der(), reason=REASON)
    return part


def _part(kind: str, body: bytes) -> bytes:
    return der.write_structure(_Part(kind=kind, body=body))


_READERS: Final[dict[str, Callable[[bytes], Part]]] = {
    HEAD: ExportHead.from_body,
    _CERTIFICATE: ExportedCertificate,
    _GRANT: ExportedGrant.from_body,
    _RECORD: ExportedRecord.from_body,
}


@asn1.sequence
class _Part:
    kind: str
    body: bytes


@asn1.sequence
class _ExportHead:
    version: int
    organisation: str
    key_id: str
    user: str
    begin: asn1.GeneralizedTime
    end: asn1.GeneralizedTime
    records: int
    checkpoint: bytes
    log_certificate: bytes
    revocation_list: bytes


@asn1.sequence
class _ExportedGrant:
    request: bytes
    orders: list[bytes]


@asn1.sequence
class _ExportedRecord:
    entry: bytes
    index: int
    proof: list[bytes]
