"""Accounts as an agent has them: text messages, security keys, more factors and fewer, passwords, certificates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from contract.session_info import Scheme
from server.root.application import Server
from server.root.home import Home as ServerHome
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.model import Account, AccountState, FactorKind, Login
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, RevocationReason, SignKind
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.harness import MovableClock, make_home, make_ticket, running_server
from tests.server.identity.accounts.security_key import SecurityKey
from tests.signer_agent.contracts.people import PASSWORD, Person, log_in, register
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.client.enrolment import enrol
from wire.client.ticket import Ticket

NUMBER: Final = "+15550100"
OTHER_PASSWORD: Final = "another password that only tests have"  # noqa: S105
QUICK: Final = KeyChoice(SignKind.ED25519, EncryptKind.X25519)
WRONG_CODE: Final = "00000000"


class Town:
    """A server in this process, and people with agents.

    Args:
        home: of the server.
        server: it.
        clock: the server's.
        folder: for agents.
    """

    def __init__(self, home: ServerHome, server: Server, clock: MovableClock, folder: Path) -> None:
        self.clock = clock
        self.messages = folder / "messages"
        self._home = home
        self._server = server
        self._folder = folder

    async def person(self, name: str) -> Person:
        """Somebody whose agent is enrolled."""
        home = Home.find(self._folder / name)
        store = await asyncio.to_thread(KeyStore.create, home, Passphrase(PASSPHRASE))
        ticket = await asyncio.to_thread(make_ticket, self._home, f"agent-of-{name}", self._server.serving)
        await enrol(store, Ticket.parse(ticket.to_json().encode(), "ticket", datetime.now(UTC)))
        return Person(name, home)

    @asynccontextmanager
    async def signer(self, name: str) -> AsyncIterator[tuple[Person, Contracts]]:
        """Somebody who is registered, has keys, and has proved them."""
        person = await self.person(name)
        async with person.contracts() as contracts:
            await register(contracts, person)
            await contracts.keys.make(QUICK)
            await contracts.logins.prove()
            yield person, contracts

    def sent_code(self) -> str:
        """The code in the last text message."""
        message = json.loads(self.messages.read_text().splitlines()[-1])
        assert message["to"] == NUMBER
        code: str = message["text"].split()[0]
        return code


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A server whose text messages go to a file."""
    home = make_home(tmp_path / "server", sms_provider="file", sms_file=str(tmp_path / "messages"))
    clock = MovableClock()
    async with running_server(home, clock=clock) as server:
        yield Town(home, server, clock, tmp_path)


async def confirmed_key(contracts: Contracts, name: str, key: SecurityKey) -> Account:
    """Add a security key to the account that is logged in."""
    setup = await contracts.accounts.add_factor(PASSWORD, FactorKind.WEBAUTHN, hint="blue key")
    answer = key.register(setup.webauthn_options_json)
    return await contracts.accounts.confirm_factor(
        name, setup.factor.factor_id, PASSWORD, webauthn_response_json=answer
    )


async def log_in_by_key(contracts: Contracts, account: Account, key: SecurityKey) -> Login:
    """Log in by the account's security key."""
    attempt = await contracts.logins.begin(account.name, PASSWORD)
    (factor,) = [each for each in attempt.second_factors if each.kind is FactorKind.WEBAUTHN]
    answer = key.authenticate(attempt.webauthn_options_json)
    return await contracts.logins.finish(attempt, factor.factor_id, webauthn_response_json=answer)


