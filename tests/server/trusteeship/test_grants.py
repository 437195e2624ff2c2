"""Grants: who may ask for what, who decides, and what nobody can do to them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from fourseal.v1 import key_service_pb2
from fourseal.v1 import trusteeship_service_pb2 as pb
from fourseal.v1.statement_pb2 import StatementSignature
from sqlalchemy import Connection

from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.grants import GrantAction
from mpc.four_prime_rsa import Purpose
from server.identity import RevocationReason, find_certificate, revoke_single_certificate
from server.organisations import add_administrator, remove_administrator, set_approvals
from server.storage.tables import microseconds
from server.trusteeship.grants import GRANTS_PER_DAY
from server.trusteeship.states import MOST_ROUNDS
from tests.server.harness import call, query
from tests.server.trusteeship.conftest import Company, change, meanwhile
from tests.server.trusteeship.people import certify, reason_of
from wire.ids import new_request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

APPROVE, REFUSE, SUSPEND, REVOKE = (
    GrantAction.APPROVE,
    GrantAction.REFUSE,
    GrantAction.SUSPEND,
    GrantAction.REVOKE,
)


async def test_two_approve_and_each_word_is_signed(company: Company) -> None:
    """From the request to its revocation; all of it in the log, signed by keys in personal certificates."""
    alice, bob, carol = company.alice, company.bob, company.carol
    shown = await bob.call(bob.trust.GetOrganisation, pb.GetOrganisationRequest(organisation="acme"))
    assert (shown.approvals, list(shown.administrators)) == (2, ["alice", "bob", "carol"])
    assert {key.key_id for key in shown.keys} == {company.signs.key_id, company.decrypts.key_id}
    nowhere = pb.GetOrganisationRequest(organisation="nowhere")
    assert await reason_of(bob.call(bob.trust.GetOrganisation, nowhere)) == "ORGANISATION_NOT_FOUND"

    asked = bob.asking(company.signs)
    repeated = {"request_id": new_request_id(), "signature": bob.signature(asked.to_der())}
    grant = await bob.ask(asked, **repeated)
    assert await bob.ask(asked, **repeated) == grant
    assert (grant.state, grant.round, grant.used) == (pb.GRANT_STATE_REQUESTED, 1, 0)
    JointStatement.from_der(grant.request_der).check(bob.known.key.joint_key.to_cryptography())
    grant = await alice.order(alice.ordering(grant, APPROVE))
    assert grant.state == pb.GRANT_STATE_REQUESTED
    grant = await carol.order(carol.ordering(grant, APPROVE))
    assert grant.state == pb.GRANT_STATE_ACTIVE
    grant = await carol.order(carol.ordering(grant, SUSPEND))
    assert (grant.state, grant.round) == (pb.GRANT_STATE_SUSPENDED, 2)
    assert (await alice.order(alice.ordering(grant, APPROVE))).state == pb.GRANT_STATE_SUSPENDED
    assert (await carol.order(carol.ordering(grant, APPROVE))).state == pb.GRANT_STATE_ACTIVE
    grant = await alice.order(alice.ordering(grant, REVOKE))
    assert grant.state == pb.GRANT_STATE_REVOKED
    for signer, order in zip((alice, carol, carol, alice, carol, alice), grant.orders_der, strict=True):
        JointStatement.from_der(order).check(signer.known.key.joint_key.to_cryptography())
    assert await bob.look(grant.grant_id) == grant

    entries = [LogEntry.from_der(row[0]) for row in query(company.home, "SELECT entry FROM log_entries")]
    bodies = [entry.body for entry in entries if entry.kind is EntryKind.GRANT]
    assert bodies[-7:] == [grant.request_der, *grant.orders_der]


async def test_requests_that_do_not_fit(company: Company) -> None:
    """Another's certificate or name, another key, what the policy does not say, and what was asked for before."""
    bob, mallory = company.bob, company.mallory
    good = bob.asking(company.signs)
    wrong = "GRANT_REQUEST_WRONG"
    cases = {
        "PERSONAL_CERTIFICATE_WRONG": [
            replace(good, user="alice"),
            replace(good, user_certificate=mallory.known.certificate),
            replace(good, user_certificate=company.signs.certificate),
        ],
        "ORGANISATION_NOT_FOUND": [replace(good, organisation="nowhere")],
        wrong: [
            replace(good, key_id=company.decrypts.key_id),
            replace(good, key_certificate=company.decrypts.certificate),
            replace(good, key_certificate=secrets.token_bytes(32)),
            replace(good, purpose=Purpose.DECRYPT),
            replace(good, approvals=1),
            replace(good, begin=good.begin - timedelta(days=2), end=good.begin),
            replace(good, end=good.end + timedelta(days=5 * 366)),
        ],
    }
    for reason, requests in cases.items():
        for asked in requests:
            assert await reason_of(bob.ask(asked)) == reason, asked
    grant = await bob.ask(good)
    assert await reason_of(bob.ask(good)) == wrong
    malformed = bob.ask(good, statement_der=good.to_der()[:-1], signature=bob.signature(good.to_der()))
    assert await reason_of(malformed) == "TRUST_STATEMENT_MALFORMED"

    seen = pb.GetGrantRequest(grant_id=grant.grant_id)
    assert await reason_of(mallory.call(mallory.trust.GetGrant, seen)) == "GRANT_NOT_FOUND"
    own = await mallory.call(mallory.trust.ListGrants, pb.ListGrantsRequest())
    assert not own.grants
    for organisation in ("acme", "nowhere"):
        others = mallory.call(mallory.trust.ListGrants, pb.ListGrantsRequest(organisation=organisation))
        assert await reason_of(others) == "NOT_AN_ADMINISTRATOR"


