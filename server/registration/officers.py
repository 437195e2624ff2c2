"""What officers do: approve, refuse, revoke. By command, on the server's machine, each under a name of theirs.

The names are those of the configuration, and keep officers apart in the record. They are stated, not proved: whoever
may run the server's commands could use another's. So two approvals guard against the slip of one, and show who
answers for what; against an operator who is set on it they do nothing, for that operator has the authority's key as
well.

Names that are taken out of the configuration decide nothing more, and approvals under them count no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from server.errors import OperatorError
from server.identity import (
    Authority,
    IssuedCertificate,
    RevocationReason,
    find_certificate,
    issue_organisation_certificate,
    issue_personal_certificate,
    revoke_single_certificate,
)
from server.organisations import require_organisation
from server.registration import store
from server.registration.store import CertificateRequest, RequestState


@dataclass(frozen=True, slots=True)
class Office:
    """How requests are decided on.

    Args:
        officers: who may.
        approvals: how many of them a certificate needs.
        lifetime: of a certificate.
    """

    officers: frozenset[str]
    approvals: int
    lifetime: timedelta

    def require(self, officer: str) -> None:
        """See that a name is an officer's.

        Raises:
            OperatorError: it is not.
        """
        if officer not in self.officers:
            raise OperatorError(
                f"{officer} is no officer of the registration authority", "Name officers in registration_officers."
            )


def approve(
    connection: Connection,
    office: Office,
    authority: Authority,
    certificate_request_id: str,
    officer: str,
    now: datetime,
) -> IssuedCertificate | None:
    """Approve a request; the approval that makes them enough issues the certificate.

    Returns:
        The certificate; None while more approvals are needed.

    Raises:
        OperatorError: no officer; no such request, or decided; approved by the same officer before; the account is
            closed.
    """
    office.require(officer)
    request = _waiting(connection, certificate_request_id)
    before = [name for name, _ in store.list_approvals(connection, certificate_request_id)]
    if officer in before:
        raise OperatorError(f"{officer} has approved {certificate_request_id} before", "Another officer must.")
    store.add_approval(connection, certificate_request_id, officer, now)
    if len(office.officers.intersection({*before, officer})) < office.approvals:
        return None
    issued = _issue(connection, authority, request, now, office.lifetime)
    store.decide(connection, certificate_request_id, RequestState.ISSUED, now, fingerprint=issued.fingerprint)
    return issued


def refuse_request(
    connection: Connection, office: Office, certificate_request_id: str, officer: str, why: str, now: datetime
) -> CertificateRequest:
    """Refuse a request, for a reason that its owner reads. One officer is enough.

    Raises:
        OperatorError: no officer; no such request, or decided.
    """
    office.require(officer)
    request = _waiting(connection, certificate_request_id)
    store.decide(connection, certificate_request_id, RequestState.REFUSED, now, why=why)
    return request


def revoke_certificate(
    connection: Connection,
    office: Office,
    certificate_request_id: str,
    officer: str,
    reason: RevocationReason,
    now: datetime,
) -> IssuedCertificate:
    """Revoke the certificate that a request led to. One officer is enough.

    Raises:
        OperatorError: no officer; no such request; no certificate, or it was revoked before.
    """
    office.require(officer)
    request = _find(connection, certificate_request_id)
    issued = None if request.fingerprint is None else find_certificate(connection, request.fingerprint)
    if issued is None or issued.revoke_time is not None:
        raise OperatorError(f"{certificate_request_id} has no certificate that holds", "See fourseal-server ra list.")
    revoke_single_certificate(connection, issued, now, reason, None, officer=officer)
    return issued


def _issue(
    connection: Connection, authority: Authority, request: CertificateRequest, now: datetime, lifetime: timedelta
) -> IssuedCertificate:
    purpose, key_der = request.purpose, request.key_der
    if not request.organisation:
        return issue_personal_certificate(connection, authority, request.account, purpose, key_der, now, lifetime)
    organisation = require_organisation(connection, request.organisation)
    name, display_name = organisation.name, organisation.display_name
    return issue_organisation_certificate(connection, authority, name, display_name, purpose, key_der, now, lifetime)


def _find(connection: Connection, certificate_request_id: str) -> CertificateRequest:
    request = store.find_request(connection, certificate_request_id)
    if request is None:
        raise OperatorError(f"there is no request {certificate_request_id}", "See fourseal-server ra list.")
    return request


def _waiting(connection: Connection, certificate_request_id: str) -> CertificateRequest:
    request = _find(connection, certificate_request_id)
    if request.state is not RequestState.WAITING:
        raise OperatorError(f"{certificate_request_id} is {request.state.value}", "It cannot be decided again.")
    return request
