"""``fourseal-server ra``: what officers of the registration authority do. Works beside a running server too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.announcements.key_change import KeyChange
from contract.oids import Arc
from server.cli.database import in_database, settings_of
from server.cli.output import show_json, show_line, show_table
from server.clock import system_clock
from server.config import Settings
from server.errors import OperatorError
from server.guard import decide_key_change
from server.identity import Authority, IssuedCertificate, RevocationReason, StatusPlaces, find_certificate
from server.registration import (
    CertificateRequest,
    Office,
    RequestState,
    approve,
    find_request,
    list_approvals,
    list_requests,
    refuse_request,
    revoke_certificate,
)
from server.root.ground import open_ground
from server.root.home import Home
from server.root.log import configure_log
from server.storage import PageCursor
from server.storage.paging import cut_page

T = TypeVar("T")


def show_requests(home: Home, state: str | None, page_size: int, page_token: str, *, as_json: bool) -> None:
    """List requests, oldest first."""
    after, wanted = PageCursor.from_token(page_token), None if state is None else RequestState(state)
    found = in_database(home, lambda connection: list_requests(connection, after, page_size + 1, state=wanted))
    page = cut_page(found, page_size, lambda each: PageCursor(each.create_time, each.certificate_request_id))
    if as_json:
        show_json({"certificate_requests": list(map(_request_json, page.rows)), "next_page_token": page.next_token})
        return
    rows = [
        (each.certificate_request_id, each.owner, each.purpose.value, each.state.value, _time(each.create_time))
        for each in page.rows
    ]
    show_table("Requests for certificates", ("request", "owner", "purpose", "state", "made"), rows)
    if page.next_token:
        show_line(f"More: --page-token {page.next_token}")


def show(home: Home, request_id: str, out: Path | None, *, as_json: bool) -> None:
    """Show a request, its approvals and its certificate; write the certificate."""

    def query(
        connection: Connection,
    ) -> tuple[CertificateRequest, list[tuple[str, datetime]], IssuedCertificate | None]:
        request = find_request(connection, request_id)
        if request is None:
            raise OperatorError(f"there is no request {request_id}", "See fourseal-server ra list.")
        issued = None if request.fingerprint is None else find_certificate(connection, request.fingerprint)
        return request, list_approvals(connection, request_id), issued

    request, approvals, issued = in_database(home, query)
    if out is not None:
        _write(out, issued)
    if as_json:
        approved = [{"officer": name, "time": time.isoformat()} for name, time in approvals]
        show_json(_request_json(request) | {"approvals": approved, "certificate": issued and _certificate_json(issued)})
        return
    rows = [
        ("request", request.certificate_request_id),
        ("owner", request.owner),
        ("agent", request.agent_id),
        ("key", request.key_id),
        ("purpose", request.purpose.value),
        ("key SHA-256", request.key_sha256.hex()),
        ("state", request.state.value),
        *(("approved by", f"{name}, {_time(time)}") for name, time in approvals),
    ]
    if request.why is not None:
        rows.append(("refused", request.why))
    if issued is not None:
        rows += [("certificate", issued.fingerprint.hex()), ("valid until", _time(issued.expire_time))]
        if issued.revoke_time is not None:
            rows.append(("revoked", f"{_time(issued.revoke_time)}, {issued.revocation_reason}"))
    show_table("Request", ("what", "value"), rows)


def approve_request(home: Home, request_id: str, officer: str, *, as_json: bool) -> None:
    """Approve a request, and issue the certificate if that is enough."""
    settings, now = settings_of(home), system_clock()
    with open_ground(home, settings, configure_log("error")) as ground:
        places = StatusPlaces(settings.ocsp_url, settings.revocation_list_url)

        def unit(connection: Connection) -> IssuedCertificate | None:
            authority = Authority.load(connection, ground.custody.keys, Arc(settings.oid_arc), places)
            return approve(connection, _office(settings), authority, request_id, officer, now)

        issued = ground.database.write_now(unit)
    if as_json:
        show_json({"certificate_request_id": request_id, "certificate": issued and _certificate_json(issued)})
    elif issued is None:
        show_line(f"{request_id} is approved by {officer}; another officer must approve it too.")
    else:
        show_line(f"{request_id} is issued: {issued.fingerprint.hex()}, until {_time(issued.expire_time)}.")


def refuse(home: Home, request_id: str, officer: str, why: str, *, as_json: bool) -> None:
    """Refuse a request."""
    _decide(home, lambda connection, office, now: refuse_request(connection, office, request_id, officer, why, now))
    if as_json:
        show_json({"certificate_request_id": request_id, "refusal": why})
    else:
        show_line(f"{request_id} is refused: {why}")


def revoke(home: Home, request_id: str, officer: str, reason: str, *, as_json: bool) -> None:
    """Revoke the certificate that a request led to."""

    def decision(connection: Connection, office: Office, now: datetime) -> IssuedCertificate:
        return revoke_certificate(connection, office, request_id, officer, RevocationReason(reason), now)

    issued = _decide(home, decision)
    if as_json:
        show_json({"certificate_request_id": request_id, "fingerprint": issued.fingerprint.hex(), "reason": reason})
    else:
        show_line(f"{issued.fingerprint.hex()} of {issued.owner} is revoked: {reason}.")


def key_change(home: Home, account: str, old: str, new: str, officer: str, *, as_json: bool) -> None:
    """Decide that a key takes another's place."""
    settings, now = settings_of(home), system_clock()

    def unit(connection: Connection) -> KeyChange:
        return decide_key_change(connection, _office(settings), account, old, new, officer, now)

    with open_ground(home, settings, configure_log("error")) as ground:  # it writes in the log
        change = ground.database.write_now(unit)
    found = {"account": account, "old_key": change.old_key.hex(), "new_key": change.new_key.hex()}
    if as_json:
        show_json(found | {"decide_time": _time(change.time)})
    else:
        show_line(f"For {account}, {found['new_key']} takes the place of {found['old_key']}: {_time(change.time)}.")


def _decide(home: Home, decision: Callable[[Connection, Office, datetime], T]) -> T:
    office, now = _office(settings_of(home)), system_clock()
    return in_database(home, lambda connection: decision(connection, office, now))


def _office(settings: Settings) -> Office:
    lifetime = timedelta(days=settings.signer_certificate_days)
    return Office(frozenset(settings.registration_officers), settings.registration_approvals, lifetime)


def _write(out: Path, issued: IssuedCertificate | None) -> None:
    if issued is None:
        raise OperatorError("no certificate was issued", "Approve the request first.")
    try:
        out.write_bytes(x509.load_der_x509_certificate(issued.certificate).public_bytes(Encoding.PEM))
    except OSError as error:
        raise OperatorError(f"{out} cannot be written to: {error.strerror}", "Choose another file.") from None


def _request_json(request: CertificateRequest) -> dict[str, Any]:
    return {
        "certificate_request_id": request.certificate_request_id,
        "account": request.account,
        "organisation": request.organisation,
        "agent_id": request.agent_id,
        "key_id": request.key_id,
        "purpose": request.purpose.value,
        "key_sha256": request.key_sha256.hex(),
        "state": request.state.value,
        "create_time": _time(request.create_time),
        "refusal": request.why,
    }


def _certificate_json(issued: IssuedCertificate) -> dict[str, Any]:
    return {
        "fingerprint": issued.fingerprint.hex(),
        "serial_number": f"{issued.serial_number:x}",
        "expire_time": _time(issued.expire_time),
        "revoke_time": None if issued.revoke_time is None else _time(issued.revoke_time),
        "revocation_reason": issued.revocation_reason,
    }


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
