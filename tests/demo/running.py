"""Runs a demo as its target of the Makefile does, but with programs that are forked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests.architecture.source import ROOT
from tests.programs import quick_programs

_SECONDS = 280


def environment(temporary: Path, programs: Path | None = None) -> dict[str, str]:
    """Variables of the demo: its folder, and a folder of programs that come first."""
    path = os.environ["PATH"] if programs is None else f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "TMPDIR": str(temporary), "PATH": path}


def run_quickly(module: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one to its end. The programs that it starts are forked, and its key stores cost little."""
    with quick_programs(cheap=True) as programs:
        start = "import runpy; from tests import cheap; cheap.make_what_is_cheap(); "
        start += f"from demo import stage; stage._PROGRAMS = {str(programs)!r}; "
        command = [sys.executable, "-c", f"{start}runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )


def processes_in(folder: Path) -> list[int]:
    """Processes whose working folder lies in ``folder``."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue
    return found
