"""Leaves gRPC no cipher suite of TLS 1.2 that it could use: TLS 1.3 is what remains (docs/adr/0004).

gRPC for Python has no setting for the lowest TLS version. The one suite that is left needs a key shared beforehand,
which gRPC cannot be given, so no TLS 1.2 handshake succeeds, whatever certificate there is. The suites of TLS 1.3 are
not touched by the setting.

gRPC reads the environment once, when it is imported. So the package ``wire`` imports this module before anything else.
"""

from __future__ import annotations

import os
import sys
from typing import Final

VARIABLE: Final = "GRPC_SSL_CIPHER_SUITES"
SUITE: Final = "ECDHE-PSK-AES256-CBC-SHA"

IN_FORCE: Final = "grpc" not in sys.modules or os.environ.get(VARIABLE) == SUITE
"""False where somebody imported gRPC first: it then still speaks TLS 1.2."""

os.environ[VARIABLE] = SUITE


def require() -> None:
    """Raise RuntimeError unless the setting is in force."""
    if not IN_FORCE:
        raise RuntimeError(
            f"gRPC was imported before wire and would speak TLS 1.2: import wire first, or set {VARIABLE}={SUITE}"
        )
