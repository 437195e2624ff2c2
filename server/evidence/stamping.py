"""Time stamps of checkpoints, from an outside authority (RFC 3161): that so much was in the log by then.

The newest checkpoint is stamped when the log has grown and the last stamp is old enough. An authority that is down, or
answers with something else, is told of in the log, and asked again in the next round: the stamp that then comes covers
everything that had to wait. Nothing else waits for it.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import SplitResult, urlsplit

import structlog
from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from contract.time_stamp import MAX_TIME_STAMP_BYTES, verify_time_stamp
from mpc.errors import FoursealError
from server.clock import Clock
from server.errors import OperatorError
from server.journal.log import CheckpointRow, LogReader, put_time_stamp
from server.storage import Database, Threads

_TIMEOUT_SECONDS: Final = 10.0
_OK: Final = 200


class StampFailed(Exception):
    """The authority gave no time stamp that holds. Says why, for the operator."""


class StampAuthority:
    """An authority for time stamps.

    Args:
        url: http or https: what it answers is signed.
        roots: certificates that its own must lead to; at least one.

    Raises:
        OperatorError: the URL cannot be used.
    """

    def __init__(self, url: str, roots: Collection[x509.Certificate]) -> None:
        self._target = _checked_url(url)
        self._roots = roots

    def stamp(self, data: bytes) -> bytes:
        """TimeStampResp over SHA-256 of the data, DER, verified. Blocks for up to 10 seconds.

        Raises:
            StampFailed: it could not be asked, or what it answered does not hold.
        """
        builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes()
        answer = self._ask(request)
        try:
            verify_time_stamp(answer, data, self._roots)
        except FoursealError as error:
            raise StampFailed(str(error)) from None
        return answer

    def _ask(self, request: bytes) -> bytes:
        target = self._target
        path = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
        connection = self._connect()
        try:
            connection.request("POST", path, request, {"Content-Type": "application/timestamp-query"})
            response = connection.getresponse()  # follows no redirect
            answer = response.read(MAX_TIME_STAMP_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise StampFailed(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        if response.status != _OK:
            raise StampFailed(f"HTTP status {response.status}")
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "", self._target.port
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)


class Stamping:
    """Has checkpoints stamped.

    Args:
        database: where they are.
        reader: of the log.
        authority: that is asked; None: nothing is stamped.
        interval: from one stamp to the next, at least.
        files: threads that may block.
        clock: the time.
        log: where failures are told.
    """

    def __init__(
        self,
        database: Database,
        reader: LogReader,
        authority: StampAuthority | None,
        interval: timedelta,
        files: Threads,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._database = database
        self._reader = reader
        self._authority = authority
        self._interval = interval
        self._files = files
        self._clock = clock
        self._log = log
        self._cause = ""

    async def run(self) -> bool:
        """Have the newest checkpoint stamped if it is time; whether it was.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        if self._authority is None:
            return False
        newest, stamped = await self._database.read(self._reader.newest_two)
        if newest is None or not self._is_due(newest, stamped):
            return False
        try:
            token = await self._files.run(self._authority.stamp, newest.note)
        except StampFailed as error:
            if str(error) != self._cause:  # told once, not every minute
                self._cause = str(error)
                self._log.warning("time_stamp_failed", cause=self._cause)
            return False
        await self._database.write(partial(put_time_stamp, size=newest.size, token=token))
        self._cause = ""
        self._log.info("time_stamped", size=newest.size)
        return True

    def _is_due(self, newest: CheckpointRow, stamped: CheckpointRow | None) -> bool:
        if stamped is None:
            return True
        return newest.size > stamped.size and self._clock() - stamped.create_time >= self._interval


def _checked_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or not parts.hostname or parts.scheme not in {"https", "http"} or parts.username is not None:
        raise OperatorError("tsa_url cannot be used", "Give the http or https URL of an authority for time stamps.")
    return parts
