"""Exports: what the server streams makes a file that holds offline, and shows what an operator took away."""

from __future__ import annotations

import sqlite3
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO

import pytest
import pytest_asyncio
from cryptography import x509
from fourseal.v1 import trusteeship_service_pb2 as pb
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from contract.bundle.checks import BundleTrust
from contract.certificate_parts import fingerprint
from contract.log_entry import EntryKind, LogEntry
from contract.report import Outcome
from contract.trusteeship.export_reading import read_export
from contract.trusteeship.grants import GrantAction
from contract.trusteeship.uses import RecordedUse, UseOutcome
from contract.trusteeship.verification import ExportReport, verify_export
from mpc.four_prime_rsa import Purpose
from server.journal import Caller
from server.journal.log import stage
from server.organisations import remove_administrator
from server.trusteeship import export
from server.trusteeship.store.uses import Wanted, _first_waiting
from signer_agent.trusteeship.export_file import write_export
from signer_agent.trusteeship.records import RecordFilter
from tests.server.harness import database_path, query
from tests.server.trusteeship.conftest import Company
from tests.server.trusteeship.people import Trustee, asked_of, reason_of
from wire.catalogue import ServiceError
from wire.peer import LOGIN_KEY
from wire.status import RemoteError
from wire.streams import under_way

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def exported(person: Trustee, chosen: RecordFilter, written: BytesIO) -> bytes:
    """The file that somebody's agent writes."""
    request = pb.ExportRecordsRequest(filter=chosen.to_proto())
    async with under_way(person.trust.ExportRecords(request, metadata=((LOGIN_KEY, person.token),))) as call:
        await write_export(call, chosen, written.write, lambda _, __: None)
    return written.getvalue()


async def verified(company: Company, chosen: RecordFilter) -> ExportReport:
    """What an auditor finds who knows the authority, and nothing else."""
    authority = x509.load_pem_x509_certificate(company.alice.client.identity.authority_pem)
    head, parts = read_export(BytesIO(await exported(company.alice, chosen, BytesIO())).read)
    return verify_export(head, parts, BundleTrust(authority))