async def test_text_messages_open_an_account_and_log_in(town: Town) -> None:
    """The code of one message opens the account, that of another logs in; neither does so twice."""
    person = await town.person("alice")
    async with person.contracts() as contracts:
        account, setup = await contracts.accounts.register(
            "alice", "Alice", PASSWORD, FactorKind.SMS, phone_number=NUMBER
        )
        assert (account.state, setup.totp_uri, setup.webauthn_options_json) == (AccountState.AWAITING_FACTOR, "", "")
        factor_id, first = setup.factor.factor_id, town.sent_code()
        with refused("LOGIN_FAILED"):
            await contracts.accounts.confirm_factor("alice", factor_id, PASSWORD, code=WRONG_CODE)
        opened = await contracts.accounts.confirm_factor("alice", factor_id, PASSWORD, code=first)
        assert opened.state is AccountState.ACTIVE
        await contracts.logins.end()
        town.clock.move(timedelta(minutes=5))
        attempt = await contracts.logins.begin("alice", PASSWORD)
        await contracts.logins.send_code(attempt, factor_id)
        with refused("CODE_SENT_RECENTLY"):
            await contracts.logins.send_code(attempt, factor_id)
        second = town.sent_code()
        with refused("LOGIN_FAILED"):
            await contracts.logins.finish(attempt, factor_id, code=first if first != second else WRONG_CODE)
        assert (await contracts.logins.finish(attempt, factor_id, code=second)).is_own
        again = await contracts.logins.begin("alice", PASSWORD)
        with refused("LOGIN_FAILED"):
            await contracts.logins.finish(again, factor_id, code=second)


async def test_security_key_is_added_logs_in_and_a_copied_answer_does_not(town: Town) -> None:
    """Another device, or what a thief saw of an earlier login, is refused."""
    async with town.signer("alice") as (_, contracts):
        key = SecurityKey()
        account = await confirmed_key(contracts, "alice", key)
        assert {each.kind for each in account.second_factors} == {FactorKind.TOTP, FactorKind.WEBAUTHN}
        assert (await log_in_by_key(contracts, account, key)).proven
        seen = await contracts.logins.begin("alice", PASSWORD)
        (factor,) = [each for each in seen.second_factors if each.kind is FactorKind.WEBAUTHN]
        answer = key.authenticate(seen.webauthn_options_json)
        stolen = await contracts.logins.begin("alice", PASSWORD)
        with refused("LOGIN_FAILED"):
            await contracts.logins.finish(stolen, factor.factor_id, webauthn_response_json=answer)
        forged = SecurityKey(credential_id=key.credential_id, counter=key.counter)
        with refused("LOGIN_FAILED"):
            await log_in_by_key(contracts, account, forged)


async def test_account_can_be_opened_by_a_security_key(town: Town) -> None:
    """As the first and only factor."""
    person, key = await town.person("alice"), SecurityKey()
    async with person.contracts() as contracts:
        _, setup = await contracts.accounts.register("alice", "Alice", PASSWORD, FactorKind.WEBAUTHN)
        answer = key.register(setup.webauthn_options_json)
        account = await contracts.accounts.confirm_factor(
            "alice", setup.factor.factor_id, PASSWORD, webauthn_response_json=answer
        )
        assert account.state is AccountState.ACTIVE
        await contracts.keys.make(QUICK)
        assert (await contracts.logins.prove()).proven


async def test_factors_are_added_and_removed_but_the_last(town: Town) -> None:
    """With the password only; a removed one logs in no more."""
    async with town.signer("alice") as (_, contracts):
        key = SecurityKey()
        with refused("LOGIN_FAILED"):
            await contracts.accounts.add_factor(OTHER_PASSWORD, FactorKind.TOTP)
        account = await confirmed_key(contracts, "alice", key)
        (app,) = [each for each in account.second_factors if each.kind is FactorKind.TOTP]
        with refused("LOGIN_FAILED"):
            await contracts.accounts.remove_factor(OTHER_PASSWORD, app.factor_id)
        left = await contracts.accounts.remove_factor(PASSWORD, app.factor_id)
        assert [each.kind for each in left.second_factors] == [FactorKind.WEBAUTHN]
        with refused("LAST_FACTOR"):
            await contracts.accounts.remove_factor(PASSWORD, left.second_factors[0].factor_id)
        assert await contracts.accounts.remove_factor(PASSWORD, app.factor_id) == left  # a repeat
        assert (await contracts.accounts.show()).second_factors == left.second_factors
        attempt = await contracts.logins.begin("alice", PASSWORD)
        assert [each.kind for each in attempt.second_factors] == [FactorKind.WEBAUTHN]


