"""A key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """In a joint key's place: to whoever verifies, it is an ordinary RSA key."""
    return rsa.generate_private_key(65537, 2048)
