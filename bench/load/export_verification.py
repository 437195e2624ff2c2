"""``python -m bench.load.export_verification EXPORT AUTHORITY``: verifies a records export, as the command does.

Once for every line on standard input; prints one line of JSON for each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.load.content import peak_bytes
from contract.bundle.checks import BundleTrust
from signer_agent.evidence.trust import authority_from
from signer_agent.trusteeship.verification import verify_export_file
from wire.allocation import keep_freed_memory


def main() -> None:
    """Take orders until standard input ends."""
    export, authority = map(Path, sys.argv[1:])
    trust = BundleTrust(authority_from(authority.read_bytes()))
    keep_freed_memory()  # as the command line does
    for _ in sys.stdin:
        began, spent = time.monotonic(), time.process_time()
        report = verify_export_file(export, trust, lambda _, __: None)
        said = {
            "seconds": time.monotonic() - began,
            "processor_seconds": time.process_time() - spent,
            "outcome": report.outcome.value,
            "records": report.records,
            "peak_bytes": peak_bytes("self"),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
