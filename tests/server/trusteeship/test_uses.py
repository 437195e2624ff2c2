"""Uses: a result for a signed record that stands in the log, a record for every refusal, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fourseal.v1 import trusteeship_service_pb2 as pb
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.grants import GrantAction
from contract.trusteeship.operations import KeyOperation
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from mpc.four_prime_rsa import Purpose
from server.custody import KeyKind
from server.identity import RevocationReason, find_certificate, revoke_single_certificate
from server.organisations import register_organisation
from server.storage import PageCursor
from server.trusteeship.states import GrantState
from server.trusteeship.store.grants import put_state
from server.trusteeship.store.uses import Wanted, _listing
from tests.server.harness import call, database_bytes, database_path, query
from tests.server.trusteeship.conftest import Company, change, meanwhile
from tests.server.trusteeship.people import DIGEST, OAEP, new_key, reason_of
from transparency.receipt import Receipt
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

LETTER = b"the board resigns on Monday"
KEPT = "SELECT end_time, result FROM trust_uses WHERE request_id = ?"
TEN_MINUTES = timedelta(minutes=10)


def records(company: Company, key_id: str = "") -> list[UseRecord]:
    """All records in the log, of one key or of all, by number."""
    entries = [LogEntry.from_der(row[0]) for row in query(company.home, "SELECT entry FROM log_entries")]
    found = [RecordedUse.from_der(entry.body).record for entry in entries if entry.kind is EntryKind.USE]
    return sorted((each for each in found if each.key_id == (key_id or each.key_id)), key=lambda each: each.number)


async def refusal_of(refused: Awaitable[object]) -> tuple[str, str, str]:
    """Why a use is refused: reason, cause, number of the record."""
    with pytest.raises(RemoteError) as refusal:
        await refused
    return refusal.value.reason, refusal.value.metadata["cause"], refusal.value.metadata["number"]


async def revoke_key(company: Company, certificate: bytes) -> None:
    """Revoke the certificate of an organisation's key."""
    now = company.bob.now()

    def revoke(connection: Connection) -> None:
        issued = find_certificate(connection, certificate)
        assert issued is not None
        revoke_single_certificate(connection, issued, now, RevocationReason.SUPERSEDED, None)

    await company.server._ground.database.write(revoke)


