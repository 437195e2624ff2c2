"""The joint public key: which pairs of halves make one, and the arithmetic of their product."""

from __future__ import annotations

import subprocess
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import gmpy2
import pytest
import sympy.ntheory.modular  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import HALF_BITS, JointPublicKey, PublicShare, Purpose, Role, joint_key
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.parties import Decrypters, Signers
from tests.mpc.refusals import malformed, wrong_purpose

CLIENT, SERVER, SIGN, DECRYPT = Role.CLIENT, Role.SERVER, Purpose.SIGN, Purpose.DECRYPT

ODD = (1 << 2048) - (1 << 2040) + 1  # some odd number of the size of a half


def pair(client: int, server: int) -> JointPublicKey:
    """Make a joint key of two moduli."""
    return JointPublicKey(PublicShare(CLIENT, SIGN, client), PublicShare(SERVER, SIGN, server))


def test_modulus_is_the_product_of_exactly_twice_the_bits(sized_signers: Signers) -> None:
    """To the rest of the world an ordinary RSA key."""
    key, bits = sized_signers.key, sized_signers.client.public.half_bits
    assert key.modulus == sized_signers.client.public.modulus * sized_signers.server.public.modulus
    assert (key.half_bits, key.modulus.bit_length(), key.byte_length) == (bits, 2 * bits, bits // 4)
    numbers = key.to_cryptography().public_numbers()
    assert (numbers.n, numbers.e) == (key.modulus, 65537)
    assert key.to_der() == key.to_cryptography().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("bits", HALF_BITS)
def test_least_halves_still_make_a_whole_modulus(bits: int) -> None:
    """The least moduli that a half may have, a little apart: the product has all its bits."""
    least = int(gmpy2.isqrt(1 << (2 * bits - 1))) + 1 | 1
    assert pair(least, least + (1 << (bits - 50))).modulus.bit_length() == 2 * bits


def test_openssl_reads_the_key(signers: Signers) -> None:
    """As RSA of 4096 bits."""
    command = ["openssl", "pkey", "-pubin", "-inform", "DER", "-noout", "-text"]
    text = subprocess.run(command, input=signers.key.to_der(), capture_output=True, check=True).stdout
    assert b"(4096 bit)" in text


def test_equal_moduli_are_refused(signers: Signers) -> None:
    """N = N_i^2 would be split by a square root."""
    with malformed("MODULI_NOT_COPRIME"):
        pair(signers.client.public.modulus, signers.client.public.modulus)


def test_moduli_that_share_a_prime_are_refused() -> None:
    """Either could split the other's half. The same prime may stand first or second."""
    shared, others = moduli.random_prime(), [moduli.random_prime() for _ in range(2)]
    with malformed("MODULI_NOT_COPRIME"):
        pair(shared * others[0], others[1] * shared)
    assert pair(shared * others[0], others[1] * moduli.random_prime()).half_bits == 2048


@pytest.mark.parametrize("distance_bits", [1, 1000, 1947])
def test_moduli_close_to_each_other_are_refused(distance_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fermat's method would split N; nothing else refuses them."""
    other = ODD + (1 << distance_bits)
    for one, two in ((ODD, other), (other, ODD)):
        with malformed("MODULI_TOO_CLOSE"):
            pair(one, two)
    monkeypatch.setattr(joint_key, "_CLOSENESS_SLACK_BITS", 2048)
    assert pair(ODD, other).modulus == ODD * other


def test_moduli_just_far_enough_apart_are_accepted() -> None:
    """The least difference of more than k - 100 bits."""
    assert pair(ODD, ODD + (1 << 1948)).half_bits == 2048


def test_halves_of_different_sizes_are_refused(signers: Signers) -> None:
    """And the error says which have met."""
    large = PublicShare(SERVER, SIGN, (1 << 3072) - 1)
    with malformed("HALF_SIZES_DIFFER"):
        JointPublicKey(signers.client.public, large)


def test_roles_are_not_mixed_up(signers: Signers) -> None:
    """Two of a kind, or the wrong way round."""
    client, server = signers.client.public, signers.server.public
    for one, two in ((server, client), (client, client), (server, server)):
        with malformed("ROLES_MIXED_UP"):
            JointPublicKey(one, two)


def test_purposes_are_not_mixed_up(signers: Signers, decrypters: Decrypters) -> None:
    """A half for signing and one for decryption make no key; and a key is for its purpose only."""
    with wrong_purpose():
        JointPublicKey(signers.client.public, decrypters.server.public)
    with wrong_purpose():
        JointPublicKey(decrypters.client.public, signers.server.public)
    assert (signers.key.purpose, decrypters.key.purpose) == (SIGN, DECRYPT)
    signers.key.require(SIGN)
    with pytest.raises(WrongPurpose) as caught:
        signers.key.require(DECRYPT)
    assert caught.value.metadata == {"wanted": "decrypt", "found": "sign"}


def test_shares_are_found_by_role(signers: Signers) -> None:
    """Each under its own."""
    assert signers.key.share_of(CLIENT) == signers.client.public
    assert signers.key.share_of(SERVER) == signers.server.public


def test_key_is_fixed(signers: Signers) -> None:
    """Nobody changes a half under a key that was checked."""
    with pytest.raises(FrozenInstanceError):
        signers.key.modulus = 15  # type: ignore[misc]


def test_combining_small_numbers() -> None:
    """N_client = 15, N_server = 77, and 15 * 36 = 540 = 7 * 77 + 1.

    The number that is 2 mod 15 and 3 mod 77: 2 + 15 * ((3 - 2) * 36 mod 77) = 542 = 36 * 15 + 2 = 7 * 77 + 3.
    The one that is 7 mod 15 and 5 mod 77: 7 + 15 * ((5 - 7) * 36 mod 77) = 7 + 15 * 5 = 82 = 5 * 15 + 7 = 77 + 5.
    """
    halves = {"client": SimpleNamespace(modulus=15), "server": SimpleNamespace(modulus=77)}
    small = SimpleNamespace(**halves, client_modulus_inverse=36)
    assert JointPublicKey.combine(small, 2, 3) == 542  # type: ignore[arg-type]
    assert JointPublicKey.combine(small, 7, 5) == 82  # type: ignore[arg-type]


@given(data=st.data())
def test_combining_agrees_with_sympy(signers: Signers, data: st.DataObject) -> None:
    """Any two residues, the extreme ones among them."""
    client, server = signers.client.public.modulus, signers.server.public.modulus
    one = data.draw(st.integers(0, client - 1) | st.sampled_from([0, 1, client - 1]))
    two = data.draw(st.integers(0, server - 1) | st.sampled_from([0, 1, server - 1]))
    expected, modulus = sympy.ntheory.modular.crt([client, server], [one, two], check=False)
    assert modulus == signers.key.modulus
    assert signers.key.combine(one, two) == expected


@given(st.integers(1, 1 << 5000))
def test_public_exponentiation(signers: Signers, value: int) -> None:
    """value^65537 mod N."""
    assert signers.key.raise_to_public_exponent(value) == pow(value, 65537, signers.key.modulus)


def test_common_factors_are_seen(signers: Signers) -> None:
    """A number that shares a prime with either half."""
    assert signers.key.is_coprime(2)
    for share in (signers.client, signers.server):
        assert not signers.key.is_coprime(share.crt.p * 2)
        assert not signers.key.is_coprime(share.crt.q * 3)
    assert not signers.key.is_coprime(0)


def test_number_is_known_by_its_residues(signers: Signers) -> None:
    """One that is right modulo one half alone is another, and so is one that is not reduced."""
    key = signers.key
    value = 2**4000 + 12345
    residues = (value % key.client.modulus, value % key.server.modulus)
    assert key.has_residues(value, *residues)
    for other in (value ^ 1, value + key.modulus, value - key.modulus, residues[0], residues[1]):
        assert not key.has_residues(other, *residues)
    for share in (key.client, key.server):
        assert not key.has_residues((value + share.modulus) % key.modulus, *residues)
