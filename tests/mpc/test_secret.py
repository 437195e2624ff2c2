"""No secret number can be got out of an object by printing, comparing, copying or serialising it."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis.vendor.pretty import pretty
from rich.pretty import pretty_repr

from mpc.engines import CrtPrivateKey, EngineName
from mpc.engines.blinding import BlindingPairs
from mpc.engines.multi_buffer import MultiBufferKey
from mpc.engines.openssl import OpensslKey
from mpc.four_prime_rsa import ClientCommitment, DecryptionShare, KeyShare, SigningShare, commit_to_share
from mpc.four_prime_rsa.half import DecryptionHalf, Half, SigningHalf
from mpc.oprf import Blinded, OprfKey
from mpc.secret import Secret
from tests.mpc.engines.conftest import opened
from tests.mpc.leaks import leaked
from tests.mpc.parties import RANDOM, Signers

PRINTERS: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "ascii": ascii,
    "pprint": pprint.pformat,
    "rich": pretty_repr,
    "hypothesis": pretty,
    "%s": "%s".__mod__,
    "f-string": lambda secret: f"{secret} {secret!r} {[secret]} { {'secret': secret} }",
    "json with a default": lambda secret: json.dumps(secret, default=repr),
    "an error about it": lambda secret: str(ValueError(secret)),
}
TAKERS: dict[str, Callable[[Any], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "__copy__": lambda secret: secret.__copy__(),
    "__deepcopy__": lambda secret: secret.__deepcopy__({}),
    "__reduce__": lambda secret: secret.__reduce__(),
    "__getstate__": lambda secret: secret.__getstate__(),
    "json": json.dumps,
    "vars": vars,
    "asdict": dataclasses.asdict,
    "astuple": dataclasses.astuple,
    "bytes": bytes,
    "hash": hash,
    "equal to itself": lambda secret: secret == secret,  # noqa: PLR0124
    "different": lambda secret: secret != 1,
    "in a list": [object()].__contains__,
    "in a set": lambda secret: {secret},
    "format in hexadecimal": lambda secret: f"{secret:x}",
}


PREPARED: dict[str, type[Secret]] = {EngineName.LIBCRYPTO: OpensslKey, EngineName.CRYPTO_MB: MultiBufferKey}
"""What engines make of a key."""


@pytest.fixture(params=["share", "crt", "commitment", "blinding", *PREPARED])
def secret(request: pytest.FixtureRequest, signers: Signers) -> Secret:
    """One of each kind of secret, all around the same share."""
    if request.param in PREPARED:
        opened(request.param).exponentiate([(signers.client.crt, 2)] * 8, RANDOM)
        made = signers.client.crt._prepared.values()
        return next(key for key in made if isinstance(key, PREPARED[request.param]))
    if request.param == "blinding":
        return BlindingPairs(signers.client.crt.modulus, 65537)
    secrets: dict[str, Secret] = {
        "share": signers.client,
        "crt": signers.client.crt,
        "commitment": commit_to_share(signers.client, RANDOM),
    }
    return secrets[request.param]


@pytest.mark.parametrize("printer", PRINTERS)
def test_printing_shows_nothing_secret(printer: str, secret: Secret, signers: Signers) -> None:
    """It says what it is, and that the rest is redacted."""
    text = PRINTERS[printer](secret)
    assert "redacted" in text
    assert type(secret).__name__ in text
    assert leaked(text, signers.client) == []
    if isinstance(secret, ClientCommitment):
        assert secret.commitment.hex() in text
        assert secret.nonce.hex() not in text
        assert repr(secret.nonce) not in text


@pytest.mark.parametrize("taker", TAKERS)
def test_nothing_takes_it_apart(taker: str, secret: Secret, signers: Signers) -> None:
    """The refusal quotes nothing of it either."""
    with pytest.raises(TypeError) as caught:
        TAKERS[taker](secret)
    assert leaked("".join(traceback.format_exception(caught.value)), signers.client) == []


def test_pickling_says_why_it_cannot_be(secret: Secret) -> None:
    """By every protocol; a task queue shows that to whoever tried."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="is secret and cannot be pickled or copied"):
            pickle.dumps(secret, protocol)


def test_every_secret_type_is_among_those_tested() -> None:
    """A new one is to be added above."""
    tested = {CrtPrivateKey, KeyShare, SigningShare, DecryptionShare, ClientCommitment}
    tested |= {BlindingPairs, *PREPARED.values()}
    tested |= {OprfKey, Blinded}  # what they hide is in objects of a library; see test_oprf
    empty = {Half, SigningHalf, DecryptionHalf}  # say what others have, and have nothing themselves
    assert all(kind.__slots__ == () for kind in empty)
    assert {kind for kind in _descendants(Secret) if kind.__module__.startswith("mpc.")} == tested | empty


def test_the_search_finds_what_is_there(signers: Signers) -> None:
    """Otherwise the tests above would say nothing."""
    crt = signers.client.crt
    assert leaked(f"p={crt.p}", signers.client) == ["p of the client"]
    assert leaked(f"{crt.q:_x}", signers.client) == ["q of the client"]
    assert leaked(f"...{str(crt.exponent_p)[-60:]}", signers.client, signers.server) == ["exponent_p of the client"]
    assert leaked(f"N={crt.modulus}", signers.client) == []


def _descendants(kind: type) -> set[type]:
    children: list[type] = kind.__subclasses__()
    return {found for child in children for found in (child, *_descendants(child))}
