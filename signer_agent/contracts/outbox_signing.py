"""Signing what is in the outbox: one statement at a time in a session, each finished before the next is made.

A statement is fixed and stored before the server is asked to sign it: after a crash nobody knows whether the server
did, and if so, the statement's number is used up. The server answers the same request with the same signature; so what
was fixed is asked for again, and finished or, if the server refuses it, forgotten.

What is to be evidence is deposited when it is signed: who has a signed entry from here can deliver it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contract.certificates import SignerCertificate
from contract.description import NONCE_BYTES, ContentDescription
from contract.statement import Answer, Recipient, Statement
from mpc.errors import FoursealError
from signer_agent.contracts.model import MemberState, SessionState, VerifiedSession
from signer_agent.contracts.outbox import Outbox
from signer_agent.contracts.outbox_entry import OutboxEntry, OutboxState, Signing
from signer_agent.contracts.signer import Signer
from signer_agent.evidence.deposits import deposit
from wire.catalogue import ServiceError
from wire.ids import new_request_id

_TRIES: Final = 5
_OUTDATED: Final = frozenset({"SESSION_CHANGED", "SEQUENCE_REPEATED", "RECIPIENT_NUMBER_WRONG"})
"""Reasons to make a statement anew: another revision, or another device of ours was faster."""


@dataclass(frozen=True, slots=True)
class SealedContent:
    """What is known of a content when all of it was sealed.

    Args:
        segments: how many.
        length: bytes.
        digest: SHA-256, 32 bytes.
    """

    segments: int
    length: int
    digest: bytes


class OutboxSigning:
    """Signs for one account. Belongs to the event loop that it was made on.

    Args:
        signer: who signs.
        outbox: where it is remembered.
    """

    def __init__(self, signer: Signer, outbox: Outbox) -> None:
        self._signer = signer
        self._outbox = outbox
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, session_id: str) -> AsyncIterator[None]:
        """Be the only one of this account, on this device, who signs in a session; waits."""
        async with self._turns.setdefault(session_id, asyncio.Lock()):
            waiting = self._outbox.signing(session_id)
            await asyncio.to_thread(waiting.__enter__)
            try:
                yield
            finally:
                waiting.__exit__(None, None, None)

    async def fixed(self, session_id: str) -> list[OutboxEntry]:
        """What an earlier process fixed and did not finish; in a turn, else another may be finishing it."""
        entries = await asyncio.to_thread(self._outbox.open_entries, session_id)
        return [entry for entry in entries if entry.state is not OutboxState.UPLOADING]

    async def sign_content(self, entry: OutboxEntry, content: SealedContent) -> OutboxEntry:
        """Fix a statement of what the session is now, and sign it; deposit it if it is evidence. Only in a turn.

        Raises:
            FoursealError: SESSION_CLOSED, NOT_A_MEMBER, MEMBER_REVOKED, MEMBER_EXPIRED, RECIPIENT_CHANGED, and what
                ``Signer.sign_statement`` and ``deposit`` raise.
        """
        wanted = entry.to_send
        description = ContentDescription(
            secrets.token_bytes(NONCE_BYTES),
            wanted.content_type,
            wanted.name,
            content.length,
            content.digest,
            wanted.in_reply_to or None,
        )
        tries = 0
        while True:
            session = await self._signer.session(wanted.session_id, refresh=True)
            require_open(session)
            statement = self._statement(entry, session, description)
            fixed = entry.fixed(Signing(statement, description, new_request_id(), content.segments))
            await asyncio.to_thread(self._outbox.put, fixed)
            tries += 1
            try:
                signed = await self._sign(fixed)
            except FoursealError as error:
                if error.reason not in _OUTDATED or tries == _TRIES:
                    raise
            else:
                return await self._deposit(signed)

    async def sign_fixed(self, entry: OutboxEntry) -> OutboxEntry:
        """Sign and deposit what is fixed, as far as it was not done; the same request gets the same answer.

        Raises:
            FoursealError: what ``Signer.sign_statement`` and ``deposit`` raise.
        """
        return await self._deposit(await self._sign(entry))

    async def _sign(self, entry: OutboxEntry) -> OutboxEntry:
        if entry.state is not OutboxState.SIGNING:
            return entry
        signing = entry.require_signing()
        signed = entry.signed(await self._signer.sign_statement(signing.statement, signing.request_id))
        await asyncio.to_thread(self._outbox.put, signed)
        return signed

    async def _deposit(self, entry: OutboxEntry) -> OutboxEntry:
        if entry.evidence is None or entry.evidence.deposit is not None:
            return entry
        deposited = entry.deposited(await deposit(self._signer, await asyncio.to_thread(entry.record)))
        await asyncio.to_thread(self._outbox.put, deposited)
        return deposited

    def _statement(self, entry: OutboxEntry, session: VerifiedSession, description: ContentDescription) -> Statement:
        recipients = []
        for name, fingerprint in zip(entry.to_send.recipients, entry.certificates, strict=True):
            if require_valid(session, name).fingerprint != fingerprint:
                raise ServiceError("RECIPIENT_CHANGED", name=name)
            recipients.append(Recipient(name, fingerprint, session.counters.number_to(name) + 1))
        wanted = entry.to_send
        answer = Answer(wanted.decision, Statement.from_der(wanted.answered)) if wanted.decision else None
        return Statement(
            session_id=session.session_id,
            session_certificate=session.sign_certificate.fingerprint,
            author=self._signer.name,
            author_certificate=self._signer.sign_certificate.fingerprint,
            time=datetime.now(UTC).replace(microsecond=0),
            sequence=session.counters.last_sequence + 1,
            recipients=tuple(recipients),
            description=description.commitment,
            answer=answer,
        )


def require_open(session: VerifiedSession) -> None:
    """See that something can be sent in a session, as far as it was known when it was fetched.

    Raises:
        ServiceError: SESSION_CLOSED; SESSION_NOT_JOINED; NOT_A_MEMBER: we have left it, or were removed.
    """
    if session.state is SessionState.CLOSED:
        raise ServiceError("SESSION_CLOSED", session_id=session.session_id)
    if session.people.get(session.me) is MemberState.INVITED:
        raise ServiceError("SESSION_NOT_JOINED", session_id=session.session_id)
    session.member(session.me)


def require_valid(session: VerifiedSession, name: str) -> SignerCertificate:
    """A member's certificate for encryption.

    Raises:
        ServiceError: NOT_A_MEMBER, MEMBER_REVOKED, MEMBER_EXPIRED.
    """
    member = session.member(name)
    if member.revoke_time is not None:
        raise ServiceError("MEMBER_REVOKED", name=name)
    if member.has_expired(datetime.now(UTC)):
        raise ServiceError("MEMBER_EXPIRED", name=name)
    return member.encrypt_certificate
