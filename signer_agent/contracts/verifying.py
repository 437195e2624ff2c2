"""Verifying what was received: with the certificates of the revisions that statement and envelope name."""

from __future__ import annotations

import asyncio
from typing import Final

from fourseal.v1 import relay_service_pb2

from contract.report import Check, Outcome
from contract.verification import Certificates, ReceivedMessage, Trust, verify_message
from mpc.errors import FoursealError
from signer_agent.contracts.announced import check_announcement
from signer_agent.contracts.downloads import Downloaded
from signer_agent.contracts.known import Known
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.verdicts import Verdict
from wire.catalogue import ServiceError
from wire.status import RemoteError

_NO_SUCH_REVISION: Final = frozenset({"SESSION_CERTIFICATE_UNKNOWN", "SESSION_NOT_FOUND"})
"""The message names what is not there. Other errors are not its author's fault, and must not stand in its verdict."""


async def verify(
    signer: Signer, session_id: str, downloaded: Downloaded, posting: relay_service_pb2.Posting, known: Known
) -> Verdict:
    """Make every check of a message. What is wrong with it stands in the verdict.

    Args:
        signer: who received it.
        session_id: in which session.
        downloaded: the message.
        posting: what the media server says of who posted it, and what came announced with it.
        known: what is here already.

    Raises:
        FoursealError: nothing can be said of it now: the server cannot be reached, or lies; a contact's certificates
            changed and wait for a person; those of ``Register``.
    """
    statement, header = downloaded.signed.statement, downloaded.header
    try:
        revision = await signer.certificates_of(session_id, statement.session_certificate)
        sealed_at = await signer.certificates_of(session_id, header.session_certificate)
    except RemoteError as error:
        if error.reason not in _NO_SUCH_REVISION:
            raise
        return _unverifiable(error)
    try:
        author, ourselves = revision.member(statement.author), revision.member(signer.name)
    except ServiceError as error:
        return _unverifiable(error)
    trust = Trust(signer.authority, await signer.revocations())
    fingerprint = ourselves.encrypt_certificate.fingerprint
    expected = await asyncio.to_thread(known.expected, statement, fingerprint)
    message = ReceivedMessage(header, downloaded.signed, downloaded.length, downloaded.digest)
    certificates = Certificates(author.sign_certificate, revision.sign_certificate, sealed_at.encrypt_certificate)
    announced = await check_announcement(signer, posting, header, author.sign_certificate)
    return Verdict((*verify_message(message, certificates, trust, expected).checks, *announced))


def _unverifiable(error: FoursealError) -> Verdict:
    """Of a message that there is nothing to check with."""
    return Verdict((Check("signature", Outcome.FAILED, error.reason),))
