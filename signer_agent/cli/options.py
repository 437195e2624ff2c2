"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or its label.")]
KeyOption = Annotated[str, typer.Option("--key", "-k", metavar="KEY", help="The key's id, or its label.")]
PublicKeyOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--public-key", metavar="PEM", help="File with an RSA public key, instead of --key."),
]
TsaOption = Annotated[
    Optional[list[Path]],  # noqa: UP045  # typer reads it
    typer.Option("--tsa-certificate", metavar="PEM", help="File with certificates of authorities for time stamps."),
]
OutOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--out", "-o", help="File to write; - is standard output."),
]
