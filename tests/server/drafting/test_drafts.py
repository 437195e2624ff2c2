"""The writing: one pen, versions one after the other, and what becomes of confirmations."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256

import pytest
from fourseal.v1 import drafting_service_pb2 as pb

from server.drafting.terms import CONTRACTS_PER_DAY, MAX_FILE_BYTES
from tests.server.drafting.conftest import Table, revoke
from tests.server.drafting.people import TEXT, digest_of, locked, party_of, plain
from tests.server.harness import query
from tests.server.trusteeship.conftest import change
from tests.server.trusteeship.people import certify, reason_of
from wire.ids import new_request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRAFTING, LOCKED = pb.CONTRACT_STATE_DRAFTING, pb.CONTRACT_STATE_LOCKED
STATE = "CONTRACT_STATE_WRONG"


async def test_versions_are_written_in_turns(table: Table) -> None:
    """With author, time and digests; and each file as it came."""
    alice, bob = table.alice, table.bob
    repeated = {"request_id": new_request_id()}
    contract = await alice.create("bob", **repeated)
    assert await alice.create("bob", **repeated) == contract
    summary = contract.summary
    assert (summary.state, summary.pen_holder, list(summary.accounts)) == (DRAFTING, "alice", ["alice", "bob"])
    contract = await alice.edit(contract, TEXT + "\nThe deposit is 100 euros.")
    contract = await alice.give_pen(contract, "bob")
    text = TEXT + "\nThe deposit is 90 euros."
    again = {"request_id": new_request_id(), "based_on": 2}
    contract = await bob.edit(contract, text, **again)
    assert await bob.edit(contract, text, **again) == contract
    assert [(each.number, each.based_on, each.author) for each in contract.versions] == [
        (1, 0, "alice"),
        (2, 1, "alice"),
        (3, 2, "bob"),
    ]
    assert contract.versions[2].text_digest == digest_of(text)
    assert contract.versions[2].sha256 == sha256(text.encode()).digest()
    for person in (alice, bob):
        for number, last in ((3, text), (0, text), (1, TEXT)):
            asked = pb.GetVersionRequest(contract_id=summary.contract_id, number=number)
            got = await person.call(person.drafting.GetVersion, asked)
            assert got.content == last.encode()
            assert got.version == contract.versions[number - 1]
    missing = pb.GetVersionRequest(contract_id=summary.contract_id, number=4)
    assert await reason_of(bob.call(bob.drafting.GetVersion, missing)) == "DRAFT_VERSION_NOT_FOUND"


async def test_nobody_else_learns_of_a_contract(table: Table) -> None:
    """Every call of somebody who is no party is answered as if there were none."""
    mallory = table.mallory
    contract = await locked((table.alice, table.bob))
    nothing = pb.Contract()
    nothing.CopyFrom(contract)
    nothing.summary.contract_id = "contract-" + "a" * 26
    for there in (contract, nothing):
        attempts = [
            mallory.get(there),
            mallory.edit(there, TEXT),
            mallory.give_pen(there, "mallory"),
            mallory.confirm(there),
            mallory.reopen(there),
            mallory.refuse(there),
            mallory.have_made(there),
            mallory.document(there),
            mallory.add_pdf(there, b"%PDF", 0),
            mallory.call(mallory.drafting.GetVersion, pb.GetVersionRequest(contract_id=there.summary.contract_id)),
        ]
        for attempt in attempts:
            assert await reason_of(attempt) == "CONTRACT_NOT_FOUND"
    assert not (await mallory.call(mallory.drafting.ListContracts, pb.ListContractsRequest())).contracts
    assert await table.bob.get(contract) == contract


async def test_contracts_come_in_pages(table: Table) -> None:
    """Newest first, each once."""
    carol = table.carol
    made = [(await carol.create("alice")).summary.contract_id for _ in range(3)]
    seen, token = list[str](), ""
    while True:
        page = await carol.call(carol.drafting.ListContracts, pb.ListContractsRequest(page_size=2, page_token=token))
        seen += [each.contract_id for each in page.contracts]
        token = page.next_page_token
        if not token:
            break
    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))


async def test_two_drafts_under_one_pen(table: Table) -> None:
    """Of edits at the same time one wins; the others hear which version there is by now, and nothing is mixed."""
    alice = table.alice
    contract = await alice.create("bob")
    outcomes = await asyncio.gather(
        *(alice.edit(contract, f"{TEXT}\nNumber {number}") for number in range(8)), return_exceptions=True
    )
    won = [each for each in outcomes if isinstance(each, pb.Contract)]
    lost = [each for each in outcomes if isinstance(each, Exception)]
    assert len(won) == 1
    assert {(each.reason, each.metadata["last"]) for each in lost} == {("DRAFT_VERSION_STALE", "2")}  # type: ignore[attr-defined]
    now = await alice.get(contract)
    assert [each.number for each in now.versions] == [1, 2]
    contract_id = contract.summary.contract_id
    assert query(table.home, "SELECT count(*) FROM contract_files WHERE contract_id = ?", contract_id) == [(2,)]


async def test_who_has_no_pen_changes_nothing(table: Table) -> None:
    """Nor does who had it before; and it goes to parties that can write."""
    alice, bob = table.alice, table.bob
    contract = await alice.create("bob")
    assert await reason_of(bob.edit(contract, "mine")) == "PEN_NOT_HELD"
    assert await reason_of(bob.give_pen(contract, "bob")) == "PEN_NOT_HELD"
    assert await reason_of(alice.give_pen(contract, "carol")) == "CONTRACT_PARTIES_WRONG"
    contract = await alice.give_pen(contract, "bob")
    assert await reason_of(alice.edit(contract, "mine")) == "PEN_NOT_HELD"


async def test_an_account_that_was_closed(table: Table) -> None:
    """Gets no contract and no pen any more; the others can end what it is party of."""
    alice = table.alice
    contract = await alice.create("mallory")
    change(table.home, "UPDATE accounts SET state = 'disabled' WHERE name = 'mallory'")
    try:
        assert await reason_of(alice.create("mallory")) == "ACCOUNT_UNKNOWN"
        assert await reason_of(alice.give_pen(contract, "mallory")) == "ACCOUNT_UNKNOWN"
        assert (await alice.refuse(contract)).summary.state == pb.CONTRACT_STATE_ENDED
    finally:
        change(table.home, "UPDATE accounts SET state = 'active' WHERE name = 'mallory'")


async def test_contracts_that_cannot_be(table: Table) -> None:
    """Parties, titles and files that are none."""
    alice = table.alice
    wrong: dict[str, list[dict[str, object]]] = {
        "CONTRACT_PARTIES_WRONG": [
            {"accounts": []},
            {"accounts": ["alice"]},
            {"accounts": ["bob", "bob"]},
            {"accounts": [f"signer{number}" for number in range(10)]},
        ],
        "ACCOUNT_UNKNOWN": [{"accounts": ["nobody"]}],
        "ACCOUNT_NAME_MALFORMED": [{"accounts": ["Bob"]}],
        "TITLE_MALFORMED": [{"title": ""}, {"title": "a\u202eb"}],
        "FIELD_INVALID": [{"draft": pb.Draft(content=b"text")}],
        "DRAFT_TOO_LARGE": [{"draft": pb.Draft(format=pb.DRAFT_FORMAT_PLAIN, content=b"x" * (MAX_FILE_BYTES + 1))}],
        "DRAFT_MALFORMED": [{"draft": pb.Draft(format=pb.DRAFT_FORMAT_MARKDOWN, content=b"\xff")}],
        "DOCUMENT_EMPTY": [{"draft": plain("\n ")}],
        "DOCUMENT_MALFORMED": [{"draft": pb.Draft(format=pb.DRAFT_FORMAT_DOCX, content=b"PK")}],
        "REQUEST_ID_MALFORMED": [{"request_id": "short"}],
    }
    before = query(table.home, "SELECT count(*) FROM contracts")
    for reason, changes in wrong.items():
        for changed in changes:
            assert await reason_of(alice.create("bob", **changed)) == reason, changed
    assert query(table.home, "SELECT count(*) FROM contracts") == before


async def test_a_new_version_clears_confirmations(table: Table) -> None:
    """Only the last version can be confirmed; a locked one is changed by nobody; and who reopens it is seen."""
    alice, bob = table.alice, table.bob
    contract = await alice.create("bob")
    contract = await bob.confirm(contract)
    assert party_of(contract, "bob").confirmed_version == 1
    contract = await alice.edit(contract, TEXT + "\nMore.")
    assert [each.confirmed_version for each in contract.parties] == [0, 0]
    assert await reason_of(bob.confirm(contract, number=1)) == "DRAFT_VERSION_STALE"
    assert await reason_of(bob.confirm(contract, number=3)) == "DRAFT_VERSION_STALE"
    contract = await bob.confirm(contract)
    assert contract.summary.state == DRAFTING
    contract = await alice.confirm(contract)
    assert contract.summary.state == LOCKED
    for attempt in (alice.edit(contract, TEXT), alice.give_pen(contract, "bob"), bob.confirm(contract)):
        assert await reason_of(attempt) == STATE
    contract = await bob.reopen(contract, "The rent is wrong")
    turn = contract.last_return
    assert (turn.account, turn.cause, turn.reason) == ("bob", pb.RETURN_CAUSE_REOPENED, "The rent is wrong")
    assert contract.summary.state == DRAFTING
    assert not any(each.certificate_der or each.confirmed_version for each in contract.parties)
    assert await reason_of(bob.reopen(contract)) == STATE
    assert await reason_of(alice.edit(contract, TEXT, based_on=1)) == "DRAFT_VERSION_STALE"
    assert (await alice.edit(contract, TEXT)).summary.last_version == 3


async def test_confirming_with_a_certificate_that_is_none(table: Table) -> None:
    """Another's, an unknown one, one that was revoked."""
    alice, bob = table.alice, table.bob
    contract = await alice.create("bob")
    for certificate in (b"", bytes(32), bob.known.certificate):
        assert await reason_of(alice.confirm(contract, certificate_sha256=certificate)) == "PERSONAL_CERTIFICATE_WRONG"
    key = await alice.client.generate()
    other = await asyncio.to_thread(certify, table.server, "alice", key, table.clock())
    assert (await alice.confirm(contract, certificate_sha256=other)).parties[0].certificate_der
    await asyncio.to_thread(revoke, table, other)
    again = await alice.create("bob")
    assert await reason_of(alice.confirm(again, certificate_sha256=other)) == "PERSONAL_CERTIFICATE_WRONG"


