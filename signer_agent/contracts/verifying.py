"""Verifying what was received: with the certificates of the revisions that statement and envelope name."""

from __future__ import annotations

import asyncio

from contract.report import Check, Outcome
from contract.verification import Certificates, ReceivedMessage, Trust, verify_message
from mpc.errors import FoursealError
from signer_agent.contracts.downloads import Downloaded
from signer_agent.contracts.known import Known
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.verdicts import Verdict
from wire.status import RemoteError


async def verify(signer: Signer, session_id: str, downloaded: Downloaded, known: Known) -> Verdict:
    """Make every check of a message. What is wrong with it stands in the verdict.

    Args:
        signer: who received it.
        session_id: in which session.
        downloaded: the message.
        known: what is here already.

    Raises:
        RemoteError: the server cannot be reached, so that nothing can be said.
        ServiceError: those of ``Register``.
    """
    statement, header = downloaded.signed.statement, downloaded.header
    try:
        revision = await signer.certificates_of(session_id, statement.session_certificate)
        sealed_at = await signer.certificates_of(session_id, header.session_certificate)
        author, ourselves = revision.member(statement.author), revision.member(signer.name)
        trust = Trust(signer.authority, await signer.revocations())
    except FoursealError as error:
        if isinstance(error, RemoteError) and error.reason not in {"SESSION_CERTIFICATE_UNKNOWN", "SESSION_NOT_FOUND"}:
            raise
        return Verdict((Check("signature", Outcome.FAILED, error.reason),))  # there is nothing to check it with
    fingerprint = ourselves.encrypt_certificate.fingerprint
    expected = await asyncio.to_thread(known.expected, statement, fingerprint)
    message = ReceivedMessage(header, downloaded.signed, downloaded.length, downloaded.digest)
    certificates = Certificates(author.sign_certificate, revision.sign_certificate, sealed_at.encrypt_certificate)
    return Verdict(verify_message(message, certificates, trust, expected).checks)
