"""The outbox: what was sent, and what is being sent and can go on after a crash.

::

    outbox/<account>/open/<envelope id>.json  ids, state; sealed: header, content key, source, statement, ...
    outbox/<account>/open/<envelope id>.tags  tags of the sealed segments, while a file is sent (``envelopes``)
    outbox/<account>/sent/<envelope id>.json  the same, FINISHED, with the signature

An entry passes through the states in their order. What each promises to a later process:

* UPLOADING: the envelope has a content key; nothing was signed. A file goes on from where the relay has it; anything
  else is begun anew, under a new key.
* SIGNING: all content is at the relay. The statement is fixed, with its request id: the server answers the same request
  with the same signature, whether it was asked before or not. Its number may be used up, so this entry must be finished
  before anything else is signed in the session.
* SIGNED: so is the signature, and with it the trailer: its key seals one trailer and no other.
* FINISHED: the relay has all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from contract.description import ContentDescription
from contract.envelope import EnvelopeHeader
from contract.names import check_account_name, check_envelope_id
from contract.signatures import Signature
from contract.statement import Decision, Statement
from contract.trailer import SignedStatement
from mpc.secret import Secret
from signer_agent.contracts.mailbox import alone
from signer_agent.contracts.register import Register
from signer_agent.keystore.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode
from signer_agent.keystore.folder import PrivateFolder, translated
from signer_agent.keystore.store import KeyStore

_PROGRESS: Final = "outbox"


class OutboxState(StrEnum):
    """How far an envelope has come."""

    UPLOADING = "uploading"
    SIGNING = "signing"
    SIGNED = "signed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class ToSend:
    """What was asked for.

    Args:
        session_id: in which session.
        recipients: account names, sorted.
        origin: where a later process finds the content again; empty if it cannot.
        content_type: media type.
        name: file name, or empty.
        in_reply_to: digest of the statement that it replies to; empty if none.
        decision: of an answer.
        answered: DER of the statement that is answered; empty if none.
    """

    session_id: str
    recipients: tuple[str, ...]
    origin: str
    content_type: str
    name: str
    in_reply_to: bytes = b""
    decision: Decision | None = None
    answered: bytes = b""


@dataclass(frozen=True, slots=True)
class Signing:
    """What is signed, and how.

    Args:
        statement: its structure.
        description: what it says of the content.
        request_id: of the request to the server.
        segments: of the content.
    """

    statement: Statement
    description: ContentDescription
    request_id: str
    segments: int


class OutboxEntry(Secret):
    """An envelope of ours.

    Args:
        envelope_id: its id.
        to_send: what was asked for.
        header_der: its header.
        content_key: 32 bytes, secret.
        certificates: fingerprints of the recipients' certificates for encryption, in their order.
        create_time: when it began, UTC.
        state: how far it has come.
        signing: from SIGNING on.
        signature: of author and session; from SIGNED on.
        expire_time: until when the relay keeps it; when FINISHED.
    """

    __slots__ = (
        "certificates",
        "content_key",
        "create_time",
        "envelope_id",
        "expire_time",
        "header_der",
        "signature",
        "signing",
        "state",
        "to_send",
    )

    def __init__(
        self,
        *,
        envelope_id: str,
        to_send: ToSend,
        header_der: bytes,
        content_key: bytes,
        certificates: tuple[bytes, ...],
        create_time: datetime,
        state: OutboxState = OutboxState.UPLOADING,
        signing: Signing | None = None,
        signature: Signature | None = None,
        expire_time: datetime | None = None,
    ) -> None:
        self.envelope_id = envelope_id
        self.to_send = to_send
        self.header_der = header_der
        self.content_key = content_key
        self.certificates = certificates
        self.create_time = create_time
        self.state = state
        self.signing = signing
        self.signature = signature
        self.expire_time = expire_time

    @property
    def header(self) -> EnvelopeHeader:
        """The header, read."""
        return EnvelopeHeader.from_der(self.header_der)

    def _public_summary(self) -> str:
        return f"envelope={self.envelope_id} state={self.state}"

    def fixed(self, signing: Signing) -> OutboxEntry:
        """The entry with what is about to be signed."""
        return self._with(OutboxState.SIGNING, signing, None, None)

    def signed(self, signature: Signature) -> OutboxEntry:
        """The entry with its signature."""
        return self._with(OutboxState.SIGNED, self.signing, signature, None)

    def finished(self, expire_time: datetime) -> OutboxEntry:
        """The entry when the relay has all of it, and keeps it until that time."""
        return self._with(OutboxState.FINISHED, self.signing, self.signature, expire_time)

    def require_signing(self) -> Signing:
        """What is signed, from SIGNING on."""
        if self.signing is None:
            raise AssertionError("nothing was fixed")
        return self.signing

    def signed_statement(self) -> SignedStatement:
        """What is sealed in the trailer, from SIGNED on."""
        if self.signature is None:
            raise AssertionError("nothing was signed")
        signing = self.require_signing()
        return SignedStatement(signing.statement, signing.description, self.signature)

    def _with(
        self,
        state: OutboxState,
        signing: Signing | None,
        signature: Signature | None,
        expire_time: datetime | None,
    ) -> OutboxEntry:
        return OutboxEntry(
            envelope_id=self.envelope_id,
            to_send=self.to_send,
            header_der=self.header_der,
            content_key=self.content_key,
            certificates=self.certificates,
            create_time=self.create_time,
            state=state,
            signing=signing,
            signature=signature,
            expire_time=expire_time,
        )

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {
            "envelope_id": self.envelope_id,
            "session_id": self.to_send.session_id,
            "state": self.state.value,
            "create_time": self.create_time.isoformat(),
            "expire_time": self.expire_time.isoformat() if self.expire_time else "",
        }

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        wanted = self.to_send
        return encode(
            {
                "recipients": list(wanted.recipients),
                "origin": wanted.origin,
                "content_type": wanted.content_type,
                "name": wanted.name,
                "in_reply_to": bytes_to_text(wanted.in_reply_to),
                "decision": wanted.decision.value if wanted.decision else "",
                "answered": bytes_to_text(wanted.answered),
                "header": bytes_to_text(self.header_der),
                "content_key": bytes_to_text(self.content_key),
                "certificates": [each.hex() for each in self.certificates],
                "signing": _signing_to_json(self.signing) if self.signing else {},
                "signed": bytes_to_text(self.signed_statement().to_der() if self.signature else b""),
            }
        )

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        sealed = Fields(decode(secret))
        decision, expire_time = sealed.text("decision"), fields.text("expire_time")
        signing, signed = sealed.document("signing"), sealed.data("signed")
        entry = cls(
            envelope_id=fields.text("envelope_id"),
            to_send=ToSend(
                fields.text("session_id"),
                tuple(sealed.texts("recipients")),
                sealed.text("origin"),
                sealed.text("content_type"),
                sealed.text("name"),
                sealed.data("in_reply_to"),
                Decision(decision) if decision else None,
                sealed.data("answered"),
            ),
            header_der=sealed.data("header"),
            content_key=sealed.data("content_key"),
            certificates=tuple(bytes.fromhex(each) for each in sealed.texts("certificates")),
            create_time=datetime.fromisoformat(fields.text("create_time")),
            state=OutboxState(fields.text("state")),
            signing=_signing_from_fields(Fields(signing)) if signing else None,
            signature=SignedStatement.from_der(signed).signature if signed else None,
            expire_time=datetime.fromisoformat(expire_time) if expire_time else None,
        )
        for part in (fields, sealed):
            part.end()
        has = (entry.signing is not None) + (entry.signature is not None) + (entry.expire_time is not None)
        if has != list(OutboxState).index(entry.state):
            raise DocumentError("its state does not fit")
        return entry


class Outbox:
    """One account's outbox. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
        register: of the same account; one that is younger than the outbox gets all that was sent.
    """

    def __init__(self, store: KeyStore, account: str, register: Register) -> None:
        self._register = register
        place = f"outbox/{check_account_name(account)}"
        self._open = store.drawer(f"{place}/open", "open envelope", OutboxEntry, check_envelope_id)
        self._sent = store.drawer(f"{place}/sent", "sent envelope", OutboxEntry, check_envelope_id)
        self._folder = PrivateFolder.create(store.home.folder / place / "open")
        if not register.progress(_PROGRESS):
            for entry in self.sent():
                register.enter(entry.require_signing().statement, 0)
            register.set_progress(_PROGRESS, 1)

    def sent(self) -> list[OutboxEntry]:
        """All envelopes that were sent, oldest first. Reads them all: for lists."""
        found = (self._sent.get(name) for name in self._sent.names())
        return sorted((entry for entry in found if entry), key=lambda entry: (entry.create_time, entry.envelope_id))

    def open_entries(self, session_id: str | None = None) -> list[OutboxEntry]:
        """The envelopes that are not sent yet, all or those of one session, oldest first."""
        found = (self._open.get(name) for name in self._open.names())
        entries = [each for each in found if each and session_id in {None, each.to_send.session_id}]
        return sorted(entries, key=lambda entry: (entry.create_time, entry.envelope_id))

    def interrupted(self, to_send: ToSend) -> OutboxEntry | None:
        """An envelope that was asked for like this, and whose upload was interrupted."""
        if not to_send.origin:
            return None
        for entry in self.open_entries(to_send.session_id):
            if entry.state is OutboxState.UPLOADING and entry.to_send == to_send:
                return entry
        return None

    def put(self, entry: OutboxEntry) -> None:
        """Store an envelope in its new state, durably; the register knows what is signed before it can be answered."""
        if entry.state is OutboxState.SIGNED:
            self._register.know(entry.require_signing().statement)
        if entry.state is not OutboxState.FINISHED:
            self._open.put(entry.envelope_id, entry)
            return
        self._register.enter(entry.require_signing().statement, 0)
        self._sent.put(entry.envelope_id, entry)
        self.remove(entry.envelope_id)  # a crash before this finishes it once more, with the same answer

    def remove(self, envelope_id: str) -> None:
        """Forget an envelope that is not being sent any more."""
        self._open.remove(envelope_id)
        with translated(self._folder.path):
            self.tags_path(envelope_id).unlink(missing_ok=True)
            self._lock_path(envelope_id).unlink(missing_ok=True)

    def tags_path(self, envelope_id: str) -> Path:
        """Where the tags of its segments are noted."""
        return self._folder.path / f"{check_envelope_id(envelope_id)}.tags"

    @contextmanager
    def sending(self, envelope_id: str) -> Iterator[bool]:
        """Be the only one who sends an envelope; yields whether that is so."""
        with alone(self._lock_path(envelope_id)) as is_alone:
            yield is_alone

    @contextmanager
    def signing(self, session_id: str) -> Iterator[None]:
        """Be the only one of this account, on this device, who signs in a session; waits."""
        with self._folder.lock(f"{session_id}.lock"):
            yield

    def _lock_path(self, envelope_id: str) -> Path:
        return self._folder.path / f"{check_envelope_id(envelope_id)}.lock"


def _signing_to_json(signing: Signing) -> Json:
    return {
        "statement": bytes_to_text(signing.statement.to_der()),
        "description": bytes_to_text(signing.description.to_der()),
        "request_id": signing.request_id,
        "segments": signing.segments,
    }


def _signing_from_fields(fields: Fields) -> Signing:
    signing = Signing(
        Statement.from_der(fields.data("statement")),
        ContentDescription.from_der(fields.data("description")),
        fields.text("request_id"),
        fields.integer("segments"),
    )
    fields.end()
    return signing
