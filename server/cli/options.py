"""Options that many commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from server.root.home import HOME_VARIABLE, Home, default_home

HomeOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it
    typer.Option("--home", envvar=HOME_VARIABLE, help="Home folder.", show_default=str(default_home())),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: JSON instead of a table.")]
PageSizeOption = Annotated[int, typer.Option(min=1, max=1000, help="Rows of a page.")]
PageTokenOption = Annotated[str, typer.Option(help="Of the next page, as the page before named it.")]
ReasonName = Literal[
    "key_compromise", "affiliation_changed", "superseded", "cessation_of_operation", "privilege_withdrawn"
]
"""As ``server.identity.RevocationReason``, which takes long to import."""


def home_of(folder: Path | None) -> Home:
    """The home folder that was named, or that by default."""
    return Home((folder or default_home()).absolute())
