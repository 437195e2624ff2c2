"""Options that several commands have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Optional

import typer

TIME_FORMATS: Final = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"]
"""How a time is typed, UTC."""
TimeOption = Optional[datetime]  # noqa: UP045  # typer reads it
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
