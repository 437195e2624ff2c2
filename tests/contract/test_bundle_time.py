"""What a bundle shows of time: revocation of a certificate, age of its list, the log's time, time stamps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from contract.report import Outcome
from tests.contract.bundle_reports import Wrong, failed, names, undecided, wrong
from tests.contract.disclosure import LOGGED, Case, logged_at, simple_case, with_list
from tests.contract.tsa import TimeStampAuthority
from tests.contract.world import NOW, World


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, [failed("author-not-revoked", "CERTIFICATE_REVOKED")]),
        (0, [failed("author-not-revoked", "CERTIFICATE_REVOKED")]),
        (1, [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]),
        (60, [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]),
        (61, []),
    ],
)
def test_revoked_certificate(joint: World, seconds: int, expected: list[Wrong]) -> None:
    """Logged a minute after it was signed: revoked in between, a thief may have dated it back."""
    case = with_list(simple_case(joint), joint, NOW + timedelta(seconds=seconds))
    assert wrong(case.report().message) == expected


@pytest.mark.parametrize(("seconds", "outcome"), [(-29, Outcome.PASSED), (-30, Outcome.FAILED)])
def test_author_cannot_take_back_by_a_fast_clock(joint: World, seconds: int, outcome: Outcome) -> None:
    """Dated ahead of the log's time, and revoked in between: it was there before. Only a proven entry shows that."""
    case = with_list(logged_at(joint, NOW - timedelta(seconds=30)), joint, NOW + timedelta(seconds=seconds))
    assert case.report().outcome is outcome
    unproven = replace(case, trust=replace(case.trust, log_key=None)).report().message
    assert failed("author-not-revoked", "CERTIFICATE_REVOKED") in wrong(unproven)


@pytest.mark.parametrize(
    ("issued", "expected"),
    [(LOGGED, []), (LOGGED - timedelta(seconds=1), [undecided("author-not-revoked", "REVOCATION_LIST_OUTDATED")])],
)
def test_age_of_the_revocation_list(joint: World, issued: datetime, expected: list[Wrong]) -> None:
    """One from before it was logged does not know what happened until then."""
    builder = joint.authority.revocation_list(issued=issued, next_update=issued + timedelta(days=30))
    case = simple_case(joint)
    case = replace(case, bundle=replace(case.bundle, revocations=joint.authority.sign_list(builder)))
    assert wrong(case.report().message) == expected


def test_revocation_list_missing_or_of_another(joint: World) -> None:
    """Of somebody else it says nothing."""
    case = simple_case(joint)
    none = replace(case, bundle=replace(case.bundle, revocations=None))
    assert wrong(none.report().message) == [undecided("author-not-revoked", "REVOCATION_LIST_MISSING")]
    assert "revoked.crl" not in none.files()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> TimeStampAuthority:
    """One that the verifier trusts."""
    return TimeStampAuthority(tmp_path_factory.mktemp("tsa"))


def trusting(case: Case, *roots: TimeStampAuthority) -> Case:
    """The verifier knows these authorities for time stamps."""
    return replace(case, trust=replace(case.trust, time_stamps=tuple(each.root for each in roots)))


def stamped(case: Case, tsa: TimeStampAuthority) -> Case:
    """Now, which is after the time of all tests' statements; with a list that is newer."""
    response = tsa.stamp(case.bundle.message.receipt.checkpoint.to_bytes())
    return case.message(time_stamp=response)


def newer_list(case: Case, world: World, *revoked: tuple[x509.Certificate, datetime, None]) -> Case:
    """A list of tomorrow."""
    issued = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    builder = world.authority.revocation_list(*revoked, issued=issued, next_update=issued + timedelta(days=1))
    return replace(case, bundle=replace(case.bundle, revocations=world.authority.sign_list(builder)))


def test_time_stamp(joint: World, tsa: TimeStampAuthority, tmp_path: Path) -> None:
    """Good; of somebody whom we do not know; of another checkpoint; missing though we know somebody."""
    assert datetime.now(UTC) > LOGGED, "the stamp is made now"
    case = newer_list(stamped(simple_case(joint), tsa), joint)
    report = trusting(case, tsa).report()
    assert (wrong(report.message), report.outcome) == ([], Outcome.PASSED)
    assert "time-stamp" in names(report.message)
    assert wrong(case.report().message) == [undecided("time-stamp", "TRUST_MISSING")]
    other = TimeStampAuthority(tmp_path)
    assert wrong(trusting(case, other).report().message) == [failed("time-stamp", "TIME_STAMP_NOT_GENUINE")]
    elsewhere = case.message(time_stamp=tsa.stamp(b"another checkpoint"))
    assert wrong(trusting(elsewhere, tsa).report().message) == [failed("time-stamp", "TIME_STAMP_NOT_GENUINE")]
    none = trusting(case.message(time_stamp=None), tsa)
    assert wrong(none.report().message) == [undecided("time-stamp", "TIME_STAMP_MISSING")]


def test_time_stamp_from_before_the_log(joint: World, tsa: TimeStampAuthority) -> None:
    """Then the log's clock, or its word, is wrong."""
    late = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    case = trusting(newer_list(stamped(logged_at(joint, late), tsa), joint), tsa)
    assert wrong(case.report().message) == [failed("time-stamp", "STAMPED_BEFORE_LOGGED")]


def test_what_the_stamp_shows_counts_more_than_the_log(joint: World, tsa: TimeStampAuthority) -> None:
    """Revoked after it was logged, says the log; only the stamp would show it, and that came later."""
    certificate = joint.person("alice").sign.certificate
    case = newer_list(stamped(simple_case(joint), tsa), joint, (certificate, LOGGED + timedelta(seconds=1), None))
    assert wrong(trusting(case, tsa).report().message) == [undecided("author-not-revoked", "REVOKED_BEFORE_PROVEN")]
    assert wrong(case.report().message) == [undecided("time-stamp", "TRUST_MISSING")]
