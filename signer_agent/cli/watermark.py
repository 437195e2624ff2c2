"""``watermark``: put watermarks into contracts, and read them; offline, without key store and server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer

from contract.watermark.capacity import Capacity, Plan, make_plan
from contract.watermark.channels import Channel, Document
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed
from contract.watermark.extraction import Extraction, extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import SIGNATURE_BYTES, Payload
from contract.watermark.refusals import MAX_FILE_BYTES
from mpc.errors import MalformedInput
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import ForceOption
from signer_agent.cli.trust import read_authority
from wire.client.named_files import read_file
from wire.client.output import OUTPUT, print_json

app = typer.Typer(help="Invisible watermarks in contracts (DOCX, PDF).", no_args_is_help=True)

_MAX_SIGNATURE_BYTES: Final = 2048
_LONGEST_SHOWN: Final = 60

DocumentArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A contract as DOCX or PDF.")]
AuthorityOption = Annotated[
    Path,
    typer.Option(metavar="PEM", help="File with the authority's certificate: the key of its watermarks is made of it."),
]
ChannelOption = Annotated[
    Optional[list[Channel]],  # noqa: UP045  # typer reads it
    typer.Option("--channel", help="What may carry; may be repeated.", show_default="DOCX: colour; PDF: and kerning"),
]


@command(app, "embed")
def embed_watermark(
    invocation: Invocation,  # noqa: ARG001  # every command has one
    file: DocumentArgument,
    *,
    authority: AuthorityOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; - is standard output.")],
    serial: Annotated[int, typer.Option(help="The contract's serial number, 1 to 2^40 - 1.")],
    time: Annotated[str, typer.Option(metavar="TIME", help="As 2026-11-28T12:30:15Z.", show_default="now")] = "",
    signatures: Annotated[
        Optional[list[Path]],  # noqa: UP045  # typer reads it
        typer.Option("--signature", metavar="SIG", help="File with a signer's signature; in the order of the signers."),
    ] = None,
    channels: ChannelOption = None,
    force: ForceOption = False,
) -> None:
    """Put a watermark into a contract: serial number, time, digest of the text, and signatures or their digests."""
    require_absent(out, force=force)
    key = WatermarkKey.of_authority(read_authority(authority))
    read = [read_file(each, _MAX_SIGNATURE_BYTES, "a signature") for each in signatures or ()]
    with OUTPUT.progress(f"Marking {file.name}"):
        embedded = embed(
            _read(file),
            key,
            serial=serial,
            time=_time(time),
            signatures=read,
            channels=channels or (),
        )
    write_file(out, embedded.file)
    if str(out) == STANDARD_OUTPUT:
        return
    rows = [*_payload_rows(embedded.payload), *_plan_rows(embedded.plan), ("Written", str(out))]
    OUTPUT.show({**_payload_json(embedded.payload), **_plan_json(embedded.plan), "file": str(out)}, rows)


@command(app, "extract")
def extract_watermark(
    invocation: Invocation,  # noqa: ARG001  # every command has one
    file: DocumentArgument,
    *,
    authority: AuthorityOption,
    original: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(metavar="FILE", help="The contract before it was marked, as DOCX or PDF: tells what was altered."),
    ] = None,
) -> None:
    """Read the watermark of a contract, and compare its digest with the text.

    Exit status 0 if the text is the one that was marked, 1 if not or if there is no watermark.
    """
    key = WatermarkKey.of_authority(read_authority(authority))
    with OUTPUT.progress(f"Reading {file.name}"):
        document = _read(file)
        found = extract(document, key, None if original is None else _read(original))
    if OUTPUT.as_json:
        print_json({**_extraction_json(found), "remarks": list(document.remarks)})
    else:
        _show(found, document.remarks)
    raise typer.Exit(0 if found.intact else 1)


@command(app)
def capacity(
    invocation: Invocation,  # noqa: ARG001  # every command has one
    file: DocumentArgument,
    *,
    signatures: Annotated[int, typer.Option(min=0, max=10, help="How many signers sign.")] = 2,
    channels: ChannelOption = None,
) -> None:
    """Say what a contract has room for, and what would go in. Exit status 1 if it is too short."""
    found = Capacity.of(_read(file), channels or ())
    plan = make_plan(found, [SIGNATURE_BYTES] * signatures)
    OUTPUT.show(_plan_json(plan), _plan_rows(plan))


def _read(path: Path) -> Document:
    return open_document(read_file(path, MAX_FILE_BYTES, "a contract"))


def _time(given: str) -> datetime:
    if not given:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        problem = "a time that is none"
        raise MalformedInput(
            "WATERMARK_PAYLOAD_MALFORMED", f"the payload is refused: {problem}", problem=problem
        ) from None


def _payload_json(payload: Payload) -> dict[str, Any]:
    return {
        "serial": payload.serial,
        "time": payload.time.isoformat(),
        "text_sha256": payload.digest.hex(),
        "layer": payload.layer.name.lower(),
        "signatures": [each.hex() for each in payload.entries],
    }


def _payload_rows(payload: Payload) -> list[tuple[str, str]]:
    entry = "Signature" if payload.layer.entry_bytes == SIGNATURE_BYTES else "SHA-256 of signature"
    return [
        ("Serial number", str(payload.serial)),
        ("Time", payload.time.isoformat()),
        ("SHA-256 of text", payload.digest.hex()),
        *((f"{entry} {number}", each.hex()) for number, each in enumerate(payload.entries, start=1)),
    ]


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "characters": plan.capacity.characters,
        "layer": plan.layer.name.lower(),
        "payload_bits": plan.payload,
        "needed_bits": plan.needed,
        "available_bits": plan.capacity.total,
        "channels": {channel.value: bits for channel, bits in plan.capacity.available.items()},
    }


def _plan_rows(plan: Plan) -> list[tuple[str, str]]:
    carried = ", ".join(f"{channel.value} {bits}" for channel, bits in plan.capacity.available.items())
    return [
        ("Characters", str(plan.capacity.characters)),
        ("Of signatures", {0: "nothing", 1: "the signatures", 2: "their digests"}[plan.layer]),
        ("Payload", f"{plan.payload} bits"),
        ("Needed", f"{plan.needed} bits, with correction"),
        ("Available", f"{plan.capacity.total} bits: {carried}"),
    ]


def _extraction_json(found: Extraction) -> dict[str, Any]:
    altered = None if found.alignment is None else found.alignment.alterations()
    return {
        **_payload_json(found.payload),
        "intact": found.intact,
        "of_another_document": found.of_another_document,
        "original_is_marked": found.original_is_marked,
        "frames": {channel.value: count for channel, count in found.frames.items()},
        "corrected_bytes": found.corrected,
        "erased_bytes": found.erased,
        "alterations": altered
        and [
            {"paragraph": each.paragraph, "place": each.place, "before": each.before, "after": each.after}
            for each in altered
        ],
    }


def _show(found: Extraction, remarks: Sequence[str]) -> None:
    frames = ", ".join(f"{channel.value} {count}" for channel, count in found.frames.items() if count) or "none"
    rows = [
        *_payload_rows(found.payload),
        ("Frames found", frames),
        ("Bytes corrected", str(found.corrected)),
        ("Bytes missing", str(found.erased)),
        ("Text", _verdict(found)),
        *(("Note", each) for each in remarks),
    ]
    OUTPUT.show({}, rows)
    if found.alignment is not None and found.original_is_marked and not found.of_another_document:
        altered = found.alignment.alterations()
        if altered:
            columns = ("Paragraph", "Place", "Before", "After")
            cells = [
                (str(each.paragraph), str(each.place), _short(each.before), _short(each.after)) for each in altered
            ]
            OUTPUT.show_table({}, columns, cells)


def _verdict(found: Extraction) -> str:
    if found.intact:
        return "the one that was marked"
    if found.of_another_document:
        return "another one: the watermark was moved here"
    if found.original_is_marked is False:
        return "not the one that was marked, and the original given is another one too"
    if found.original_is_marked:
        return "altered"
    return "not the one that was marked: it was altered, or the watermark was moved here; --original tells"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}\u2026"
