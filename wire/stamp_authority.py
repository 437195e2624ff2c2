"""Asking an outside authority for a time stamp (RFC 3161): over HTTP, one question, no redirects."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from contract.time_stamp import MAX_TIME_STAMP_BYTES, verify_time_stamp
from mpc.errors import FoursealError
from wire.catalogue import ServiceError

_TIMEOUT_SECONDS: Final = 10.0
_OK: Final = 200


class StampAuthority:
    """An authority for time stamps.

    Args:
        url: http or https: what it answers is signed.
        roots: certificates that its own must lead to; at least one.

    Raises:
        ValueError: the URL cannot be used.
    """

    def __init__(self, url: str, roots: Collection[x509.Certificate]) -> None:
        self._target = _checked_url(url)
        self._roots = roots

    def stamp(self, data: bytes) -> bytes:
        """TimeStampResp over SHA-256 of the data, DER, verified. Blocks for up to 10 seconds.

        Raises:
            ServiceError: TIME_STAMP_UNAVAILABLE: it could not be asked, or what it answered does not hold.
        """
        builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes()
        answer = self._ask(request)
        try:
            verify_time_stamp(answer, data, self._roots)
        except FoursealError as error:
            raise _unavailable(str(error)) from None
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
            raise _unavailable(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        if response.status != _OK:
            raise _unavailable(f"HTTP status {response.status}")
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "", self._target.port
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)


def _unavailable(cause: str) -> ServiceError:
    return ServiceError("TIME_STAMP_UNAVAILABLE", cause=cause)


def _checked_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or not parts.hostname or parts.scheme not in {"https", "http"} or parts.username is not None:
        raise ValueError("no http or https URL of an authority for time stamps")
    return parts
