"""Logins of several processes of one server: a wrong PIN is tried once by all of them together."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from server.custody import Sealer, create_master_key, load_master_keys
from server.custody.pkcs11 import Logins, TokenAddress
from server.custody.pkcs11.process import PinWrong, WorkerLost
from tests.server.custody.pkcs11.softhsm import LABEL, PIN, SoftToken

WRONG = "9" * 6


def test_wrong_pin_is_tried_once_by_all(tmp_path: Path, token: SoftToken) -> None:
    """Of many at once one asks the token; the others, and whoever starts later, see its note. It tells no PIN."""
    lock, note = tmp_path / "lock", tmp_path / "refused"
    create_master_key(tmp_path / "master.key", secrets.token_bytes)
    sealer = Sealer(load_master_keys(tmp_path / "master.key"), secrets.token_bytes)
    right = TokenAddress(str(token.module), LABEL, PIN)
    wrong = replace(right, pin=WRONG)

    def outcome(address: TokenAddress) -> str:
        try:
            Logins(lock, note, sealer).start(address).close()
        except PinWrong as error:
            return str(error)
        return "in"

    refused = f"it was refused before; if it is right now, remove {note}"
    with ThreadPoolExecutor(4) as processes:
        assert sorted(processes.map(outcome, [wrong] * 4)) == ["PinIncorrect"] + [refused] * 3
    assert outcome(wrong) == refused
    assert WRONG.encode() not in note.read_bytes()
    kept = note.read_bytes()
    assert outcome(right) == "in"
    assert not note.exists()
    for useless in (kept[:-1], kept + b"\0", b""):  # nobody is kept out by it
        note.write_bytes(useless)
        assert outcome(wrong) == "PinIncorrect"
    other = TokenAddress(str(token.module), "other", WRONG)
    with pytest.raises(WorkerLost) as lost:
        Logins(lock, note, sealer).start(other)
    assert type(lost.value) is WorkerLost