async def test_signatures_that_are_not_the_signers(company: Company) -> None:
    """A partial by another key, of another statement, or with another account's login: nothing is kept."""
    bob, mallory = company.bob, company.mallory
    asked = bob.asking(company.signs)
    der, before = asked.to_der(), query(company.home, "SELECT count(*) FROM trust_grants")
    good = bob.signature(der)
    spoilt = StatementSignature()
    spoilt.CopyFrom(good)
    spoilt.client_partial = bytes([good.client_partial[0] & 1]) + good.client_partial[1:-1] + b"\0"
    other = await bob.client.generate()
    theirs = await asyncio.to_thread(certify, company.server, "mallory", other, company.clock())  # at the same agent
    attempts = {
        "PARTIAL_SIGNATURE_INVALID": [spoilt, bob.signature(der + b"\0")],
        "KEY_NOT_FOUND": [mallory.signature(der)],
        "PERSONAL_CERTIFICATE_WRONG": [bob.signature(der, other)],
        "SALT_LENGTH_WRONG": [StatementSignature(key_id=good.key_id, client_partial=good.client_partial)],
    }
    for reason, signatures in attempts.items():
        for signature in signatures:
            assert await reason_of(bob.ask(asked, signature=signature)) == reason
    assert await reason_of(mallory.ask(asked, signature=good)) == "PERSONAL_CERTIFICATE_WRONG"
    forged = replace(asked, user_certificate=theirs)
    signature = bob.signature(forged.to_der(), other)
    assert await reason_of(bob.ask(forged, signature=signature)) == "PERSONAL_CERTIFICATE_WRONG"
    assert query(company.home, "SELECT count(*) FROM trust_grants") == before


