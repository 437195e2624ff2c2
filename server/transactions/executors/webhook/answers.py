"""What a receiver's answer makes of an order, and how long it is waited for the next one.

An answer of success says that it is done. One of refusal says that nothing of it was done, or will be: never one that
a proxy or a wrong setting may give, for the answer to an earlier attempt may have been lost, and it was done.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from mpc.engines import Random
from server.transactions.executors.interface import Done, Impossible, Later, Outcome
from wire.http_post import HttpAnswer

FIRST_WAIT: Final = timedelta(seconds=2)
MAX_WAIT: Final = timedelta(hours=1)
"""Longest, whatever a receiver asks for."""

_DOUBLINGS: Final = 12  # then it is the longest, long since
_RANDOM_BYTES: Final = 4
_REFERENCE: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_CLIENT_ERROR: Final = 4
_NOT_OF_THE_TRANSACTION: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Client errors that say something about the way, the keys or the time."""


def judge_answer(answer: HttpAnswer, key: str, attempt: int, random: Random, now: datetime) -> Outcome:
    """What a receiver's answer makes of an order.

    Args:
        answer: the receiver's.
        key: the order's.
        attempt: how often it was tried before, from 0.
        random: randomness.
        now: the present time.
    """
    if answer.is_success:
        return Done(_reference(answer.content) or key)
    cause = f"WEBHOOK_STATUS_{answer.status}"
    if answer.status // 100 == _CLIENT_ERROR and answer.status not in _NOT_OF_THE_TRANSACTION:
        return Impossible(cause)
    asked = _retry_after(answer.headers.get("retry-after", ""), now)
    return Later(min(max(wait_before(attempt, random), asked), MAX_WAIT), cause)


def wait_before(attempt: int, random: Random) -> timedelta:
    """How long to wait after an attempt: two seconds, and twice as long each time, up to an hour. Half to all of it.

    At random, so that what was put off at one time does not come back at one time.
    """
    whole = min(FIRST_WAIT * (1 << min(attempt, _DOUBLINGS)), MAX_WAIT)
    part = int.from_bytes(random(_RANDOM_BYTES)) / (1 << 8 * _RANDOM_BYTES)
    return whole * (1 + part) / 2


def _reference(content: bytes) -> str | None:
    """The receiver's name for what it did, if it gave one that can be printed."""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return None
    reference = read.get("reference") if isinstance(read, dict) else None
    fits = isinstance(reference, str) and _REFERENCE.fullmatch(reference)
    return reference if fits else None


def _retry_after(text: str, now: datetime) -> timedelta:
    """Seconds, or a date of HTTP (RFC 9110, 10.2.3); nothing where it is neither."""
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta(0)
    return time.replace(tzinfo=time.tzinfo or UTC) - now
