"""Time stamps of checkpoints, by ``openssl ts`` behind a little web server: they hold, and an authority may be down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy.dialects import sqlite
from structlog.testing import capture_logs

from contract.time_stamp import verify_time_stamp
from server.clock import system_clock
from server.config import load_settings
from server.errors import OperatorError
from server.evidence.stamping import Stamping
from server.journal.log import store as log_store
from server.root.application import Server
from server.root.evidence import _stamp_authority
from server.root.fsck import fsck
from server.root.home import Home
from tests.contract.tsa import Answer, TimeStampAuthority, served
from tests.server.evidence.messages import deposited, get
from tests.server.harness import MovableClock, database_path, query, silent_log
from tests.server.sessions.people import Session, Signer
from tests.server.storage.outside import execute
from transparency.keys import VerifierKey
from transparency.receipt import Receipt
from wire.catalogue import ServiceError
from wire.stamp_authority import StampAuthority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeStampAuthority:
    """With keys of its own."""
    return TimeStampAuthority(tmp_path_factory.mktemp("tsa"))


def honest(authority: TimeStampAuthority) -> Answer:
    """Stamps whatever it is asked to."""
    return lambda request: (200, authority.answer(request))


def use(server: Server, authority: StampAuthority) -> Stamping:
    """Let a server's stamping ask that one."""
    stamping = server._rules.evidence.stamping
    stamping._authority = authority
    return stamping


async def test_a_checkpoint_is_stamped(
    session_server: Server,
    authority: TimeStampAuthority,
    alice: Signer,
    bob: Signer,
    session: Session,
) -> None:
    """What was deposited is given out with the first stamp after it, what comes later without, until the next."""
    message, _ = await deposited(alice, session, bob)
    key: VerifierKey = session_server._rules.evidence.transparency.verifier
    with served(honest(authority)) as url:
        stamping = use(session_server, StampAuthority(url, [authority.root]))
        assert (await get(alice, message.digest)).time_stamp_der == b""
        assert await stamping.run()
        assert not await stamping.run()  # the log has not grown
    found = await get(bob, message.digest)
    receipt = Receipt.from_bytes(found.receipt)
    receipt.verify(found.entry_der, key)
    stamp_time = verify_time_stamp(found.time_stamp_der, receipt.checkpoint.to_bytes(), [authority.root])
    assert abs(stamp_time - system_clock()) < timedelta(minutes=1)
    later, _ = await deposited(alice, await alice.get(session.session_id), bob, sequence=2)
    assert (await get(alice, later.digest)).time_stamp_der == b""
    assert (await get(alice, message.digest)).receipt == found.receipt
    stamping._interval = timedelta(0)
    with served(honest(authority)) as url:
        assert await use(session_server, StampAuthority(url, [authority.root])).run()
    again = await get(alice, message.digest)
    assert (again.receipt, again.time_stamp_der) == (found.receipt, found.time_stamp_der)  # the newer stamp says less
    newer = await get(alice, later.digest)
    verify_time_stamp(newer.time_stamp_der, Receipt.from_bytes(newer.receipt).checkpoint.to_bytes(), [authority.root])
    Receipt.from_bytes(newer.receipt).verify(newer.entry_der, key)


def test_stamped_checkpoints_are_found_by_an_index(session_home: Home) -> None:
    """However many checkpoints have no stamp, none of them is looked at."""
    for looked_up in (log_store._first_stamped, log_store._newest_stamped):
        sql = str(looked_up.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}))
        plan = query(session_home, f"EXPLAIN QUERY PLAN {sql}", *[1] * sql.count("?"))
        assert ["USING INDEX ix_log_checkpoints_stamped" in row[-1] for row in plan] == [True]