async def test_signs_for_a_record_that_both_sign(company: Company) -> None:
    """The signature is the organisation's, request and record are Bob's, the record is in the log before he has it."""
    bob, public = company.bob, company.signs.public_key
    grant = await company.granted()
    asked = bob.using(grant)
    signature = bob.signature(asked.to_der())
    begun, again = await asyncio.gather(*(bob.begin_use(asked, signature=signature) for _ in range(2)))
    assert begun == again
    record = UseRecord.from_der(begun.record_der)
    assert (record.outcome, record.user, record.key_id) == (UseOutcome.DONE, "bob", company.signs.key_id)
    assert record not in records(company)
    request = bob.finishing(asked, begun)
    finished, same = await asyncio.gather(*(bob.finish_use(request) for _ in range(2)))
    assert (finished.result, finished.entry_der) == (same.result, same.entry_der)
    public.verify(finished.result, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert record.result == sha256(finished.result).digest()
    entry = LogEntry.from_der(finished.entry_der)
    recorded = RecordedUse.from_der(entry.body)
    assert (entry.kind, recorded.record, recorded.asked) == (EntryKind.USE, record, asked)
    own = bob.known.key.joint_key.to_cryptography()
    recorded.request.check(own)
    assert recorded.signed_record is not None
    recorded.signed_record.check(own)
    receipt = Receipt.from_bytes(finished.receipt)
    receipt.verify(finished.entry_der, company.server._ground.log_key.verifier)
    assert await bob.finish_use(request) == finished
    assert finished.result not in database_bytes(company.home)
    assert (await bob.look(grant.grant_id)).used == 1


async def test_decrypts_and_tells_no_failure_from_another(company: Company) -> None:
    """A letter once its record is kept; what does not decrypt is recorded too, and answered alike whatever it is."""
    bob, public = company.bob, company.decrypts.public_key
    grant = await company.granted(Purpose.DECRYPT)
    ciphertext = public.encrypt(LETTER, OAEP)
    asked = bob.using(grant, digest=sha256(ciphertext).digest())
    begun = await bob.begin_use(asked, ciphertext)
    assert LETTER not in begun.SerializeToString() + database_bytes(company.home)
    assert (await bob.finish_use(bob.finishing(asked, begun))).result == LETTER
    assert LETTER not in database_bytes(company.home)
    empty = public.encrypt(b"", OAEP)
    assert (await bob.use(bob.using(grant, digest=sha256(empty).digest()), empty)).result == b""

    broken = (ciphertext[:-1] + bytes([ciphertext[-1] ^ 1]), ciphertext[:-1], b"\xff" * len(ciphertext), b"")
    for wrong in (*broken, ciphertext):
        label = b"another label" if wrong == ciphertext else b""
        asked = bob.using(grant, digest=sha256(wrong).digest(), label=label)
        begun = await bob.begin_use(asked, wrong)
        request = bob.finishing(asked, begun)
        for _ in range(2):
            assert await reason_of(bob.finish_use(request)) == "DECRYPTION_FAILED"
        record = records(company, company.decrypts.key_id)[-1]
        assert (record.outcome, record.detail, record.result) == (UseOutcome.FAILED, "DECRYPTION_FAILED", b"")
    assert (await bob.look(grant.grant_id)).used == 7
    exchanged = bob.begin_use(bob.using(grant, digest=sha256(ciphertext).digest()), empty)
    assert await reason_of(exchanged) == "TRUST_STATEMENT_MALFORMED"
    answers = query(company.home, "SELECT DISTINCT answer FROM operations WHERE method IN ('BeginUse', 'FinishUse')")
    assert answers == [(b"",)]


async def test_every_refusal_is_recorded(company: Company) -> None:
    """With its cause, under the next number, and the same answer to a repeat; the key is not used and none counted."""
    alice, bob, now = company.alice, company.bob, company.bob.now()
    hour = timedelta(hours=1)
    plain, limited = await company.granted(), await company.granted(document_kinds=("invoice",), digests=(bytes(32),))
    later = await company.granted(begin=now + hour, end=now + 2 * hour)
    short, once = await company.granted(end=now + timedelta(minutes=5)), await company.granted(uses=1)
    stopped, gone = await company.granted(), await company.granted()
    stopped = await alice.order(alice.ordering(stopped, GrantAction.SUSPEND))
    gone = await alice.order(alice.ordering(gone, GrantAction.REVOKE))
    waiting, unwanted = [await bob.ask(bob.asking(company.signs)) for _ in range(2)]
    unwanted = await alice.order(alice.ordering(unwanted, GrantAction.REFUSE))
    key = await asyncio.to_thread(new_key, company.server, "acme", Purpose.SIGN, KeyKind.ECDSA_P256, company.clock())
    ended = await company.granted(key_id=key.key_id, key_certificate=key.certificate)
    await revoke_key(company, key.certificate)
    await bob.use(bob.using(once))
    company.clock.move(timedelta(minutes=6))
    cases: dict[str, tuple[pb.Grant, dict[str, Any]]] = {
        "GRANT_NOT_APPROVED": (waiting, {}),
        "GRANT_REFUSED": (unwanted, {}),
        "GRANT_SUSPENDED": (stopped, {}),
        "GRANT_REVOKED": (gone, {}),
        "GRANT_NOT_BEGUN": (later, {}),
        "GRANT_ENDED": (short, {}),
        "GRANT_USED_UP": (once, {}),
        "KEY_OUTSIDE_GRANT": (plain, {"key_id": key.key_id}),
        "PURPOSE_OUTSIDE_GRANT": (
            plain,
            {"operation": KeyOperation.OAEP_SHA256_SHA256, "digest": sha256(b"").digest()},
        ),
        "OPERATION_NOT_OF_KEY": (plain, {"operation": KeyOperation.PSS_SHA256}),
        "KEY_CERTIFICATE_ENDED": (ended, {}),
        "KIND_OUTSIDE_GRANT": (limited, {"document_kind": "letter"}),
        "DIGEST_OUTSIDE_GRANT": (limited, {"document_kind": "invoice"}),
    }
    for cause, (grant, spoilt) in cases.items():
        asked = bob.using(grant, **spoilt)
        signature, before = bob.signature(asked.to_der()), records(company)
        told = [await refusal_of(bob.begin_use(asked, signature=signature)) for _ in range(2)]
        (record,) = [each for each in records(company) if each not in before]
        assert (record.outcome, record.detail, record.result) == (UseOutcome.REFUSED, cause, b"")
        assert told == [("USE_REFUSED", cause, str(record.number))] * 2
        assert (await bob.look(grant.grant_id)).used == (grant.grant_id == once.grant_id)
    assert query(company.home, "SELECT count(*) FROM trust_uses WHERE refusal <> '' AND end_time IS NOT NULL") == [(0,)]

    change(company.home, "UPDATE trust_grants SET refused = 999 WHERE grant_id = ?", waiting.grant_id)
    full = len(records(company))
    assert [await reason_of(bob.begin_use(bob.using(waiting))) for _ in range(3)] == [
        "USE_REFUSED",
        "TOO_MANY_REFUSED_USES",
        "TOO_MANY_REFUSED_USES",
    ]
    assert len(records(company)) == full + 1


async def test_who_has_no_grant_uses_nothing(company: Company) -> None:
    """Another's grant, another organisation, another's certificate, key or signature, a replay: nothing is recorded."""
    bob, carol, mallory = company.bob, company.carol, company.mallory
    grant = await company.granted()
    database, now, before = company.server._ground.database, company.clock(), records(company)
    await database.write(lambda connection: register_organisation(connection, "rival", "Rival", now))
    theirs = await asyncio.to_thread(new_key, company.server, "rival", Purpose.SIGN, KeyKind.ECDSA_P256, now)
    good = bob.using(grant)
    for person, asked in (
        (mallory, mallory.using(grant)),
        (carol, carol.using(grant)),  # an administrator, who approved it
        (bob, replace(good, grant=bytes(32))),
        (bob, replace(good, organisation="rival", key_id=theirs.key_id)),
        (bob, replace(good, key_id=theirs.key_id)),
        (bob, replace(good, key_id="orgkey-aaaaaaaaaaaaaaaa")),
    ):
        assert await reason_of(person.begin_use(asked)) == "GRANT_NOT_FOUND", asked
    forged = replace(good, user_certificate=mallory.known.certificate)
    assert await reason_of(bob.begin_use(forged)) == "PERSONAL_CERTIFICATE_WRONG"
    assert (
        await reason_of(mallory.begin_use(good, signature=bob.signature(good.to_der()))) == "PERSONAL_CERTIFICATE_WRONG"
    )
    in_bobs_name = replace(good, user_certificate=carol.known.certificate)  # signed by Carol, with all that is hers
    assert await reason_of(carol.begin_use(in_bobs_name)) == "PERSONAL_CERTIFICATE_WRONG"
    signed_another = bob.begin_use(good, signature=bob.signature(replace(good, reason="harmless").to_der()))
    assert await reason_of(signed_another) == "PARTIAL_SIGNATURE_INVALID"
    old = replace(good, time=good.time - timedelta(minutes=5))
    assert await reason_of(bob.begin_use(old)) == "STATEMENT_TIME_OFF"
    assert records(company) == before
    assert (await bob.look(grant.grant_id)).used == 0

    begun, other = await bob.begin_use(good), bob.using(grant)
    used_again = bob.begin_use(good, signature=bob.signature(good.to_der()))  # with another salt
    assert await reason_of(used_again) == "REQUEST_ID_REUSED"
    request = bob.finishing(good, begun)
    assert await reason_of(mallory.finish_use(request)) == "USE_NOT_FOUND"
    other_begun = await bob.begin_use(other)
    crossed = pb.FinishUseRequest()
    crossed.CopyFrom(request)
    crossed.signature.CopyFrom(bob.signature(other_begun.record_der))
    assert await reason_of(bob.finish_use(crossed)) == "PARTIAL_SIGNATURE_INVALID"
    crossed.use_request_id = new_request_id()
    assert await reason_of(bob.finish_use(crossed)) == "USE_NOT_FOUND"
    await bob.finish_use(request)
    assert await reason_of(bob.finish_use(bob.finishing(good, begun))) == "USE_ENDED"
    assert [record.outcome for record in records(company) if record not in before] == [UseOutcome.DONE]


async def test_both_steps_need_the_login_and_so_do_repeats(company: Company) -> None:
    """The agent's certificate alone is not enough, nor somebody else's login, for what is new and for what was done."""
    bob, grant = company.bob, await company.granted()
    strangers = [replace(bob, token=token) for token in (company.carol.token, "A" * len(bob.token))]

    async def refused(step: str, request: Any) -> None:  # noqa: ANN401  # of either step
        for stranger in strangers:
            assert await reason_of(stranger.call(getattr(stranger.trust, step), request)) == "LOGIN_REQUIRED"
        assert await reason_of(call(getattr(bob.trust, step), request)) == "LOGIN_REQUIRED"

    asked = bob.using(grant)
    der = asked.to_der()
    first = pb.BeginUseRequest(statement_der=der, signature=bob.signature(der))
    await refused("BeginUse", first)
    begun = await bob.call(bob.trust.BeginUse, first)
    second = bob.finishing(asked, begun)
    for step, request in (("BeginUse", first), ("FinishUse", second)):
        await refused(step, request)
    await bob.finish_use(second)
    for step, request in (("BeginUse", first), ("FinishUse", second)):
        await refused(step, request)
    change(company.home, "UPDATE logins SET account = 'carol' WHERE account = 'bob'")  # somebody else logs in there
    for request in (first, pb.BeginUseRequest(statement_der=bob.using(grant).to_der(), signature=first.signature)):
        assert await reason_of(bob.call(bob.trust.BeginUse, request)) == "PERSONAL_CERTIFICATE_WRONG"
    assert await reason_of(bob.finish_use(second)) == "PERSONAL_CERTIFICATE_WRONG"
    home = "UPDATE logins SET account = 'bob' WHERE account = 'carol' AND agent_id = ?"
    change(company.home, home, "laptop-bob")
    assert (await bob.look(grant.grant_id)).used == 1


async def test_what_was_taken_back_between_the_steps_stays(company: Company) -> None:
    """Suspended, revoked: the result is erased, the record says so, the user is told; asking again helps nothing."""
    alice, bob = company.alice, company.bob
    for action, cause in ((GrantAction.SUSPEND, "GRANT_SUSPENDED"), (GrantAction.REVOKE, "GRANT_REVOKED")):
        grant = await company.granted(Purpose.DECRYPT)
        ciphertext = company.decrypts.public_key.encrypt(LETTER, OAEP)
        asked = bob.using(grant, digest=sha256(ciphertext).digest())
        begun = await bob.begin_use(asked, ciphertext)
        await alice.order(alice.ordering(grant, action))
        request = bob.finishing(asked, begun)
        for again in (request, request, bob.finishing(asked, begun)):
            assert (await refusal_of(bob.finish_use(again)))[:2] == ("USE_REFUSED", cause)
        record = records(company, company.decrypts.key_id)[-1]
        assert (record.outcome, record.detail, record.result) == (UseOutcome.REFUSED, cause, b"")
        assert record.number == UseRecord.from_der(begun.record_der).number
        assert query(company.home, KEPT, asked.request_id) == [(None, None)]


async def test_what_is_taken_back_while_the_record_is_signed_stays(company: Company) -> None:
    """Between the two transactions of the second step: the later one decides."""
    bob, database = company.bob, company.server._ground.database
    grant = await company.granted()
    asked = bob.using(grant)
    request = bob.finishing(asked, await bob.begin_use(asked))

    def revoke() -> None:
        database.write_now(partial(put_state, grant_id=grant.grant_id, state=GrantState.REVOKED, round_=1))

    with meanwhile(company, revoke):
        assert (await refusal_of(bob.finish_use(request)))[:2] == ("USE_REFUSED", "GRANT_REVOKED")
    assert query(company.home, KEPT, asked.request_id) == [(None, None)]


async def test_what_is_given_up_while_it_is_made_is_not_made(company: Company) -> None:
    """The first step takes more than ten minutes, also by a clock that is set back: no use was, nor a refused one."""
    bob, database, upkeep = company.bob, company.server._ground.database, company.server._rules.trusteeship.upkeep
    allowed, waiting = await company.granted(), await bob.ask(bob.asking(company.signs))
    before = records(company)

    def give_up(*, set_back: bool) -> None:
        company.clock.move(TEN_MINUTES)
        while database.write_now(upkeep._end_some):
            pass
        if set_back:
            company.clock.move(-TEN_MINUTES)

    for grant, set_back in product((allowed, waiting), (False, True)):
        with meanwhile(company, partial(give_up, set_back=set_back)):
            assert await reason_of(bob.begin_use(bob.using(grant))) == "USE_ENDED"
        assert (await bob.look(grant.grant_id)).used == 0
    assert [each for each in records(company) if each not in before and each.outcome is not UseOutcome.ABANDONED] == []


async def test_what_is_not_finished_ends(company: Company) -> None:
    """Not signed: abandoned, and the result is gone. Signed: given again for ten minutes. Not made: never was."""
    await company.stay()
    bob, upkeep = company.bob, company.server._rules.trusteeship.upkeep
    grant = await company.granted()
    asked, kept = bob.using(grant), bob.using(grant)
    begun = await bob.begin_use(asked)
    request = bob.finishing(kept, await bob.begin_use(kept))
    finished = await bob.finish_use(request)
    key = await asyncio.to_thread(new_key, company.server, "acme", Purpose.SIGN, KeyKind.ECDSA_P256, company.clock())
    failing = await company.granted(key_id=key.key_id, key_certificate=key.certificate)
    ((good,),) = query(company.home, "SELECT sealed FROM organisation_keys WHERE key_id = ?", key.key_id)
    spoil = "UPDATE organisation_keys SET sealed = ? WHERE key_id = ?"
    lost, late = bob.using(failing), bob.using(failing)
    signature = bob.signature(late.to_der())
    change(company.home, spoil, good[:-1], key.key_id)  # custody fails
    assert await reason_of(bob.begin_use(lost)) == "NAMED_KEY_DAMAGED"
    assert await reason_of(bob.begin_use(late, signature=signature)) == "NAMED_KEY_DAMAGED"
    change(company.home, spoil, good, key.key_id)
    assert (await bob.look(failing.grant_id)).used == 2
    await bob.finish_use(bob.finishing(late, await bob.begin_use(late, signature=signature)))  # goes on, counted once
    assert (await bob.look(failing.grant_id)).used == 2

    damaged = bob.using(grant)
    whole = (await bob.begin_use(damaged)).record_der
    spoil = "UPDATE trust_uses SET record = ? WHERE request_id = ?"
    change(company.home, spoil, b"garbage", damaged.request_id)

    company.clock.move(TEN_MINUTES)
    for ended in (request, bob.finishing(asked, begun)):
        assert await reason_of(bob.finish_use(ended)) == "USE_ENDED"
    assert records(company, company.signs.key_id)[-1].outcome is UseOutcome.DONE
    assert await upkeep.run() >= 5
    assert await upkeep.run() == 0
    assert query(company.home, KEPT, damaged.request_id) == [(None, None)]
    change(company.home, spoil, whole, damaged.request_id)
    change(company.home, "UPDATE trust_uses SET end_time = 0 WHERE request_id = ?", damaged.request_id)
    assert await upkeep.run() == 1
    number = UseRecord.from_der(begun.record_der).number
    (record,) = [each for each in records(company, company.signs.key_id) if each.number == number]
    assert (record.outcome, record.detail) == (UseOutcome.ABANDONED, "RECORD_NOT_SIGNED")
    assert await reason_of(bob.finish_use(bob.finishing(asked, begun))) == "USE_ENDED"
    assert query(company.home, "SELECT DISTINCT end_time, result FROM trust_uses") == [(None, None)]
    assert (await bob.look(grant.grant_id)).used == 3
    assert (await bob.look(failing.grant_id)).used == 1
    assert finished.result


async def test_what_was_begun_does_not_outlive_grant_and_certificate(company: Company) -> None:
    """Not made within ten minutes: never was, whether upkeep came or not. Its key's certificate revoked: refused."""
    await company.stay()
    bob, now = company.bob, company.bob.now()
    key = await asyncio.to_thread(new_key, company.server, "acme", Purpose.SIGN, KeyKind.ECDSA_P256, company.clock())
    changes: dict[str, Any] = {"key_id": key.key_id, "key_certificate": key.certificate}
    short, grant = await company.granted(end=now + timedelta(minutes=5), **changes), await company.granted(**changes)
    ((good,),) = query(company.home, "SELECT sealed FROM organisation_keys WHERE key_id = ?", key.key_id)
    spoil = "UPDATE organisation_keys SET sealed = ? WHERE key_id = ?"
    late = bob.using(short)
    signature = bob.signature(late.to_der())
    change(company.home, spoil, good[:-1], key.key_id)  # custody fails
    assert await reason_of(bob.begin_use(late, signature=signature)) == "NAMED_KEY_DAMAGED"
    change(company.home, spoil, good, key.key_id)
    company.clock.move(TEN_MINUTES)
    assert await reason_of(bob.begin_use(late, signature=signature)) == "USE_ENDED"

    asked = bob.using(grant)
    begun = await bob.begin_use(asked)
    await revoke_key(company, key.certificate)
    assert (await refusal_of(bob.finish_use(bob.finishing(asked, begun))))[:2] == (
        "USE_REFUSED",
        "KEY_CERTIFICATE_ENDED",
    )
    (record,) = records(company, key.key_id)
    assert (record.outcome, record.result) == (UseOutcome.REFUSED, b"")


async def test_parallel_uses_are_counted_once_each(company: Company) -> None:
    """Of 60 at once, under a grant for 20, exactly 20 get a result; all are numbered without a gap."""
    await company.stay()
    bob, public = company.bob, company.signs.public_key
    grant = await company.granted(uses=20)

    async def use(asked: UseRequest) -> str:
        try:
            public.verify((await bob.use(asked)).result, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
        except RemoteError as error:
            return error.metadata["cause"]
        return "done"

    outcomes = await asyncio.gather(*(use(bob.using(grant)) for _ in range(60)))
    assert sorted(outcomes) == ["GRANT_USED_UP"] * 40 + ["done"] * 20
    assert (await bob.look(grant.grant_id)).used == 20


async def test_numbers_have_no_gap_and_lists_show_all(company: Company) -> None:
    """Of each key, and of each user at it; whatever is asked for, page by page, found by an index alone."""
    alice, bob, mallory = company.alice, company.bob, company.mallory
    everything = records(company)
    for key_id in {record.key_id for record in everything}:
        of_key = records(company, key_id)
        assert [record.number for record in of_key] == list(range(1, len(of_key) + 1))
        assert [record.user_number for record in of_key if record.user == "bob"] == list(range(1, len(of_key) + 1))
    middle = everything[len(everything) // 2].time
    signs = company.signs.key_id
    filters: list[tuple[pb.RecordFilter, Callable[[UseRecord], bool]]] = [
        (pb.RecordFilter(organisation="acme"), lambda _: True),
        (pb.RecordFilter(organisation="acme", key_id=signs), lambda each: each.key_id == signs),
        (
            pb.RecordFilter(organisation="acme", user="bob", begin=timestamp_of(middle)),
            lambda each: each.time >= middle,
        ),
        (pb.RecordFilter(organisation="acme", user="alice"), lambda _: False),
        (
            pb.RecordFilter(key_id=signs, end=timestamp_of(middle)),
            lambda each: each.key_id == signs and each.time < middle,
        ),
    ]
    for wanted, fits in filters:
        person = alice if wanted.organisation else bob
        found, token = list[UseRecord](), ""
        while True:
            request = pb.ListRecordsRequest(filter=wanted, page_size=7, page_token=token)
            page = await person.call(person.trust.ListRecords, request)
            found += [RecordedUse.from_der(each).record for each in page.records_der]
            token = page.next_page_token
            if not token:
                break
        assert sorted(map(repr, found)) == sorted(repr(each) for each in everything if fits(each))
        for key_id in {each.key_id for each in found}:
            numbers = [each.number for each in found if each.key_id == key_id]
            assert numbers == list(range(numbers[0], numbers[-1] + 1))
    theirs = mallory.call(mallory.trust.ListRecords, pb.ListRecordsRequest())
    assert not (await theirs).records_der
    for wanted, reason in (
        (pb.RecordFilter(organisation="acme"), "NOT_AN_ADMINISTRATOR"),
        (pb.RecordFilter(user="bob"), "FIELD_INVALID"),
    ):
        request = pb.ListRecordsRequest(filter=wanted)
        assert await reason_of(mallory.call(mallory.trust.ListRecords, request)) == reason
    wrong = pb.ListRecordsRequest(page_token=PageCursor(middle, "nonsense").to_token())
    assert await reason_of(bob.call(bob.trust.ListRecords, wrong)) == "PAGE_TOKEN_INVALID"


async def test_lists_are_found_by_an_index(company: Company) -> None:
    """SQLite's own plan: by all that is asked for at once, and in the order in which it is shown."""
    middle, place = company.clock(), (company.clock(), "orgkey-aaaaaaaaaaaaaaaa", 7)
    with closing(sqlite3.connect(database_path(company.home))) as connection:
        for wanted, index in (
            (Wanted(organisation="acme"), "organisation=?"),
            (Wanted(user="bob"), "user=?"),
            (Wanted(organisation="acme", key_id="k", begin=middle, end=middle), "key_id=? AND record_time>?"),
            (Wanted(organisation="acme", key_id="k", user="bob"), "key_id=? AND user=?"),
        ):
            for after in (None, place):
                sql = str(_listing(wanted, after, 100).compile(dialect=sqlite.dialect()))
                plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
                (step,) = [row[-1] for row in plan]
                assert step.startswith("SEARCH")
                assert f"({index}" in step
