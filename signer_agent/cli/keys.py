"""``key``: generate, re-key, list, show, export, and change the state of joint keys."""

from __future__ import annotations

import base64
import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from grpc import StatusCode

from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import (
    ForceOption,
    KeyArgument,
    OutOption,
    YesOption,
)
from signer_agent.interface import DEFAULT_HALF_BITS
from signer_agent.model import AgentKey, KeyChange
from wire.client.output import OUTPUT, print_json
from wire.ids import new_request_id
from wire.status import RemoteError

_INTERRUPTED: Final = (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED)

app = typer.Typer(help="Joint keys.", no_args_is_help=True)


class ExportFormat(StrEnum):
    """How a public key is written."""

    PEM = "pem"
    DER = "der"
    JWK = "jwk"


@command(app)
def generate(
    invocation: Invocation,
    purpose: Annotated[Purpose, typer.Argument(help="What the key will do, for its whole life.")],
    *,
    label: Annotated[str, typer.Option(help="A name for people, at most 64 characters.")] = "",
    bits: Annotated[int, typer.Option(help="Bits of each half: 2048, 3072 or 4096.")] = DEFAULT_HALF_BITS,
    algorithm: Annotated[
        Optional[list[SignatureAlgorithm]],  # noqa: UP045  # typer reads it
        typer.Option(help="What the server shall allow; repeat for more; all by default."),
    ] = None,
    daily_limit: Annotated[int, typer.Option(help="Operations a day that the server shall allow; 0: no limit.")] = 0,
    request_id: Annotated[str, typer.Option(help="Repeat a generation that was interrupted.")] = "",
) -> None:
    """Generate a joint key together with the server."""
    request_id = request_id or new_request_id()
    with invocation.agent() as agent, OUTPUT.progress("Generating") as on_step:
        try:
            key = agent.generate_key(
                purpose,
                half_bits=bits,
                algorithms=algorithm or (),
                daily_limit=daily_limit,
                label=label,
                request_id=request_id,
                on_step=on_step,
            )
        except RemoteError as error:
            _tell_how_to_go_on(error, request_id)
            raise
    _show(key)


@command(app)
def rekey(
    invocation: Invocation,
    key: KeyArgument,
    *,
    request_id: Annotated[str, typer.Option(help="Repeat a re-key that was interrupted.")] = "",
    yes: YesOption = False,
) -> None:
    """Replace a key by one with the same half of yours and a new half of the server."""
    OUTPUT.confirm(f"Replace {key!r}? If it signs, it is destroyed; its certificate is revoked", yes=yes)
    with invocation.agent() as agent, OUTPUT.progress("Replacing") as on_step:
        try:
            new = agent.rekey(key, request_id=request_id or None, on_step=on_step)
        except RemoteError as error:
            _tell_how_to_go_on(error, request_id)
            raise
    if new.purpose is Purpose.DECRYPT:
        OUTPUT.note(f"What was encrypted to the old key it still decrypts, by its id: {new.replaces_key_id}.")
    OUTPUT.note(f"For a certificate of the new key: {invocation.call_of(f'certificate request {new.key_id}')}")
    _show(new)


@command(app, "list")
def list_keys(invocation: Invocation) -> None:
    """List all keys as the server has them now, oldest first."""
    with invocation.agent() as agent:
        keys = agent.list_keys()
    columns = ("Key", "Label", "Purpose", "State", "Bits", "Created")
    rows = [
        (key.key_id, key.label, key.purpose, key.state, str(2 * key.half_bits), f"{key.create_time:%Y-%m-%d %H:%M}")
        for key in keys
    ]
    OUTPUT.show_table([_content(key) for key in keys], columns, rows)


@command(app)
def show(
    invocation: Invocation,
    key: KeyArgument,
) -> None:
    """Show a key as the server has it now."""
    with invocation.agent() as agent:
        _show(agent.get_key(key))


