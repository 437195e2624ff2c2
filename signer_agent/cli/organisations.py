"""``org``: organisations, their administrators, and the certificates of their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from contract.certificate_parts import fingerprint
from signer_agent.cli.files import require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import ForceOption
from signer_agent.cli.trusteeship import OrganisationArgument, with_trusteeship
from signer_agent.trusteeship.organisations import Organisation, OrganisationKey
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

app = typer.Typer(help="Organisations whose keys are held in trust.", no_args_is_help=True)


@command(app)
def show(invocation: Invocation, organisation: OrganisationArgument) -> None:
    """Show an organisation: who administers it, how many must approve, its keys with their certificates, checked."""
    found = with_trusteeship(invocation, lambda trusteeship: trusteeship.organisation(organisation))
    rows = [
        ("Organisation", found.name),
        ("Called", found.display_name),
        ("Administrators", ", ".join(found.administrators) or "-"),
        ("Must approve", f"{found.approvals} of them"),
        *(("Key", _key_text(each)) for each in found.keys),
    ]
    OUTPUT.show(_content(found), rows)


@command(app)
def certificate(
    invocation: Invocation,
    organisation: OrganisationArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As org show names it.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, PEM.")],
    force: ForceOption = False,
) -> None:
    """Write the certificate of a key to a file: to verify its signatures, or to encrypt to it, which needs no grant."""
    require_absent(out, force=force)
    wanted = with_trusteeship(invocation, lambda trusteeship: trusteeship.organisation(organisation)).key(key)
    if wanted is None or wanted.certificate is None:
        raise ServiceError("GRANT_REQUEST_WRONG", problem=f"{organisation} has no key {key} with a certificate")
    write_file(out, wanted.certificate.public_bytes(Encoding.PEM))
    OUTPUT.show(_key_json(wanted) | {"file": str(out)}, [("Key", _key_text(wanted)), ("File", str(out))])


def _key_text(key: OrganisationKey) -> str:
    head = f"{key.key_id}, {key.kind}, to {key.purpose}"
    if key.certificate is None:
        return f"{head}, without a certificate"
    if key.revoke_time is not None:
        return f"{head}, certificate REVOKED on {key.revoke_time:%Y-%m-%d}"
    return f"{head}, certificate until {key.certificate.not_valid_after_utc:%Y-%m-%d}"


def _content(found: Organisation) -> dict[str, Any]:
    return {
        "organisation": found.name,
        "display_name": found.display_name,
        "administrators": list(found.administrators),
        "approvals": found.approvals,
        "keys": list(map(_key_json, found.keys)),
    }


def _key_json(key: OrganisationKey) -> dict[str, Any]:
    certified = key.certificate
    return {
        "key_id": key.key_id,
        "purpose": key.purpose.value,
        "kind": key.kind,
        "fingerprint": None if certified is None else fingerprint(certified).hex(),
        "expire_time": None if certified is None else certified.not_valid_after_utc.isoformat(),
        "revoke_time": None if key.revoke_time is None else key.revoke_time.isoformat(),
    }
