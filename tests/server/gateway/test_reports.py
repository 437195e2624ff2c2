"""What the guard is told later: bounded, for each agent by itself, and not for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from contract.announcements.announcement import MAX_DELAY
from contract.oids import DEFAULT_ARC
from server.gateway.guard_line import _MOST_WAITING_OF_AGENT, GuardLine, ReportResult
from server.gateway.store.reports import Reported, list_reports, trim_reports
from server.metrics import EventLog, Metrics
from server.storage import Database
from tests.server.harness import MovableClock, silent_log
from tests.server.relay.media import identity_of
from wire.status import RemoteError


async def test_bounds(own_database: Database) -> None:
    """Whoever floods while the guard is away is refused itself, and pushes out nobody; what is too old goes."""
    clock, authority = MovableClock(), identity_of("alice").authority_pem
    certificate, alice = x509.load_pem_x509_certificate(authority), identity_of("alice")
    pair, log = (alice.key_pem, alice.certificate_pem), EventLog(silent_log(), Metrics(), "gateway")
    line = GuardLine("127.0.0.1:1", certificate, authority, DEFAULT_ARC, lambda: pair, own_database, clock, log)

    def told_later() -> list[str]:
        found = own_database.read_now(lambda each: list_reports(each, 10 * _MOST_WAITING_OF_AGENT))
        return [each.agent for each in found.values()]

    async def report(agent: str, count: int) -> list[ReportResult]:
        return await line.report([Reported(b"none", agent, clock())] * count)

    assert await report("alice", 1) == []
    for _ in range(_MOST_WAITING_OF_AGENT // 100):
        assert await report("mallory", 100) == []
    refused = ReportResult("TOO_MANY_ANNOUNCEMENTS", "")
    assert await report("mallory", 2) == [refused] * 2
    assert await report("alice", 1) == []
    kept = told_later()
    assert (kept.count("alice"), kept.count("mallory")) == (2, _MOST_WAITING_OF_AGENT)

    since = clock() - MAX_DELAY
    assert own_database.write_now(lambda each: trim_reports(each, since, 3)) == _MOST_WAITING_OF_AGENT - 1
    assert told_later() == ["mallory", "mallory", "alice"]
    clock.move(MAX_DELAY + timedelta(seconds=1))
    assert await report("carol", 1) == []
    with pytest.raises(RemoteError):
        await line._tell_later()
    await line.close()
    assert told_later() == ["carol"]
