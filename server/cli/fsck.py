"""``fourseal-server fsck``: whether log, records and contents are what they were."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from server.cli.database import settings_of
from server.cli.output import show_json, show_line, show_table
from server.journal.log import Progress as Told
from server.root.fsck import fsck as check
from server.root.home import Home
from server.root.log import configure_log


def fsck(home: Home, kept: Sequence[Path], *, as_json: bool) -> None:
    """Check everything; exit status 1 if anything is not as it must be."""
    settings_of(home)
    with Progress(transient=True, disable=as_json or not sys.stdout.isatty()) as progress:

        def begin(part: str) -> Told:
            task = progress.add_task(part, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        checked = check(home, configure_log("error"), kept, begin)
    findings = [{"where": each.where, "problem": each.problem} for each in checked.findings]
    if as_json:
        show_json({"log_key": checked.verifier_key, "size": checked.size, "findings": findings})
    elif findings:
        show_table("Not as it must be", ("where", "problem"), [(each["where"], each["problem"]) for each in findings])
        show_line("Keep this database as it is, for whoever must find out what happened, and restore a backup.")
    else:
        show_line(f"Sound: {checked.size} entries of the log {checked.verifier_key}.")
    if findings:
        sys.exit(1)
