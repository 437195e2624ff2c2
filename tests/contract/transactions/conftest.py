"""Keys of devices and back ends: made once a session."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from contract.sealing import SealingPrivateKey
from contract.signer_keys import SignerPrivateKey
from contract.transactions.binding import BindingCore, SignedBinding, to_be_signed
from mpc.four_prime_rsa import DecryptionShare, Role, SignatureAlgorithm
from tests.contract.transactions.parties import Device
from tests.mpc.parties import Signers, decryption_share, signing_share


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """A device's, on a card."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def signers() -> Signers:
    """The two parties of a device's joint key."""
    return Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER))


@pytest.fixture(scope="session", params=["joint", "ed25519", "p256", "rsa"])
def device(request: pytest.FixtureRequest, signers: Signers, rsa_key: rsa.RSAPrivateKey) -> Device:
    """A device of each kind."""
    if request.param == "joint":

        def sign_jointly(core: BindingCore, sealed: bytes) -> bytes:
            algorithm = SignatureAlgorithm.PSS_SHA256
            digest = algorithm.hash.digest(to_be_signed(core, sealed))
            return signers.sign(signers.message(algorithm, digest))

        return Device(signers.key.to_cryptography(), sign_jointly)
    keys: dict[str, SignerPrivateKey] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "rsa": rsa_key,
    }
    key = keys[request.param]
    return Device(key.public_key(), lambda core, sealed: SignedBinding.sign(core, sealed, key).signature)


@pytest.fixture(scope="session")
def card() -> Device:
    """The device that tests take where its kind is the same to them."""
    key = ed25519.Ed25519PrivateKey.generate()
    return Device(key.public_key(), lambda core, sealed: SignedBinding.sign(core, sealed, key).signature)


@pytest.fixture(scope="session")
def sealing_key() -> x25519.X25519PrivateKey:
    """The back end's key that tests take where its kind is the same to them."""
    return x25519.X25519PrivateKey.generate()


@pytest.fixture(scope="session", params=["x25519", "rsa", "half"])
def back_end_key(request: pytest.FixtureRequest, half: DecryptionShare) -> SealingPrivateKey:
    """A back end's key of each kind."""
    keys: dict[str, SealingPrivateKey] = {
        "x25519": x25519.X25519PrivateKey.generate(),
        "rsa": rsa.generate_private_key(65537, 2048),
        "half": half,
    }
    return keys[request.param]


@pytest.fixture(scope="session")
def half() -> DecryptionShare:
    """A back end's half."""
    return decryption_share(Role.SERVER)
