"""What the server shows and what does not hold: its fault, whatever kind of error says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from contract.errors import VerificationFailed
from mpc.errors import MalformedInput, PeerMisbehaved, WrongPurpose
from mpc.four_prime_rsa import Role
from transparency.errors import NotProven


@contextmanager
def blaming_server() -> Iterator[None]:
    """Turn errors about values of the block, which all come from the server, into PeerMisbehaved with their reason."""
    try:
        yield
    except (MalformedInput, VerificationFailed, WrongPurpose, NotProven, PeerMisbehaved) as error:
        raise PeerMisbehaved(error.reason, str(error), **{**error.metadata, "culprit": Role.SERVER}) from error


def server_lied(reason: str, problem: str) -> PeerMisbehaved:
    """The server contradicts what is proved. ``problem`` says how."""
    return PeerMisbehaved(reason, problem, culprit=Role.SERVER, problem=problem)


def answer_malformed(problem: str) -> PeerMisbehaved:
    """The server's answer does not have the form it must have. ``problem`` says what, without its values."""
    return PeerMisbehaved(
        "ANSWER_MALFORMED", f"the server's answer is malformed: {problem}", culprit=Role.SERVER, problem=problem
    )


def answered_time(shown: Timestamp) -> datetime:
    """A time that the server shows, UTC. Raises PeerMisbehaved (ANSWER_MALFORMED); the culprit is the server."""
    try:
        return shown.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise answer_malformed("a time of it is none") from error
