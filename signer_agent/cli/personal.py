"""``certificate``: certificates of joint keys, which other software takes. Officers of the server decide about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from signer_agent.cli.files import require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import ForceOption, KeyArgument, YesOption
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.personal_certificates import PersonalCertificates, RequestedCertificate
from signer_agent.contracts.signer_keys import RevocationReason
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

app = typer.Typer(help="Certificates of joint keys, for use outside contract sessions.", no_args_is_help=True)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, as list names it.")]
_Result = TypeVar("_Result")


@command(app)
def request(invocation: Invocation, key: KeyArgument) -> None:
    """Ask for a certificate for a key; a key that signs signs the request. Officers decide about it."""
    _show(_with(invocation, lambda certificates: certificates.request(key)))


@command(app, "list")
def list_requests(invocation: Invocation) -> None:
    """List what was asked for, oldest first."""
    found = _with(invocation, lambda certificates: certificates.all())
    rows = [(each.certificate_request_id, each.key_id, _state(each), f"{each.create_time:%Y-%m-%d}") for each in found]
    OUTPUT.show_table([_content(each) for each in found], ("Request", "Key", "State", "Made"), rows)


@command(app)
def show(invocation: Invocation, request: RequestArgument) -> None:
    """Show a request and its certificate, which is checked."""
    _show(_with(invocation, lambda certificates: certificates.get(request)))


@command(app)
def fetch(
    invocation: Invocation,
    request: RequestArgument,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, PEM.")],
    force: ForceOption = False,
) -> None:
    """Check the certificate that was issued, and write it to a file."""
    require_absent(out, force=force)
    found = _with(invocation, lambda certificates: certificates.get(request))
    if not found.certificate:
        raise ServiceError("CERTIFICATE_NOT_ACTIVE", certificate_request_id=request)
    write_file(out, x509.load_der_x509_certificate(found.certificate).public_bytes(Encoding.PEM))
    OUTPUT.show(_content(found) | {"file": str(out)}, [*_rows(found), ("File", str(out))])


@command(app)
def revoke(
    invocation: Invocation,
    request: RequestArgument,
    *,
    reason: Annotated[RevocationReason, typer.Option(help="Why.")],
    yes: YesOption = False,
) -> None:
    """Revoke the certificate that was issued. The key itself stays as it is."""
    OUTPUT.confirm("Revoke this certificate? Nobody will take signatures for it any more", yes=yes)
    _with(invocation, lambda certificates: certificates.revoke(request, reason))
    OUTPUT.show({"revoked": True}, [("Certificate", "revoked")])


def _with(invocation: Invocation, work: Callable[[PersonalCertificates], Awaitable[_Result]]) -> _Result:
    async def with_agent(agent: LocalAgent) -> _Result:
        return await work((await agent.contracts()).personal_certificates(agent))

    return invocation.with_store(with_agent)


def _show(found: RequestedCertificate) -> None:
    OUTPUT.show(_content(found), _rows(found))


def _rows(found: RequestedCertificate) -> list[tuple[str, str]]:
    rows = [("Request", found.certificate_request_id), ("Key", found.key_id), ("State", _state(found))]
    if found.refusal:
        rows.append(("Refused", found.refusal))
    if found.certificate:
        certificate = x509.load_der_x509_certificate(found.certificate)
        rows.append(("Certificate", certificate.fingerprint(SHA256()).hex()))
        rows.append(("  valid until", f"{certificate.not_valid_after_utc:%Y-%m-%d}"))
    return rows


def _state(found: RequestedCertificate) -> str:
    return "revoked" if found.revoke_time is not None else found.state


def _content(found: RequestedCertificate) -> dict[str, Any]:
    issued = x509.load_der_x509_certificate(found.certificate) if found.certificate else None
    return {
        "certificate_request_id": found.certificate_request_id,
        "key_id": found.key_id,
        "state": _state(found),
        "create_time": found.create_time.isoformat(),
        "refusal": found.refusal,
        "fingerprint": None if issued is None else issued.fingerprint(SHA256()).hex(),
        "expire_time": None if issued is None else issued.not_valid_after_utc.isoformat(),
    }