@command(app)
def export(
    invocation: Invocation,
    key: KeyArgument,
    *,
    format: Annotated[ExportFormat, typer.Option(help="How to write it.")] = ExportFormat.PEM,  # noqa: A002
    out: OutOption = None,
    force: ForceOption = False,
) -> None:
    """Write the joint public key, which any RSA software takes, to standard output or a file."""
    target = out or Path(STANDARD_OUTPUT)
    require_absent(target, force=force)
    with invocation.agent() as agent:
        found = agent.get_key(key)
    exported = _exported(found, format)
    if str(target) != STANDARD_OUTPUT:
        write_file(target, exported)
        rows = [("Public key of", found.key_id), ("File", str(target))]
        OUTPUT.show({"key_id": found.key_id, "file": str(target)}, rows)
    elif OUTPUT.as_json:
        text = base64.b64encode(exported).decode() if format is ExportFormat.DER else exported.decode()
        print_json({"key_id": found.key_id, "format": format.value, "public_key": text})
    else:
        write_file(target, exported)


@command(app)
def enable(
    invocation: Invocation,
    key: KeyArgument,
) -> None:
    """Let a key be used again."""
    _change(invocation, key, KeyChange.ENABLE)


@command(app)
def disable(
    invocation: Invocation,
    key: KeyArgument,
) -> None:
    """Let the server refuse every use of a key until it is enabled again."""
    _change(invocation, key, KeyChange.DISABLE)


@command(app)
def destroy(
    invocation: Invocation,
    key: KeyArgument,
    *,
    final: Annotated[bool, typer.Option("--final", help="Second step: erase both shares. Cannot be undone.")] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Take the first step back; the key is disabled then.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Destroy a key, in two steps: this, and after some time the same with --final."""
    if final and cancel:
        raise typer.BadParameter("--final and --cancel contradict each other")
    if cancel:
        _change(invocation, key, KeyChange.CANCEL_DESTRUCTION)
    elif final:
        OUTPUT.confirm(f"Erase both shares of {key!r}? This cannot be undone", yes=yes)
        _change(invocation, key, KeyChange.DESTROY)
    else:
        OUTPUT.confirm(f"Schedule the destruction of {key!r}? It refuses every use from now on", yes=yes)
        _change(invocation, key, KeyChange.SCHEDULE_DESTRUCTION)


def _tell_how_to_go_on(error: RemoteError, request_id: str) -> None:
    if error.code in _INTERRUPTED:
        repeated = f" with --request-id {request_id}" if request_id else ""
        OUTPUT.note(f"The same command{repeated} goes on from here.")


def _change(invocation: Invocation, key: str, change: KeyChange) -> None:
    with invocation.agent() as agent:
        _show(agent.change_key(key, change))


def _show(key: AgentKey) -> None:
    content = _content(key)
    rows = [(name.replace("_", " ").capitalize(), _text(value)) for name, value in content.items()]
    OUTPUT.show(content, [row for row in rows if row[1]])


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _content(key: AgentKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "label": key.label,
        "purpose": key.purpose.value,
        "state": key.state.value,
        "bits": 2 * key.half_bits,
        "half_bits": key.half_bits,
        "algorithms": [algorithm.value for algorithm in key.algorithms],
        "daily_limit": key.daily_limit,
        "create_time": key.create_time.isoformat(),
        "destroy_time": key.destroy_time.isoformat() if key.destroy_time else None,
        "fingerprint": _fingerprint(key),
        "replaces_key_id": key.replaces_key_id or None,
        "replaced_by_key_id": key.replaced_by_key_id or None,
    }


def _fingerprint(key: AgentKey) -> str | None:
    """SHA-256 of the DER SubjectPublicKeyInfo, hex."""
    return hashlib.sha256(key.joint_key.to_der()).hexdigest() if key.joint_key else None


def _exported(key: AgentKey, form: ExportFormat) -> bytes:
    public = key.public_key()
    if form is ExportFormat.JWK:
        return (json.dumps(_jwk(key, public), indent=2) + "\n").encode()
    encoding = Encoding.PEM if form is ExportFormat.PEM else Encoding.DER
    return public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _jwk(key: AgentKey, public: RSAPublicKey) -> dict[str, str]:
    """The key after RFC 7517 and RFC 7518 section 6.3.1."""
    numbers = public.public_numbers()
    return {
        "kty": "RSA",
        "kid": key.key_id,
        "use": "sig" if key.purpose is Purpose.SIGN else "enc",
        "n": _base64url(numbers.n),
        "e": _base64url(numbers.e),
    }


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