async def test_orders_that_nobody_may_give(company: Company) -> None:
    """By a stranger, about one's own, twice, of another round, late, impossible: and the grant is as it was."""
    alice, bob, carol, mallory = company.alice, company.bob, company.carol, company.mallory
    grant = await bob.ask(bob.asking(company.signs))
    first = alice.ordering(grant, APPROVE)
    assert await reason_of(mallory.order(mallory.ordering(grant, APPROVE))) == "NOT_AN_ADMINISTRATOR"
    assert await reason_of(bob.order(bob.ordering(grant, APPROVE))) == "OWN_GRANT"
    assert await reason_of(bob.order(bob.ordering(grant, REVOKE))) == "OWN_GRANT"
    late = replace(first, time=first.time - timedelta(minutes=5))
    assert await reason_of(alice.order(late)) == "STATEMENT_TIME_OFF"
    assert await reason_of(alice.order(replace(first, grant=secrets.token_bytes(32)))) == "GRANT_NOT_FOUND"
    assert await reason_of(alice.order(alice.ordering(grant, SUSPEND))) == "GRANT_ORDER_WRONG"
    await alice.order(first)
    for again in (first, alice.ordering(grant, REFUSE, reason="on second thoughts")):
        assert await reason_of(alice.order(again)) == "GRANT_ORDER_WRONG"
    assert (await bob.look(grant.grant_id)).state == pb.GRANT_STATE_REQUESTED

    kept = carol.ordering(grant, APPROVE)
    kept_signature = carol.signature(kept.to_der())
    grant = await carol.order(kept)
    grant = await alice.order(alice.ordering(grant, SUSPEND))
    assert await reason_of(carol.order(kept, signature=kept_signature)) == "GRANT_ORDER_WRONG"  # of the round before
    grant = await alice.order(alice.ordering(grant, REVOKE))
    for action in GrantAction:
        assert await reason_of(alice.order(alice.ordering(grant, action))) == "GRANT_ORDER_WRONG"
    assert len((await bob.look(grant.grant_id)).orders_der) == 4

    refused = await bob.ask(bob.asking(company.signs))
    assert (await carol.order(carol.ordering(refused, REFUSE))).state == pb.GRANT_STATE_REFUSED  # two were needed


async def test_who_administers_no_more_decides_nothing_more(company: Company) -> None:
    """Nor who cannot log in, also by an earlier order; a stricter policy needs new requests; 16 rounds are enough."""
    alice, bob, carol, mallory = company.alice, company.bob, company.carol, company.mallory
    database, now = company.server._ground.database, company.clock()
    grant = await bob.ask(bob.asking(company.signs))
    await carol.order(carol.ordering(grant, APPROVE))
    await database.write(lambda connection: remove_administrator(connection, "acme", "carol", now))
    try:
        assert await reason_of(carol.order(carol.ordering(grant, REVOKE))) == "NOT_AN_ADMINISTRATOR"
        assert await reason_of(carol.look(grant.grant_id)) == "GRANT_NOT_FOUND"
        assert (await alice.order(alice.ordering(grant, APPROVE))).state == pb.GRANT_STATE_REQUESTED
    finally:
        await database.write(lambda connection: add_administrator(connection, "acme", "carol", now))
    disabled = await bob.ask(bob.asking(company.signs))
    await carol.order(carol.ordering(disabled, APPROVE))  # or whoever had her account
    state = "UPDATE accounts SET state = ? WHERE name = 'carol'"
    await database.write(lambda connection: connection.exec_driver_sql(state, ("disabled",)))
    try:
        assert (await alice.order(alice.ordering(disabled, APPROVE))).state == pb.GRANT_STATE_REQUESTED
    finally:
        await database.write(lambda connection: connection.exec_driver_sql(state, ("active",)))
    events = query(company.home, "SELECT event, detail FROM account_events WHERE account = 'organisation acme'")
    assert events[-2:] == [("administrator_removed", "carol"), ("administrator_added", "carol")]

    await database.write(lambda connection: add_administrator(connection, "acme", "mallory", now))
    await database.write(lambda connection: set_approvals(connection, "acme", 3, now))
    try:
        assert await reason_of(mallory.order(mallory.ordering(grant, APPROVE))) == "GRANT_ORDER_WRONG"
    finally:
        await database.write(lambda connection: set_approvals(connection, "acme", 1, now))
    await database.write(lambda connection: remove_administrator(connection, "acme", "mallory", now))

    grant = await bob.ask(bob.asking(company.signs, approvals=1))
    for _ in range(MOST_ROUNDS):
        grant = await alice.order(alice.ordering(grant, APPROVE))
        grant = await alice.order(alice.ordering(grant, SUSPEND))
    assert await reason_of(alice.order(alice.ordering(grant, APPROVE))) == "GRANT_ORDER_WRONG"
    await database.write(lambda connection: set_approvals(connection, "acme", 2, now))


