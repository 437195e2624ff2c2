"""Fails when pytest's JUnit report has no test, or a test that was skipped.

A test is skipped where something is missing that the run should have had, so a green run with skipped tests says less
than it seems to. Only what no run on that machine can have is let pass.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

MAY_LACK = ("the processor has no AVX-512 IFMA",)
"""What a machine may lack that nothing can be installed for; stands in the reason of a skip."""


def complaints(report: str) -> list[str]:
    """Return what is wrong with a run, one line each; ``report`` is the XML text of a JUnit report."""
    cases = list(ET.fromstring(report).iter("testcase"))  # noqa: S314  # our own pytest wrote it
    if not cases:
        return ["no test ran"]
    skips = [(_name(case), skip.get("message", "")) for case in cases if (skip := case.find("skipped")) is not None]
    return [f"skipped: {name}" for name, reason in skips if not any(lacking in reason for lacking in MAY_LACK)]


def _name(case: ET.Element) -> str:
    return f"{case.get('classname', '')}::{case.get('name', '')}"


def main() -> int:
    """Print what is wrong with the report named on the command line; 1 if there is anything."""
    found = complaints(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