async def test_factor_that_was_not_confirmed_logs_nobody_in(town: Town) -> None:
    """It is not offered, and its code is as good as a wrong one."""
    async with town.signer("alice") as (person, contracts):
        added = await contracts.accounts.add_factor(PASSWORD, FactorKind.TOTP, hint="tablet")
        attempt = await contracts.logins.begin("alice", PASSWORD)
        assert added.factor.factor_id not in [each.factor_id for each in attempt.second_factors]
        tablet = Person("alice", person.home)
        tablet.set_up(added.totp_uri)
        with refused("LOGIN_FAILED"):
            await contracts.logins.finish(attempt, added.factor.factor_id, code=tablet.code())


async def test_changed_password_ends_other_logins(town: Town) -> None:
    """The old one opens nothing any more; who does not know it changes nothing."""
    async with town.signer("alice") as (person, contracts):
        await log_in(contracts, person)
        assert len(await contracts.logins.list()) == 2
        with refused("LOGIN_FAILED"):
            await contracts.accounts.change_password(OTHER_PASSWORD, "a third password that tests have")
        with refused("PASSWORD_UNSUITABLE"):
            await contracts.accounts.change_password(PASSWORD, "short")
        await contracts.accounts.change_password(PASSWORD, OTHER_PASSWORD)
        (login,) = await contracts.logins.list()
        assert login.is_own
        with refused("LOGIN_FAILED"):
            await contracts.logins.begin("alice", PASSWORD)
        await contracts.logins.begin("alice", OTHER_PASSWORD)


async def test_renewed_certificates_are_refused_by_others_until_accepted_and_open_what_came_before(town: Town) -> None:
    """New keys sign and open; old messages still open; who knows the old ones is asked, and says yes."""
    async with town.signer("alice") as (_, alice), town.signer("bob") as (_, bob):
        first = await meet(alice, bob)
        async with bob.messages() as messages:
            await messages.send(first, BytesSource(b"before", TEXT_TYPE))
        before = await alice.keys.active()
        after = await alice.keys.make(QUICK)
        assert after.sign_certificate.fingerprint != before.sign_certificate.fingerprint
        with refused("PROOF_REQUIRED"):
            await Sessions(await alice.signer()).list()
        await alice.logins.prove()
        async with alice.messages() as messages:
            (received,) = [each async for each in messages.receive(first)]
            assert await messages.read_text(received.number) == "before"
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        made = await Sessions(await alice.signer()).create("A car", ["bob"], end, scheme=Scheme.SEPARATE)
        with refused("CONTACT_CHANGED", name="alice"):
            await Sessions(await bob.signer()).join(made.session_id)
        offered = bob.contacts.find("alice").offered
        assert offered is not None
        assert offered.sign == after.sign_certificate.fingerprint.hex()
        bob.contacts.accept("alice", offered)
        await Sessions(await bob.signer()).join(made.session_id)


async def test_revoked_keys_sign_nothing(town: Town) -> None:
    """Whatever the reason; others do not send to them, and new keys are to be made."""
    async with town.signer("alice") as (_, alice), town.signer("bob") as (_, bob):
        session_id = await meet(alice, bob)
        for reason in RevocationReason:
            await alice.keys.make(QUICK)
            await alice.keys.revoke(reason)
            with refused("SIGNER_KEYS_MISSING", name="alice"):
                await alice.keys.active()
        with refused("SIGNER_KEYS_MISSING", name="alice"):
            await alice.signer()
        async with bob.messages() as messages:
            with refused("MEMBER_REVOKED", name="alice"):
                await messages.send(session_id, BytesSource(b"text", TEXT_TYPE), ["alice"])
        await alice.keys.make(QUICK)
        assert (await alice.logins.prove()).proven


async def meet(creator: Contracts, other: Contracts) -> str:
    """A session of two, of the scheme that takes their keys."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    name = (await other.accounts.show()).name
    made = await Sessions(await creator.signer()).create("A house", [name], end, scheme=Scheme.SEPARATE)
    await Sessions(await other.signer()).join(made.session_id)
    return made.session_id
