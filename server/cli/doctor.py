"""``fourseal-server doctor``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Final

from server.cli.output import show_json, show_table
from server.root.doctor import State, examine
from server.root.home import Home
from server.root.log import configure_log

_SIGNS: Final = {State.OK: "✓ ok", State.WARNING: "! warning", State.FAILED: "✗ failed", State.SKIPPED: "- skipped"}


def doctor(home: Home, *, as_json: bool) -> None:
    """Check everything; exit status 1 if a check failed."""
    findings = list(examine(home, configure_log("error")))
    well = all(finding.state is not State.FAILED for finding in findings)
    if as_json:
        show_json({"well": well, "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [(finding.check, _SIGNS[finding.state], finding.detail, finding.action) for finding in findings]
        show_table(f"Doctor: {home.folder}", ("check", "result", "seen", "what to do"), rows)
    if not well:
        sys.exit(1)