async def test_fsck_verifies_time_stamps(
    session_server: Server, session_home: Home, authority: TimeStampAuthority, session: Session, tmp_path: Path
) -> None:
    """One that was exchanged for another is found."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_pem)
    with served(honest(authority)) as url:
        assert await use(session_server, StampAuthority(url, [authority.root])).run()
    with session_home.config.open("a") as config:
        config.write(f'tsa_certificate_file = "{roots}"\n')

    def findings() -> list[str]:
        return [each.where for each in fsck(session_home, silent_log(), (), lambda _: lambda *_: None).findings]

    assert findings() == []
    other = authority.stamp(b"another checkpoint")
    execute(database_path(session_home), "UPDATE log_checkpoints SET time_stamp = ? WHERE time_stamp NOT NULL", other)
    ((size,),) = query(session_home, "SELECT size FROM logs")
    assert findings() == [f"time stamp of checkpoint {size}"]
    assert session.session_id


async def test_it_waits_for_the_interval(
    session_server: Server, authority: TimeStampAuthority, alice: Signer, session: Session, clock: MovableClock
) -> None:
    """However much the log grows, the authority is asked once an hour."""
    with served(honest(authority)) as url:
        stamping = use(session_server, StampAuthority(url, [authority.root]))
        assert await stamping.run()
        await alice.create("bob")
        assert not await stamping.run()
        clock.move(timedelta(hours=1))
        assert await stamping.run()
        clock.move(timedelta(hours=1))
        assert not await stamping.run()
    assert session.session_id


async def test_an_authority_that_is_down(
    session_server: Server, authority: TimeStampAuthority, alice: Signer, bob: Signer, session: Session
) -> None:
    """The server goes on and is healthy, says so once, and catches up with one stamp."""
    with served(honest(authority)) as url:
        pass  # it is gone now
    stamping = use(session_server, StampAuthority(url, [authority.root]))
    with capture_logs() as logs:
        stamping._log = structlog.get_logger()
        for sequence in (1, 2):
            assert not await stamping.run()
            await deposited(alice, await alice.get(session.session_id), bob, sequence=sequence)
    assert [entry["event"] for entry in logs] == ["time_stamp_failed"]
    assert session_server._health.serving
    with served(honest(authority)) as url:
        assert await use(session_server, StampAuthority(url, [authority.root])).run()
    stamped = query(session_server._home, "SELECT max(size) FROM log_checkpoints WHERE time_stamp IS NOT NULL")
    assert stamped == query(session_server._home, "SELECT size FROM logs")


def spoilt(authority: TimeStampAuthority, other: TimeStampAuthority) -> Iterator[Answer]:
    """Authorities that answer wrongly."""
    yield lambda _: (500, b"")
    yield lambda _: (302, b"")
    yield lambda _: (200, b"")
    yield lambda _: (200, b"<html>Welcome</html>")
    yield lambda request: (200, other.answer(request))
    yield lambda _: (200, authority.stamp(b"something else"))
    yield lambda request: (200, authority.answer(request)[:-1])
    yield lambda request: (200, authority.answer(request) + b"0")
    yield lambda _: (200, bytes(1 << 20))


def test_what_does_not_hold_is_not_kept(authority: TimeStampAuthority, tmp_path: Path) -> None:
    """Errors, web pages, stamps of others, of other data, cut ones, and too much."""
    folder = tmp_path / "other"
    folder.mkdir()
    for answer in spoilt(authority, TimeStampAuthority(folder)):
        with served(answer) as url, pytest.raises(ServiceError, match="time stamps gave none"):
            StampAuthority(url, [authority.root]).stamp(b"data")
    with served(honest(authority)) as url:
        assert StampAuthority(url, [authority.root]).stamp(b"data")


@pytest.mark.parametrize("url", ["tsa", "ftp://x/", "http://", "http://x:port/", "http://me:secret@x/"])
def test_urls_that_cannot_be_used(authority: TimeStampAuthority, url: str) -> None:
    """Said at the start."""
    with pytest.raises(ValueError, match="no URL of http or https"):
        StampAuthority(url, [authority.root])


def test_certificates_that_cannot_be_used(session_home: Home, tmp_path: Path) -> None:
    """Said at the start, too; so is a URL without certificates."""
    settings = load_settings(session_home.folder)
    assert _stamp_authority(settings) is None
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (tmp_path / "missing.pem", empty):
        changed = settings.model_copy(update={"tsa_url": "http://127.0.0.1:1/", "tsa_certificate_file": str(path)})
        with pytest.raises(OperatorError, match=path.name):
            _stamp_authority(changed)
    session_home.config.write_text('tsa_url = "http://127.0.0.1:1/"\n')
    with pytest.raises(OperatorError, match="tsa_certificate_file"):
        load_settings(session_home.folder)
