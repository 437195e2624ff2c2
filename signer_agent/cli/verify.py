"""``verify``: a disclosure bundle, a records export, or, where a key is named, a signature of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer

from contract.oids import DEFAULT_ARC, Arc
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.cli.bundles import show_finding
from signer_agent.cli.exports import show_export
from signer_agent.cli.files import STANDARD_OUTPUT, file_progress, require_absent, writing_file
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.options import ForceOption, KeyOption, PublicKeyOption, TsaOption
from signer_agent.cli.public_keys import require_one
from signer_agent.cli.signatures import verify_signature
from signer_agent.cli.trust import read_trust, wrong_command
from signer_agent.evidence.verification import Finding, verify_archive
from signer_agent.interface import DEFAULT_ALGORITHM
from signer_agent.trusteeship.verification import is_export_file
from wire.catalogue import ServiceError
from wire.client.output import EXIT_STATUS, OUTPUT

PathOption = Optional[Path]  # noqa: UP045  # typer reads it


def verify(
    invocation: Invocation,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A disclosure bundle or a records export; or what was signed.")
    ],
    *,
    authority: Annotated[
        PathOption, typer.Option(metavar="PEM", help="Of a bundle: file with the authority's certificate.")
    ] = None,
    log_key: Annotated[
        str, typer.Option(metavar="KEY", help="Of a bundle: key of the log, name+number+key, or a file with it.")
    ] = "",
    tsa_certificate: TsaOption = None,
    arc: Annotated[
        str, typer.Option(metavar="OID", help="Of a bundle: the installation's arc, if it has one of its own.")
    ] = "",
    pdf: Annotated[PathOption, typer.Option(metavar="REPORT", help="Of a bundle: write a report for others.")] = None,
    force: ForceOption = False,
    signature: Annotated[
        PathOption, typer.Option(help="Of a file: file with the signature; FILE.sig by default.")
    ] = None,
    key: KeyOption = "",
    public_key: PublicKeyOption = None,
    algorithm: Annotated[
        Optional[SignatureAlgorithm],  # noqa: UP045  # typer reads it
        typer.Option("--algorithm", "-a", help="Of a file: padding and hash.", show_default=DEFAULT_ALGORITHM.value),
    ] = None,
) -> None:
    """Verify a disclosure bundle or a records export, offline; with --key or --public-key a signature of a file.

    Exit status 0 if it holds, 1 if not, 2 if the command is wrong, 3 if that cannot be said with what is at hand.
    """
    of_bundle = [each for each in (authority, log_key, tsa_certificate, arc, pdf) if each]
    of_signature = [each for each in (signature, key, public_key, algorithm) if each]
    if of_bundle and of_signature:
        raise typer.BadParameter("some of these options are for a bundle, others for a signature of a file")
    if of_signature:
        require_one(key, public_key)
        verify_signature(invocation, file, signature, key, public_key, algorithm or DEFAULT_ALGORITHM)
        return
    if pdf is not None and str(pdf) == STANDARD_OUTPUT:
        raise typer.BadParameter("a report goes to a file: the verdict goes to standard output")
    if is_export_file(file):
        if pdf is not None or tsa_certificate or arc:
            raise typer.BadParameter("some of these options are for a bundle, and this is a records export")
        with wrong_command():
            trust = read_trust(authority, log_key, [])
        show_export(file, trust)
    with ExitStack() as stack:
        with wrong_command():
            trust, chosen = read_trust(authority, log_key, tsa_certificate or []), Arc(arc) if arc else DEFAULT_ARC
            report = stack.enter_context(_report(pdf, force=force)) if pdf is not None else None
        with file_progress(f"Verifying {file.name}") as progress:
            finding = verify_archive(file, trust, chosen, datetime.now(UTC), progress)
        if report is not None:
            report(finding)
    show_finding(finding)
    raise typer.Exit(EXIT_STATUS[finding.report.outcome])


@contextmanager
def _report(path: Path, *, force: bool) -> Iterator[Callable[[Finding], None]]:
    """Yields what writes the report. Where it cannot be written is found before; what fails later leaves the verdict.

    Raises:
        ServiceError: FILE_EXISTS, FILE_UNUSABLE.
    """
    from signer_agent.evidence.pdf_report import write_report  # noqa: PLC0415  # nothing else needs its library

    require_absent(path, force=force)
    verified = False

    def write_after(finding: Finding) -> None:
        nonlocal verified
        verified = True
        write(write_report(finding))

    try:
        with writing_file(path) as write:
            yield write_after
    except ServiceError as error:
        if not verified:
            raise
        OUTPUT.show_error(error)
