"""Entries of the evidence server's log: each is one leaf of the Merkle tree (``transparency``), never changed.

An entry says of which kind it is, when the server wrote it, and what is to be kept. It holds a random nonce: receipts
and proofs show leaf hashes to everybody, and the hash of a short or guessable body would tell what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from mpc.engines.interface import Random
from transparency.hashing import hash_leaf

NONCE_BYTES: Final = 32
"""Random bytes that make a leaf hash tell nothing of short bodies."""
MAX_BODY_BYTES: Final = 2 << 20
"""Longest body that is looked at."""
MAX_ENTRY_BYTES: Final = MAX_BODY_BYTES + 256
"""Longest entry that is looked at."""
MAX_OPERATION_BYTES: Final = 2 << 10
"""Longest body of an operation that is looked at."""

_ENTRY_REASON: Final = "LOG_ENTRY_MALFORMED"
_WORD: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_DIGEST_LENGTHS: Final = frozenset({0, 32, 48, 64})


class EntryKind(StrEnum):
    """What an entry's body is. The value stands in the entry."""

    EVIDENCE = "evidence"
    """An ``EvidenceRecord``."""
    OPERATION = "operation"
    """An ``OperationBody``."""
    PERMISSION = "permission"
    """A ``SignedPermission``."""
    GRANT = "grant"
    """A ``JointStatement`` of a request for a grant, or of an order about one."""
    USE = "use"
    """A ``trusteeship.RecordedUse``."""
    CONTRACT = "contract"
    """A ``drafting.ContractRecord``."""
    TRANSACTION = "transaction"
    """A ``transactions.TransactionRecord``."""
    POSTING = "posting"
    """A ``transactions.OperatorPosting``."""
    GUARD = "guard"
    """Of the guard against forged signers: ``SignedControl``, ``KeyChange``, ``GatewayStanding``, ``AccountAlarm``."""


_KINDS: Final = frozenset(EntryKind)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry.

    Args:
        kind: of the body.
        time: by the server's clock, UTC, whole seconds.
        nonce: 32 random bytes, fresh for every entry.
        body: 1 byte to 2 MiB, DER of what the kind says. It is not looked at here.

    Raises:
        MalformedInput: LOG_ENTRY_MALFORMED.
    """

    kind: EntryKind
    time: datetime
    nonce: bytes
    body: bytes

    def __post_init__(self) -> None:
        der.require_time(self.time, "the time", reason=_ENTRY_REASON)
        der.require_that(len(self.nonce) == NONCE_BYTES, f"the nonce has not {NONCE_BYTES} bytes", reason=_ENTRY_REASON)
        der.require_that(1 <= len(self.body) <= MAX_BODY_BYTES, "the body is empty or too long", reason=_ENTRY_REASON)

    @classmethod
    def new(cls, kind: EntryKind, time: datetime, body: bytes, random: Random) -> Self:
        """An entry with a fresh nonce. Raises as the constructor does."""
        return cls(kind, time, random(NONCE_BYTES), body)

    @property
    def leaf_hash(self) -> bytes:
        """The hash of this entry as a leaf of the log, 32 bytes: how other structures refer to it."""
        return hash_leaf(self.to_der())

    def to_der(self) -> bytes:
        """DER of LogEntry: docs/formats.md. The leaf."""
        return der.write_structure(
            _LogEntry(
                version=der.VERSION,
                kind=self.kind.value,
                time=der.to_generalized_time(self.time),
                nonce=self.nonce,
                body=self.body,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: LOG_ENTRY_MALFORMED.
        """
        read = der.read_structure(_LogEntry, data, MAX_ENTRY_BYTES, reason=_ENTRY_REASON)
        der.require_version(read.version, reason=_ENTRY_REASON)
        der.require_that(read.kind in _KINDS, "this kind does not exist", reason=_ENTRY_REASON)
        entry = cls(EntryKind(read.kind), der.from_generalized_time(read.time), read.nonce, read.body)
        der.require_canonical(data, entry.to_der(), reason=_ENTRY_REASON)
        return entry


@dataclass(frozen=True, slots=True)
class OperationBody:
    """What the log keeps of an operation of the journal: one that used a share or changed something.

    Texts are 1 to 128 visible characters of ASCII; those that may be missing are then empty.

    Args:
        agent: that called. With the request id it names the operation.
        request_id: that the agent chose.
        method: what was called.
        account: that was logged in, or empty.
        key_id: of the key or session, or empty.
        digest: that was signed, or of the ciphertext: 32, 48 or 64 bytes, or empty.
        result: SHA-256 of what was released, 32 bytes, or empty.
        refusal: reason for which it was refused; empty: it was done.

    Raises:
        MalformedInput: LOG_ENTRY_MALFORMED.
    """

    agent: str
    request_id: str
    method: str
    account: str
    key_id: str
    digest: bytes
    result: bytes
    refusal: str

    def __post_init__(self) -> None:
        for text, optional in (
            (self.agent, False),
            (self.request_id, False),
            (self.method, False),
            (self.account, True),
            (self.key_id, True),
            (self.refusal, True),
        ):
            der.require_that(
                _WORD.fullmatch(text) or (optional and not text), "a text that is none", reason=_ENTRY_REASON
            )
        der.require_that(len(self.digest) in _DIGEST_LENGTHS, "a digest of a wrong length", reason=_ENTRY_REASON)
        if self.result:
            der.require_digest(self.result, "the result", reason=_ENTRY_REASON)

    def to_der(self) -> bytes:
        """DER of OperationBody: docs/formats.md."""
        return der.write_structure(
            _OperationBody(
                version=der.VERSION,
                agent=self.agent,
                request_id=self.request_id,
                method=self.method,
                account=self.account,
                key_id=self.key_id,
                digest=self.digest,
                result=self.result,
                refusal=self.refusal,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: LOG_ENTRY_MALFORMED.
        """
        read = der.read_structure(_OperationBody, data, MAX_OPERATION_BYTES, reason=_ENTRY_REASON)
        der.require_version(read.version, reason=_ENTRY_REASON)
        body = cls(
            agent=read.agent,
            request_id=read.request_id,
            method=read.method,
            account=read.account,
            key_id=read.key_id,
            digest=read.digest,
            result=read.result,
            refusal=read.refusal,
        )
        der.require_canonical(data, body.to_der(), reason=_ENTRY_REASON)
        return body


@asn1.sequence
class _LogEntry:
    version: int
    kind: str
    time: asn1.GeneralizedTime
    nonce: bytes
    body: bytes


@asn1.sequence
class _OperationBody:
    version: int
    agent: str
    request_id: str
    method: str
    account: str
    key_id: str
    digest: bytes
    result: bytes
    refusal: str