async def test_an_account_asks_for_so_many_a_day(company: Company) -> None:
    """And for more on the next."""
    carol, now = company.carol, microseconds(company.clock())
    for number in range(GRANTS_PER_DAY):
        named = "grant_id, digest, create_time, organisation, user, request, state, round, used, refused, log_index"
        others = "'other', 'carol', x'', 'refused', 1, 0, 0, 0"
        sql = f"INSERT INTO trust_grants ({named}) VALUES (?, ?, ?, {others})"  # noqa: S608  # from above
        change(company.home, sql, f"grant-{number}", secrets.token_bytes(32), now)
    assert await reason_of(carol.ask(carol.asking(company.signs))) == "TOO_MANY_GRANTS"
    day = microseconds(company.clock() - timedelta(days=1))
    change(company.home, "UPDATE trust_grants SET create_time = ? WHERE grant_id = 'grant-0'", day)
    await carol.ask(carol.asking(company.signs))
    change(company.home, "DELETE FROM trust_grants WHERE organisation = 'other'")


async def test_pages(company: Company) -> None:
    """Every grant once, oldest first, to its user and to administrators."""
    alice, bob = company.alice, company.bob
    for person, organisation, column in ((bob, "", "user = 'bob'"), (alice, "acme", "organisation = 'acme'")):
        sql = f"SELECT grant_id FROM trust_grants WHERE {column} ORDER BY create_time, grant_id"  # noqa: S608
        found, token = list[str](), ""
        while True:
            request = pb.ListGrantsRequest(organisation=organisation, page_size=2, page_token=token)
            page = await person.call(person.trust.ListGrants, request)
            found += [grant.grant_id for grant in page.grants]
            token = page.next_page_token
            if not token:
                break
        assert found == [row[0] for row in query(company.home, sql)]


async def test_a_revoked_certificate_signs_nothing_more(company: Company) -> None:
    """Not even what is under way: the signature is asked for before, and would take effect in a transaction after."""
    bob, now, wrong = company.bob, company.clock(), "PERSONAL_CERTIFICATE_WRONG"
    key = await bob.client.generate()
    fingerprint = await asyncio.to_thread(certify, company.server, "bob", key, now)
    asked = bob.asking(company.signs, user_certificate=fingerprint)
    await bob.ask(asked, signature=bob.signature(asked.to_der(), key))
    named = {"key_id": key.key_id}
    disable = key_service_pb2.DisableKeyRequest(request_id=new_request_id(), **named)
    await call(bob.client.keys.DisableKey, disable)
    asked = bob.asking(company.signs, user_certificate=fingerprint)
    assert await reason_of(bob.ask(asked, signature=bob.signature(asked.to_der(), key))) == "KEY_DISABLED"
    await call(bob.client.keys.EnableKey, key_service_pb2.EnableKeyRequest(request_id=new_request_id(), **named))

    def revoke(connection: Connection) -> None:
        issued = find_certificate(connection, fingerprint)
        assert issued is not None
        revoke_single_certificate(connection, issued, now, RevocationReason.KEY_COMPROMISE, None)

    database, before = company.server._ground.database, query(company.home, "SELECT count(*) FROM trust_grants")
    for act in (lambda: database.write_now(revoke), lambda: None):
        asked = bob.asking(company.signs, user_certificate=fingerprint)
        with meanwhile(company, act):
            assert await reason_of(bob.ask(asked, signature=bob.signature(asked.to_der(), key))) == wrong
    assert query(company.home, "SELECT count(*) FROM trust_grants") == before


async def test_who_is_shut_out_while_signing_effects_nothing(company: Company) -> None:
    """Between the two transactions of an order its administrator is removed, or its login ends."""
    bob, carol, now = company.bob, company.carol, company.clock()
    database, grant = company.server._ground.database, await company.bob.ask(company.bob.asking(company.signs))

    def remove() -> None:
        database.write_now(lambda connection: remove_administrator(connection, "acme", "carol", now))

    def log_out() -> None:
        change(company.home, "DELETE FROM logins WHERE account = 'carol'")

    with meanwhile(company, remove):
        assert await reason_of(carol.order(carol.ordering(grant, REVOKE))) == "NOT_AN_ADMINISTRATOR"
    await database.write(lambda connection: add_administrator(connection, "acme", "carol", now))
    with meanwhile(company, log_out):
        assert await reason_of(carol.order(carol.ordering(grant, REVOKE))) == "LOGIN_REQUIRED"
    assert await bob.look(grant.grant_id) == grant
