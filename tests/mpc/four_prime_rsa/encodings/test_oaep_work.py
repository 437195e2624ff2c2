"""The work of OAEP decoding does not depend on what it decodes.

Time is not measured here. What can be said for certain is: the interpreter executes the same instructions in the same
order, and the same hashes are fed the same numbers of bytes, up to the one decision at the very end.
"""

from __future__ import annotations

import hashlib
import sys
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest

from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, algorithms
from mpc.four_prime_rsa.encodings import mgf1, oaep
from tests.mpc.four_prime_rsa.encodings.oaep_encoder import Spoiled, encode

SHA256 = HashAlgorithm.SHA256
PARAMETERS = OaepParameters(SHA256, SHA256, b"label")
LENGTH = 512
LONGEST = bytes(PARAMETERS.max_plaintext_bytes(LENGTH))

WHOLE = {
    "empty": encode(b"", bytes(32), PARAMETERS, LENGTH, Spoiled()),
    "short": encode(b"message", b"s" * 32, PARAMETERS, LENGTH, Spoiled()),
    "longest": encode(LONGEST, bytes(32), PARAMETERS, LENGTH, Spoiled()),
}
BROKEN = {
    "first byte": encode(b"message", bytes(32), PARAMETERS, LENGTH, Spoiled(first=1)),
    "label": encode(b"message", bytes(32), PARAMETERS, LENGTH, Spoiled(label_mask=128)),
    "filler at the beginning": encode(b"message", bytes(32), PARAMETERS, LENGTH, Spoiled(filler=2, filler_at=0)),
    "filler late": encode(b"m", bytes(32), PARAMETERS, LENGTH, Spoiled(filler=255)),
    "separator": encode(LONGEST, bytes(32), PARAMETERS, LENGTH, Spoiled(separator=2)),
    "no separator": encode(b"", bytes(32), PARAMETERS, LENGTH, Spoiled(without_separator=True)),
    "everything": bytes(range(256)) * 2,
    "zero": bytes(LENGTH),
}


class Trail:
    """The instructions of the decoder's modules, one after the other."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> Trail | None:
        """Take one event of the interpreter (``sys.settrace``)."""
        code: CodeType = frame.f_code
        if code.co_filename not in (oaep.__file__, mgf1.__file__):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.steps.append((code.co_qualname, frame.f_lasti))
        return self


def _instructions(encoded: bytes) -> tuple[list[tuple[str, int]], bool]:
    """Decode, and return the instructions, and whether it succeeded."""
    trail, before = Trail(), sys.gettrace()
    sys.settrace(trail)
    try:
        oaep.decode(encoded, PARAMETERS)
    except DecryptionFailed:
        return trail.steps, False
    finally:
        sys.settrace(before)
    return trail.steps, True


@pytest.mark.parametrize("name", BROKEN)
def test_every_failure_takes_the_same_instructions(name: str) -> None:
    """Not one more, not one less, whatever is broken and wherever."""
    expected, succeeded = _instructions(BROKEN["zero"])
    assert len(expected) > 500
    assert not succeeded
    assert _instructions(BROKEN[name]) == (expected, False)


@pytest.mark.parametrize("name", WHOLE)
def test_success_differs_only_after_the_decision(name: str) -> None:
    """The work on the padding is the same for every length of message; what follows it is one slice."""
    failure, _ = _instructions(BROKEN["zero"])
    success, succeeded = _instructions(WHOLE[name])
    assert succeeded
    same = next(index for index, pair in enumerate(zip(success, failure, strict=False)) if pair[0] != pair[1])
    assert max(len(success), len(failure)) - same < 20


@pytest.mark.parametrize("encoded", [*WHOLE.values(), *BROKEN.values()], ids=[*WHOLE, *BROKEN])
def test_the_same_hashes_over_the_same_lengths(encoded: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two masks of MGF1 and the label, block by block."""
    fed: list[tuple[str, int]] = []
    monkeypatch.setattr(algorithms, "hashlib", SimpleNamespace(new=lambda *args: _Recording(fed, *args)))
    try:
        oaep.decode(encoded, PARAMETERS)
    except DecryptionFailed:
        assert encoded in BROKEN.values()
    seed_mask = [("sha256", LENGTH - 33), ("sha256", 4)]
    db_mask = [("sha256", 32), *[("sha256", 4)] * 15]
    assert fed == [*seed_mask, *db_mask, ("sha256", len(PARAMETERS.label))]


class _Recording:
    """A hash that writes down how many bytes it is fed."""

    def __init__(self, fed: list[tuple[str, int]], name: str, data: bytes | None = None) -> None:
        self._fed, self._name = fed, name
        self._hash: Any = hashlib.new(name)
        if data is not None:
            self.update(data)

    def update(self, data: bytes) -> None:
        self._fed.append((self._name, len(data)))
        self._hash.update(data)

    def copy(self) -> _Recording:
        copied = _Recording(self._fed, self._name)
        copied._hash = self._hash.copy()
        return copied

    def digest(self) -> bytes:
        result: bytes = self._hash.digest()
        return result
