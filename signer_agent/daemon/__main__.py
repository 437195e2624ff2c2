"""``python -m signer_agent.daemon HOME LOCK_AFTER_SECONDS DESCRIPTOR``: what ``fourseal agent start`` runs.

Over the descriptor goes one line of JSON: {} when callers can come, or the reason and metadata of why they cannot.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from mpc.errors import FoursealError
from signer_agent.daemon.process import harden, serve
from signer_agent.home import Home


def main(home: str, lock_after_seconds: str, descriptor: str) -> int:
    """Run the daemon. Returns the exit status."""
    harden()
    os.chdir("/")
    with os.fdopen(int(descriptor), "w") as report:

        def ready() -> None:
            report.write("{}\n")
            report.close()

        try:
            asyncio.run(serve(Home(Path(home)), float(lock_after_seconds), ready))
        except FoursealError as error:
            if report.closed:
                raise
            report.write(json.dumps({"reason": error.reason, "metadata": error.metadata}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