async def test_what_is_exported_holds(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of the uses, over several pages; up to the first that is under way; by key, user and time."""
    monkeypatch.setattr(export, "_PAGE", 2)
    bob, alice, clock = company.bob, company.alice, company.clock
    key = RecordFilter("acme", company.signs.key_id)
    empty = await verified(company, key)
    assert (empty.outcome, empty.records) == (Outcome.PASSED, 0)

    grant = await company.granted()
    await bob.use(bob.using(grant))
    await reason_of(bob.begin_use(replace(bob.using(grant), key_id=company.decrypts.key_id)))  # of the other key
    narrow = await company.granted(document_kinds=("letter",))
    assert await reason_of(bob.begin_use(bob.using(narrow))) == "USE_REFUSED"
    begun = bob.using(grant)
    answer = await bob.begin_use(begun)
    await alice.order(alice.ordering(await bob.look(grant.grant_id), GrantAction.SUSPEND))
    assert await reason_of(bob.finish_use(bob.finishing(begun, answer))) == "USE_REFUSED"
    for person in (alice, company.carol):
        await person.order(person.ordering(await bob.look(grant.grant_id), GrantAction.APPROVE))
    clock.move(timedelta(minutes=1))
    middle = bob.now()
    await bob.use(bob.using(grant))
    ciphertext = bytes(384)
    opened = await company.granted(Purpose.DECRYPT)
    digest = sha256(ciphertext).digest()
    with pytest.raises(RemoteError):
        await bob.use(bob.using(opened, digest=digest), ciphertext)

    report = await verified(company, key)
    assert (report.outcome, report.findings) == (Outcome.PASSED, ())
    assert report.outcomes == {UseOutcome.DONE: 2, UseOutcome.REFUSED: 2}
    decrypts = await verified(company, RecordFilter("acme", company.decrypts.key_id))
    assert (decrypts.outcome, decrypts.outcomes) == (
        Outcome.PASSED,
        {UseOutcome.REFUSED: 1, UseOutcome.FAILED: 1},
    )
    for chosen, numbers in (
        (replace(key, user="bob"), (1, 4)),
        (replace(key, user="alice"), (0, 0)),
        (replace(key, begin=middle), (4, 4)),
        (replace(key, end=middle), (1, 3)),
    ):
        report = await verified(company, chosen)
        assert (report.outcome, (report.first, report.last)) == (Outcome.PASSED, numbers)

    waiting = bob.using(grant)
    answer = await bob.begin_use(waiting)
    await bob.use(bob.using(grant))
    assert (await verified(company, key)).last == 4
    await bob.finish_use(bob.finishing(waiting, answer))
    report = await verified(company, key)
    assert (report.outcome, report.last) == (Outcome.PASSED, 6)
    assert asked_of(grant).uses == 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def history(company: Company) -> None:
    """Some uses, whether or not the first test was run by this process."""
    bob, grant = company.bob, await company.granted()
    for _ in range(4):
        await bob.use(bob.using(grant))


@pytest.mark.usefixtures("history")
async def test_only_administrators_export(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else, not the users either; who is one no more gets no further page."""
    key = RecordFilter("acme", company.signs.key_id)
    for person, wrong, reason in (
        (company.mallory, key, "NOT_AN_ADMINISTRATOR"),
        (company.alice, replace(key, organisation="other"), "NOT_AN_ADMINISTRATOR"),
        (company.alice, replace(key, organisation=""), "FIELD_INVALID"),
        (company.alice, replace(key, key_id=""), "FIELD_INVALID"),
    ):
        written = BytesIO()
        assert await reason_of(exported(person, wrong, written)) == reason
        assert not written.getvalue()
    other = await verified(company, replace(key, key_id="orgkey-aaaaaaaaaaaaaaaa"))
    assert other.records == 0

    rules, carol = company.server._rules, company.carol
    caller = Caller("laptop-carol", fingerprint(x509.load_pem_x509_certificate(carol.client.identity.certificate_pem)))
    login = await rules.trusteeship.logins.read(carol.token, caller)
    monkeypatch.setattr(export, "_PAGE", 1)
    async with aclosing(rules.trusteeship.exports.pieces(login, Wanted("acme", company.signs.key_id))) as pieces:
        while not isinstance(await anext(pieces), export.ProvenRecord):
            pass
        change = partial(remove_administrator, organisation="acme", account="carol", now=company.clock())
        company.server._ground.database.write_now(change)
        with pytest.raises(ServiceError) as refusal:
            await anext(pieces)
    assert refusal.value.reason == "NOT_AN_ADMINISTRATOR"


@pytest.mark.usefixtures("history")
async def test_what_the_operator_exchanges_is_late(company: Company) -> None:
    """A record that the user signed, for one of the same request and number that users do not sign."""
    key, database = RecordFilter("acme", company.signs.key_id), company.server._ground.database
    company.clock.move(timedelta(minutes=21))
    ((index,),) = query(company.home, "SELECT log_index FROM trust_uses WHERE key_id = ? AND number = 1", key.key_id)
    ((entry,),) = query(company.home, "SELECT entry FROM log_entries WHERE log_index = ?", index)
    signed = RecordedUse.from_der(LogEntry.from_der(entry).body)
    record = replace(signed.record, outcome=UseOutcome.ABANDONED, detail="RECORD_NOT_SIGNED", result=b"")
    body = RecordedUse(signed.request, record, b"").to_der()

    def exchange(connection: Connection, index: int | None = None) -> None:
        index = stage(connection, EntryKind.USE, body, company.clock()).index if index is None else index
        connection.exec_driver_sql(
            "UPDATE trust_uses SET log_index = ? WHERE key_id = ? AND number = 1", (index, key.key_id)
        )

    database.write_now(exchange)
    report = await verified(company, key)
    assert [(each.number, each.reason) for each in report.findings] == [(1, "LOGGED_LATE")]
    database.write_now(partial(exchange, index=index))
    assert (await verified(company, key)).outcome is Outcome.PASSED


async def test_what_is_under_way_is_found_by_its_index(company: Company) -> None:
    """However many records the key has."""
    sql = str(_first_waiting("k").compile(dialect=sqlite.dialect()))
    with closing(sqlite3.connect(database_path(company.home))) as connection:
        (step,) = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
    assert "ix_trust_uses_open" in step[-1]


@pytest.mark.usefixtures("history")
async def test_what_the_operator_removes_is_missed(company: Company) -> None:
    """A record of the database; all that stood between it and the others proves that."""
    key = RecordFilter("acme", company.signs.key_id)
    before = (await verified(company, key)).records
    with closing(sqlite3.connect(database_path(company.home))) as connection, connection:
        removed = connection.execute("DELETE FROM trust_uses WHERE key_id = ? AND number = 3", [key.key_id])
        assert removed.rowcount == 1
    report = await verified(company, key)
    assert [(each.number, each.last, each.reason) for each in report.findings] == [(3, 3, "RECORD_MISSING")]
    assert (report.outcome, report.missing, report.records) == (Outcome.FAILED, 1, before - 1)
    report = await verified(company, replace(key, user="bob"))
    assert [each.reason for each in report.findings] == ["RECORD_OF_USER_MISSING"]
