"""``use``: signing and decrypting by an organisation's key under a grant. Each use is recorded with your signature."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from contract.trusteeship.operations import KeyOperation
from mpc.four_prime_rsa import HashAlgorithm, Purpose
from signer_agent.cli.encryption import (
    MAX_CIPHERTEXT_BYTES,
    HashOption,
    LabelOption,
    MgfHashOption,
    decrypted_file,
    oaep_parameters,
)
from signer_agent.cli.files import STANDARD_OUTPUT, hash_file, require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.many_signatures import target_of
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import ForceOption, OutOption, YesOption
from signer_agent.cli.trusteeship import GrantArgument, PersonalKeyOption, with_trusteeship
from signer_agent.evidence.facts import time_text
from signer_agent.trusteeship.grants import Grant
from signer_agent.trusteeship.trusteeship import Trusteeship
from signer_agent.trusteeship.uses import Use, new_use_id
from transparency.receipt import Receipt
from wire.client.named_files import read_file
from wire.client.output import OUTPUT

app = typer.Typer(help="Use an organisation's key under a grant.", no_args_is_help=True)

ReasonOption = Annotated[str, typer.Option(help="What it is for; it stands in the record.")]
KindOption = Annotated[str, typer.Option(help="Kind of document, where the grant is for some.")]
ReceiptOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--receipt", metavar="FILE", help="File for the proof of the record; the record goes to FILE.entry."),
]
RequestIdOption = Annotated[
    str,
    typer.Option(help="As an earlier call showed it: within ten minutes the same use is finished, not counted twice."),
]


@command(app)
def sign(
    invocation: Invocation,
    grant: GrantArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to sign; of any size.")],
    *,
    reason: ReasonOption,
    kind: KindOption = "",
    algorithm: Annotated[
        Optional[KeyOperation],  # noqa: UP045  # typer reads it
        typer.Option(
            "--algorithm", "-a", metavar="NAME", help="By default rsa-pss-sha256 or ecdsa-sha256, as the key is."
        ),
    ] = None,
    out: OutOption = None,
    receipt: ReceiptOption = None,
    request_id: RequestIdOption = "",
    personal_key: PersonalKeyOption = "",
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Sign a file by the organisation's key, to FILE.sig, after showing what is signed."""
    if algorithm is not None and algorithm.purpose is not Purpose.SIGN:
        raise typer.BadParameter("this one does not sign")
    target, chosen_id = out or target_of(file), request_id or new_use_id()
    _require_absent(target, receipt, force=force)
    document = hash_file(file, algorithm.hash if algorithm else HashAlgorithm.SHA256)

    async def signed(trusteeship: Trusteeship) -> Use:
        allowed = await trusteeship.grant(grant)
        operation = algorithm or await trusteeship.default_operation(allowed)
        OUTPUT.note(
            f"File       {file.name}",
            f"Folder     {file.absolute().parent}",
            f"Size       {document.size} bytes",
            f"{operation.hash.upper():<10} {document.digest.hex()}",
            *_description(allowed, operation, kind, reason, chosen_id),
        )
        OUTPUT.confirm("Sign this?", yes=yes)
        return await trusteeship.sign_digest(
            allowed, document.digest, operation, reason=reason, document_kind=kind, request_id=chosen_id
        )

    made = with_trusteeship(invocation, signed, personal_key)
    write_file(target, made.result)
    _show(made, target, receipt, "Signature")


@command(app)
def decrypt(
    invocation: Invocation,
    grant: GrantArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The ciphertext.")],
    *,
    reason: ReasonOption,
    kind: KindOption = "",
    hash_name: HashOption = HashAlgorithm.SHA256,
    mgf_hash: MgfHashOption = None,
    label: LabelOption = "",
    out: OutOption = None,
    receipt: ReceiptOption = None,
    request_id: RequestIdOption = "",
    personal_key: PersonalKeyOption = "",
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Decrypt FILE.enc to FILE by the organisation's key. The server sees the plaintext: the key is there."""
    target, chosen_id = out or decrypted_file(file), request_id or new_use_id()
    _require_absent(target, receipt, force=force)
    parameters = oaep_parameters(hash_name, mgf_hash, label)
    ciphertext = read_file(file, MAX_CIPHERTEXT_BYTES, "a ciphertext")

    async def decrypted(trusteeship: Trusteeship) -> Use:
        allowed = await trusteeship.grant(grant)
        OUTPUT.note(
            f"File       {file.name}",
            f"SHA256     {sha256(ciphertext).hexdigest()}",
            *_description(allowed, KeyOperation.of_oaep(parameters), kind, reason, chosen_id),
        )
        OUTPUT.confirm("Decrypt this?", yes=yes)
        return await trusteeship.decrypt(
            allowed, ciphertext, parameters, reason=reason, document_kind=kind, request_id=chosen_id
        )

    made = with_trusteeship(invocation, decrypted, personal_key)
    write_file(target, made.result, secret=True)
    _show(made, target, receipt, "Plaintext")


def _description(grant: Grant, operation: KeyOperation, kind: str, reason: str, request_id: str) -> tuple[str, ...]:
    asked = grant.request
    return (
        f"Key        {asked.key_id} of {asked.organisation}",
        f"Algorithm  {operation}",
        f"Grant      {grant.grant_id}, {grant.used} of {asked.uses} uses counted, until {time_text(asked.end)}",
        f"Kind       {kind or '-'}",
        f"Reason     {visible(reason)}",
        f"Request id {request_id}",
        "It is counted, and recorded with your signature.",
    )


def _require_absent(target: Path, receipt: Path | None, *, force: bool) -> None:
    for path in (target, *((receipt, _entry_file(receipt)) if receipt else ())):
        require_absent(path, force=force)


def _entry_file(receipt: Path) -> Path:
    return receipt.with_name(receipt.name + ".entry")


def _show(made: Use, target: Path, receipt: Path | None, what: str) -> None:
    record, index = made.recorded.record, Receipt.from_bytes(made.receipt).index
    rows = [
        (what, str(target)),
        ("Record", f"number {record.number} of {record.key_id}, your {record.user_number}.; entry {index} of the log"),
    ]
    if receipt is not None:
        write_file(_entry_file(receipt), made.entry_der)
        write_file(receipt, made.receipt)
        rows.append(("Receipt", f"{receipt}, for {_entry_file(receipt)}"))
    content: dict[str, Any] = {
        "file": str(target),
        "request_id": made.recorded.asked.request_id,
        "key_id": record.key_id,
        "number": record.number,
        "user_number": record.user_number,
        "outcome": record.outcome.value,
        "result": record.result.hex(),
        "record_time": record.time.isoformat(),
        "log_index": index,
        "receipt": None if receipt is None else str(receipt),
    }
    if str(target) == STANDARD_OUTPUT:
        OUTPUT.note(*(f"{name:<9}  {value}" for name, value in rows[1:]))
    else:
        OUTPUT.show(content, rows)