async def test_a_text_without_room_cannot_be_locked(table: Table) -> None:
    """Found when it is confirmed: after all have signed it would be too late."""
    alice = table.alice
    contract = await alice.create("bob", draft=plain("Alice owes Bob 5 euros."))
    assert await reason_of(alice.confirm(contract)) == "DOCUMENT_TOO_SHORT"
    assert (await alice.get(contract)).parties[0].confirmed_version == 0


async def test_a_refusal_is_for_good(table: Table) -> None:
    """Of any party; everybody sees whose it was."""
    alice, bob = table.alice, table.bob
    contract = await bob.refuse(await locked((alice, bob)))
    assert contract.summary.state == pb.CONTRACT_STATE_ENDED
    assert (contract.end.account, contract.end.reason) == ("bob", "I found another room")
    for attempt in (alice.reopen(contract), alice.refuse(contract), alice.confirm(contract), alice.have_made(contract)):
        assert await reason_of(attempt) == STATE
    assert await reason_of(alice.refuse(contract, "")) == "WHY_MALFORMED"


async def test_limits(table: Table) -> None:
    """Of contracts a day, of versions, and of their bytes together."""
    carol, terms = table.carol, table.server._rules.drafting.drafts._terms
    contract = await carol.create("alice")
    changed = type(terms)(1, terms.draft_bytes, terms.signers, terms.clock_difference)
    table.server._rules.drafting.drafts._terms = changed
    assert await reason_of(carol.edit(contract, "more")) == "TOO_MANY_DRAFT_VERSIONS"
    table.server._rules.drafting.drafts._terms = type(terms)(9, len(TEXT) + 5, terms.signers, terms.clock_difference)
    assert await reason_of(carol.edit(contract, "more than 5")) == "DRAFT_QUOTA_EXCEEDED"
    table.server._rules.drafting.drafts._terms = terms

    made = query(table.home, "SELECT count(*) FROM contracts WHERE creator = 'carol'")[0][0]
    for _ in range(CONTRACTS_PER_DAY - made):
        await carol.create("alice", draft=plain("x"))
    assert await reason_of(carol.create("alice")) == "TOO_MANY_CONTRACTS"
    table.clock.move(timedelta(hours=5))
    assert await reason_of(carol.create("alice")) == "TOO_MANY_CONTRACTS"
