"""The transparency log as agents may ask for it: sizes, hashes and signatures, and no entry."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from server.clock import Clock
from server.identity import Authority, require_caller
from server.journal import Caller
from server.journal.log import CheckpointRow, LogReader
from server.storage import Database
from transparency.keys import VerifierKey


class Transparency:
    """Answers any enrolled agent.

    Args:
        database: where the log is.
        reader: of the log.
        authority: certifies the log's key.
        clock: the time.
    """

    def __init__(self, database: Database, reader: LogReader, authority: Authority, clock: Clock) -> None:
        self._database = database
        self._reader = reader
        certificate = authority.issue_log_certificate(reader.verifier, clock())
        self.certificate_der = certificate.public_bytes(Encoding.DER)

    @property
    def verifier(self) -> VerifierKey:
        """The log's key."""
        return self._reader.verifier

    async def newest(self, caller: Caller, *, stamped: bool) -> CheckpointRow:
        """See ``LogReader.newest``; also raises CALLER_UNKNOWN."""

        def query(connection: Connection) -> CheckpointRow:
            require_caller(connection, caller)
            return self._reader.newest(connection, stamped=stamped)

        return await self._database.read(query)

    async def consistency(self, caller: Caller, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """See ``LogReader.consistency``; also raises CALLER_UNKNOWN."""

        def query(connection: Connection) -> tuple[bytes, ...]:
            require_caller(connection, caller)
            return self._reader.consistency(connection, old_size, new_size)

        return await self._database.read(query)

    async def receipt(self, caller: Caller, index: int) -> bytes:
        """See ``LogReader.receipt``; also raises CALLER_UNKNOWN."""

        def query(connection: Connection) -> bytes:
            require_caller(connection, caller)
            return self._reader.receipt(connection, index).to_bytes()

        return await self._database.read(query)
