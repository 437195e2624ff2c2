"""Logins to the token: one at a time over all processes of a server, and none with a PIN that was refused.

Tokens lock after a few wrong PINs. Every worker is a login, every server process has some, and a supervisor starts
processes again: a PIN that became wrong would be tried by all of them. So whoever is refused leaves a note of it in the
server's folder, sealed: it tells of a PIN whether it was this one, to who has the master key, and nothing else. The
kernel gives the lock back when its holder ends.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from server.custody.pkcs11.process import PinWrong, TokenAddress, Worker
from server.custody.sealing import Context, SealBroken, Sealer
from server.storage.file_lock import FileLock


class Logins:
    """Starts workers.

    Args:
        lock_path: file of the lock.
        refused_path: file of the note.
        sealer: seals it.
    """

    def __init__(self, lock_path: Path, refused_path: Path, sealer: Sealer) -> None:
        self._lock_path = lock_path
        self._refused_path = refused_path
        self._sealer = sealer

    def start(self, address: TokenAddress) -> Worker:
        """A worker that is logged in.

        Raises:
            PinWrong: the token does not take the PIN, or did not when it was last tried.
            WorkerLost: there is no such token now.
        """
        with FileLock(self._lock_path) as lock, lock.held():
            if self._was_refused(address):
                raise PinWrong(f"it was refused before; if it is right now, remove {self._refused_path}")
            try:
                worker = Worker(address)
            except PinWrong:
                self._refused_path.write_bytes(self._sealer.seal(_context(address), b""))
                raise
            self._refused_path.unlink(missing_ok=True)
            return worker

    def _was_refused(self, address: TokenAddress) -> bool:
        try:
            self._sealer.open(_context(address), self._refused_path.read_bytes())
        except (FileNotFoundError, SealBroken):  # of another PIN, or of another token
            return False
        return True


def _context(address: TokenAddress) -> Context:
    facts = (address.module.encode(), address.token.encode(), sha256(address.pin.encode()).digest())
    return Context("refused-pin", "", facts)
