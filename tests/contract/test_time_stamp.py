"""Time stamps of OpenSSL's authority: good for what was stamped, by whom we trust, and nothing else."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rfc3161_client import decode_timestamp_response

from contract import time_stamp
from contract.time_stamp import time_of_stamp, verify_time_stamp
from mpc.errors import FoursealError
from tests.contract.refusals import unverified
from tests.contract.tsa import TimeStampAuthority
from tests.mpc.refusals import malformed


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> TimeStampAuthority:
    """One that is trusted."""
    return TimeStampAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamp(tsa: TimeStampAuthority) -> bytes:
    """Of some data."""
    return tsa.stamp(b"data")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_good_stamp(tsa: TimeStampAuthority, digest: str) -> None:
    """States the present time."""
    now = datetime.now(UTC)
    time = verify_time_stamp(tsa.stamp(b"data", digest), b"data", [tsa.root])
    assert abs(time - now) < timedelta(minutes=1)
    assert time.tzinfo is UTC


def test_weak_digest(tsa: TimeStampAuthority) -> None:
    """SHA-1 proves nothing."""
    with unverified("TIME_STAMP_NOT_GENUINE"):
        verify_time_stamp(tsa.stamp(b"data", "sha1"), b"data", [tsa.root])


def test_other_data(tsa: TimeStampAuthority, stamp: bytes) -> None:
    """Than what was stamped."""
    assert time_of_stamp(stamp) == verify_time_stamp(stamp, b"data", [tsa.root])
    with unverified("TIME_STAMP_NOT_GENUINE"):
        verify_time_stamp(stamp, b"Data", [tsa.root])


def test_somebody_elses(tsa: TimeStampAuthority, stamp: bytes, tmp_path: Path) -> None:
    """An authority that we do not trust; with more than one that we do, any is good."""
    other = TimeStampAuthority(tmp_path)
    for response, roots in ((stamp, [other.root]), (other.stamp(b"data"), [tsa.root])):
        with unverified("TIME_STAMP_NOT_GENUINE"):
            verify_time_stamp(response, b"data", roots)
    assert verify_time_stamp(stamp, b"data", [other.root, tsa.root]) == time_of_stamp(stamp)


@pytest.mark.parametrize("wrong", [b"", b"\x30\x00", b"garbage", bytes(70_000)])
def test_garbage(tsa: TimeStampAuthority, wrong: bytes) -> None:
    """Refused, whatever it is."""
    with malformed("TIME_STAMP_MALFORMED"):
        time_of_stamp(wrong)
    with malformed("TIME_STAMP_MALFORMED"):
        verify_time_stamp(wrong, b"data", [tsa.root])


def test_what_was_read_is_compared_with_what_was_given(stamp: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder refuses what is not DER by itself; this holds whatever it lets pass one day."""
    read = decode_timestamp_response(stamp)
    monkeypatch.setattr(time_stamp, "decode_timestamp_response", lambda _: read)
    assert time_of_stamp(stamp).year > 2000
    with malformed("TIME_STAMP_MALFORMED"):
        time_of_stamp(stamp + b"\x00")


def test_refused_response(tsa: TimeStampAuthority) -> None:
    """The authority's refusal is a response without a time stamp."""
    refusal = bytes.fromhex("30053003020102")
    with malformed("TIME_STAMP_MALFORMED"):
        time_of_stamp(refusal)
    with unverified("TIME_STAMP_NOT_GENUINE"):
        verify_time_stamp(refusal, b"data", [tsa.root])


def test_flipped_bits_and_cuts(tsa: TimeStampAuthority, stamp: bytes) -> None:
    """Nothing but our own errors, and never another time or other data."""
    time, chance = time_of_stamp(stamp), random.Random(1)  # noqa: S311  # no secret
    for bit in chance.sample(range(8 * len(stamp)), 1500):
        changed = bytearray(stamp)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert verify_time_stamp(bytes(changed), b"data", [tsa.root]) == time
        except FoursealError:
            continue
    for length in range(0, len(stamp), 7):
        with pytest.raises(FoursealError):
            verify_time_stamp(stamp[:length], b"data", [tsa.root])
