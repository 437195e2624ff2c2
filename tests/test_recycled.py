"""Keys come again, and no test meets one twice."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.recycled import RecycledKeys

_KIND = (65537, 1024)


def test_keys_come_again_in_the_next_test_alone() -> None:
    """The first ones, in their order; then new ones."""
    keys = RecycledKeys()
    first = [keys.generate(*_KIND) for _ in range(3)]
    assert len({_modulus(key) for key in first}) == 3
    keys.begin_again()
    again = [keys.generate(*_KIND) for _ in range(4)]
    assert again[:3] == first
    assert _modulus(again[3]) not in {_modulus(key) for key in first}
    assert keys.generate(3, 1024).public_key().public_numbers().e == 3


def _modulus(key: rsa.RSAPrivateKey) -> int:
    return key.public_key().public_numbers().n
