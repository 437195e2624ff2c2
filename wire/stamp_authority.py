"""Asking an outside authority for a time stamp (RFC 3161): over HTTP, one question, no redirects."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from contract.time_stamp import MAX_TIME_STAMP_BYTES, verify_time_stamp
from mpc.errors import FoursealError
from wire.catalogue import ServiceError
from wire.http_post import HttpTarget, NotAnswered

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
        self._target = HttpTarget(url, anywhere=True, seconds=_TIMEOUT_SECONDS, most_bytes=MAX_TIME_STAMP_BYTES + 1)
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
        try:
            answer = self._target.post_now(request, {"Content-Type": "application/timestamp-query"})
        except NotAnswered as error:
            raise _unavailable(str(error)) from None
        if answer.status != _OK:
            raise _unavailable(f"HTTP status {answer.status}")
        return answer.content


def _unavailable(cause: str) -> ServiceError:
    return ServiceError("TIME_STAMP_UNAVAILABLE", cause=cause)
