"""Whom the signer has paid before: remembered, and set against whoever looks like one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from contract.transactions.pages import Reading
from contract.transactions.transaction import Transfer
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.signing_device.parties import Parties
from tests.contract.transactions.examples import TRANSACTION
from tests.signer_agent.stores import PASSPHRASE

NOBODY = cast("Any", None)  # they ask nobody here


async def test_who_was_paid_is_known_to_a_later_device(tmp_path: Path) -> None:
    """The latest display name of each; a stranger with nearly the same one comes with a caution."""
    home = Home(tmp_path / "alice")
    parties = Parties(NOBODY, NOBODY, KeyStore.create(home, Passphrase(PASSPHRASE)))
    assert await parties.known() == {}
    await parties.remember({"bob": "Robert", "carol": "Carol"})
    await parties.remember({"bob": "Bob"})
    later = Parties(NOBODY, NOBODY, KeyStore.open(home, Passphrase(PASSPHRASE)))
    known = await later.known()
    assert known == {"bob": "Bob", "carol": "Carol"}
    (transfer, *_) = TRANSACTION.transfers
    to_stranger = replace(TRANSACTION, transfers=(Transfer("alice", "b0b", transfer.amount),))
    to_bob = replace(TRANSACTION, transfers=(Transfer("alice", "bob", transfer.amount),))
    assert _cautions(to_stranger, {"alice": "Alice", "b0b": "Bob"}, known)
    assert not _cautions(to_bob, {"alice": "Alice", "bob": "Bob"}, known)


def _cautions(transaction: Any, names: dict[str, str], known: dict[str, str]) -> list[str]:  # noqa: ANN401
    reading = Reading.begin(transaction, names, (60, 40), known)
    return [line for line in reading.page if line.startswith("! ")]
