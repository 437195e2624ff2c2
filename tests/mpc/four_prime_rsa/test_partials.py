"""Partials of either kind: one that does not hold is refused, and blames the party that is said to have made it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.four_prime_rsa import Ciphertext, EncodedMessage, JointPublicKey, Role, SignatureAlgorithm
from mpc.four_prime_rsa.partials import parse_partial
from tests.mpc.four_prime_rsa.exchange import Exchange
from tests.mpc.parties import RANDOM, Decrypters, Signers, signing_share
from tests.mpc.refusals import blamed, malformed

CLIENT, SERVER = Role.CLIENT, Role.SERVER
PSS, PKCS1 = SignatureAlgorithm.PSS_SHA256, SignatureAlgorithm.PKCS1_SHA256
Forge = Callable[[int, int], int]

WRONG: dict[str, Forge] = {
    "zero": lambda *_: 0,
    "one": lambda *_: 1,
    "minus one": lambda _, modulus: modulus - 1,
    "the modulus": lambda _, modulus: modulus,
    "the greatest number": lambda *_: (1 << 2048) - 1,
    "negated": lambda right, modulus: modulus - right,
    "one more": lambda right, _: right + 1,
    "lowest bit": lambda right, _: right ^ 1,
    "doubled": lambda right, modulus: right * 2 % modulus,
    "squared": lambda right, modulus: right * right % modulus,
    "inverted": lambda right, modulus: pow(right, -1, modulus),
}


def signing(signers: Signers, algorithm: SignatureAlgorithm = PSS) -> Exchange:
    """Exchange partials of a new message."""
    return Exchange(signers.message(algorithm), signers.client, signers.server)


def decrypting(decrypters: Decrypters, value: int | None = None) -> Exchange:
    """Exchange partials of a new ciphertext, or of a given one."""
    value = int.from_bytes(RANDOM(512), "big") % decrypters.key.modulus if value is None else value
    ciphertext = Ciphertext(decrypters.key, value.to_bytes(512, "big"))
    return Exchange(ciphertext, decrypters.client, decrypters.server)


@pytest.fixture(params=["signature", "decryption"])
def exchange(request: pytest.FixtureRequest, signers: Signers, decrypters: Decrypters) -> Exchange:
    """One of each kind."""
    return signing(signers) if request.param == "signature" else decrypting(decrypters)


@pytest.mark.parametrize("role", Role)
def test_right_partial_is_read_back(role: Role, exchange: Exchange) -> None:
    """It is as long as the half, is the secret power of the number, and names its maker."""
    partial = exchange.create(role)
    data = partial.to_bytes()
    share = exchange.share(role)
    assert len(data) == share.public.byte_length
    assert pow(partial.value, 65537, share.public.modulus) == exchange.number % share.public.modulus
    assert exchange.parse(role, data) == partial
    assert partial.role is role


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", WRONG)
def test_wrong_partial_blames_its_maker(name: str, role: Role, exchange: Exchange) -> None:
    """Whatever number it is."""
    right, modulus = exchange.create(role).value, exchange.share(role).public.modulus
    forged = WRONG[name](right, modulus)
    with blamed(role, exchange.reason):
        exchange.parse(role, forged.to_bytes(256, "big"))


@pytest.mark.parametrize("role", Role)
def test_second_encoding_of_a_right_partial_is_refused(role: Role, signers: Signers) -> None:
    """S + N_i has the same e-th power, and would make one request into two."""
    modulus = signers.share(role).public.modulus
    exchange = signing(signers)
    while (second := exchange.create(role).value + modulus) >> 2048:
        exchange = signing(signers)
    assert pow(second, 65537, modulus) == exchange.number % modulus
    with blamed(role, exchange.reason):
        exchange.parse(role, second.to_bytes(256, "big"))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-1], lambda data: data[1:], lambda data: b"\0" + data, lambda data: data * 2, lambda _: b""],
    ids=["cut", "beheaded", "padded", "doubled", "empty"],
)
def test_wrong_length_is_malformed(change: Callable[[bytes], bytes], role: Role, exchange: Exchange) -> None:
    """There is one length."""
    with malformed("PARTIAL_MALFORMED"):
        exchange.parse(role, change(exchange.create(role).to_bytes()))


@pytest.mark.parametrize("role", Role)
def test_partial_of_the_other_party_is_refused(role: Role, exchange: Exchange) -> None:
    """The blame falls on the role that it is said to be of."""
    other = SERVER if role is CLIENT else CLIENT
    with blamed(role, exchange.reason):
        exchange.parse(role, exchange.create(other).to_bytes())


@pytest.mark.parametrize("role", Role)
def test_partial_of_another_key_is_refused(
    role: Role,
    signers: Signers,
    other_signers: Signers,
    decrypters: Decrypters,
    other_decrypters: Decrypters,
) -> None:
    """For the same digest, algorithm and salt; for the same ciphertext."""
    ours = signing(signers)
    assert isinstance(ours.subject, EncodedMessage)
    theirs = EncodedMessage(other_signers.key, PSS, ours.subject.digest, ours.subject.salt)
    foreign = Exchange(theirs, other_signers.client, other_signers.server).create(role)
    with blamed(role, "PARTIAL_SIGNATURE_INVALID"):
        ours.parse(role, foreign.to_bytes())
    value = int.from_bytes(RANDOM(500), "big")
    with blamed(role, "PARTIAL_DECRYPTION_INVALID"):
        decrypting(decrypters, value).parse(role, decrypting(other_decrypters, value).create(role).to_bytes())


@pytest.mark.parametrize("role", Role)
def test_partial_of_other_contents_is_refused(role: Role, signers: Signers, decrypters: Decrypters) -> None:
    """Another digest, salt, algorithm, or ciphertext."""
    key, digest, salt = signers.key, RANDOM(32), RANDOM(32)
    ours = Exchange(EncodedMessage(key, PSS, digest, salt), signers.client, signers.server)
    for other in (
        EncodedMessage(key, PSS, RANDOM(32), salt),
        EncodedMessage(key, PSS, digest, RANDOM(32)),
        EncodedMessage(key, PKCS1, digest, b""),
    ):
        partial = Exchange(other, signers.client, signers.server).create(role)
        with blamed(role, "PARTIAL_SIGNATURE_INVALID"):
            ours.parse(role, partial.to_bytes())
    with blamed(role, "PARTIAL_DECRYPTION_INVALID"):
        decrypting(decrypters).parse(role, decrypting(decrypters).create(role).to_bytes())


@given(data=st.binary(min_size=256, max_size=256), role=st.sampled_from(Role))
def test_no_random_number_is_a_partial(signers: Signers, data: bytes, role: Role) -> None:
    """Any 256 bytes."""
    with blamed(role, "PARTIAL_SIGNATURE_INVALID"):
        signing(signers, PKCS1).parse(role, data)


def test_ciphertext_one_has_partial_one(decrypters: Decrypters) -> None:
    """1^d = 1: the numbers whose partial anybody knows are right answers to themselves only."""
    modulus = decrypters.key.modulus
    for role in Role:
        share = decrypters.share(role)
        assert decrypting(decrypters, 1).create(role).value == 1
        assert decrypting(decrypters, modulus - 1).create(role).value == share.public.modulus - 1


@pytest.mark.parametrize("role", Role)
def test_zero_is_no_partial_even_of_zero(role: Role, signers: Signers) -> None:
    """The power of a multiple of N_i is 0; no encoding ever is one, and whoever finds one has broken the hash."""
    public = signers.share(role).public
    with blamed(role, "PARTIAL_SIGNATURE_INVALID"):
        parse_partial(public, 3 * public.modulus, bytes(256), what="partial signature")


def test_partial_serves_every_joint_key_with_that_half(signers: Signers) -> None:
    """EM depends on the size of N alone: what is to be signed for one joint key only must name that key itself."""
    other_server = signing_share(SERVER)
    exchange = signing(signers)
    assert isinstance(exchange.subject, EncodedMessage)
    other_key = JointPublicKey(signers.client.public, other_server.public)
    elsewhere = EncodedMessage(other_key, PSS, exchange.subject.digest, exchange.subject.salt)
    sent = exchange.create(CLIENT).to_bytes()
    assert Exchange(elsewhere, signers.client, other_server).parse(CLIENT, sent).to_bytes() == sent
