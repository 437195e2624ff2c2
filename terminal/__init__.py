"""The terminal: the program that wants a transaction, and brings what a signing device confirmed to the back end.

::

    from terminal import Home, Terminal

    async with Terminal.open(Home.find()) as terminal:
        kept = await terminal.prepare("alice", [Transfer("alice", "bob", Amount.parse("12.50", "EUR"))])
        await terminal.propose(kept.transaction_id)
        await terminal.present(kept.transaction_id, device)     # its Unix socket
        await terminal.sign(kept.transaction_id)
        done = await terminal.confirm(kept.transaction_id, typed)

Each step may be repeated, also by another process after a crash: nothing is done twice. Nothing here is trusted by
device or back end, and it holds no key but its own for TLS.
"""

import wire.cipher_suites  # noqa: F401  # before anything imports gRPC
from terminal.home import Home
from terminal.store import Kept
from terminal.terminal import Terminal

__all__ = ["Home", "Kept", "Terminal"]
