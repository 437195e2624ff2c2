"""Named keys, wherever custody has them: the same promises of the database and of a token; and what attackers do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mpc.errors import MalformedInput, WrongPurpose
from mpc.four_prime_rsa import Purpose
from server.clock import system_clock
from server.config import load_settings
from server.custody import KeyKind, NamedKey, SealBroken
from server.custody.pkcs11 import TokenHolder
from server.custody.pkcs11.keys import TokenEcKey, TokenRsaKey
from server.custody.private_keys import NamedEcKey, NamedRsaKey
from server.root.ground import Ground, open_ground
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.harness import make_home, silent_log
from wire.catalogue import ServiceError

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


@dataclass(frozen=True)
class Stored:
    """What a row would have of a key."""

    name: str
    purpose: Purpose
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    sealed: bytes

    @property
    def facts(self) -> tuple[bytes, ...]:
        """What it is bound to."""
        return (self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), self.purpose.encode())


class Keys:
    """Custody, and what is stored."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def new(self, name: str, kind: KeyKind, purpose: Purpose = Purpose.SIGN) -> Stored:
        """Make a key, and keep it."""
        keys = self.ground.custody.keys
        key = keys.make(name, kind, purpose)
        stored = Stored(name, purpose, key.public_key(), b"")
        facts, now = stored.facts, system_clock()
        sealed = self.ground.database.write_now(lambda connection: keys.keep(connection, key, facts, now))
        return Stored(name, purpose, key.public_key(), sealed)

    def open(self, stored: Stored) -> NamedKey:
        """Have it again."""
        name, purpose, public_key = stored.name, stored.purpose, stored.public_key
        keys = self.ground.custody.keys
        return self.ground.database.read_now(
            lambda connection: keys.open(connection, name, purpose, public_key, stored.facts, stored.sealed)
        )


@pytest.fixture(params=["database", "token"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keys]:
    """Custody in the database, and in a token."""
    if request.param == "token":
        request.getfixturevalue("in_token")
    home = make_home(tmp_path / "server")
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        yield Keys(ground)


@pytest.fixture
def token_keys(in_token: SoftToken, tmp_path: Path) -> Iterator[Keys]:  # noqa: ARG001  # set up in it
    """Custody in a token."""
    home = make_home(tmp_path / "server")
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        yield Keys(ground)


def test_keys_do_one_thing_and_stay(keys: Keys, tmp_path: Path) -> None:
    """Each signs what others verify, or decrypts; none does both, none comes out, none opens as another."""
    wishes = {
        "one": (KeyKind.ECDSA_P256, Purpose.SIGN),
        "two": (KeyKind.ECDSA_P256, Purpose.SIGN),
        "three": (KeyKind.ECDSA_P384, Purpose.SIGN),
        "four": (KeyKind.RSA_3072, Purpose.SIGN),
        "five": (KeyKind.RSA_3072, Purpose.DECRYPT),
    }
    stored = {name: keys.new(name, *wish) for name, wish in wishes.items()}
    opened = {name: keys.open(each) for name, each in stored.items()}
    for name in ("one", "three", "four"):
        key = opened[name]
        request = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, hashes.SHA256())
        (tmp_path / "request.pem").write_bytes(request.public_bytes(Encoding.PEM))
        command = ["openssl", "req", "-verify", "-noout", "-in", str(tmp_path / "request.pem")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "verify OK" in done.stdout + done.stderr
        with pytest.raises(UnsupportedAlgorithm, match="stays in custody"):
            key.private_numbers()
        with pytest.raises(UnsupportedAlgorithm, match="stays in custody"):
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        assert key.public_key() == stored[name].public_key
    on_curve, signs, decrypts = opened["one"], opened["four"], opened["five"]
    assert isinstance(on_curve, NamedEcKey)
    assert isinstance(signs, NamedRsaKey)
    assert isinstance(decrypts, NamedRsaKey)
    for algorithm in (hashes.SHA256(), hashes.SHA512()):  # the longer one is cut to the size of the curve
        signature = on_curve.sign(b"contract", ec.ECDSA(algorithm))
        on_curve.public_key().verify(signature, b"contract", ec.ECDSA(algorithm))
    with pytest.raises(UnsupportedAlgorithm):
        on_curve.exchange(ec.ECDH(), on_curve.public_key())
    signs.public_key().verify(signs.sign(b"contract", PSS, hashes.SHA256()), b"contract", PSS, hashes.SHA256())
    with pytest.raises((MalformedInput, ValueError)):
        signs.sign(b"no digest", PSS, Prehashed(hashes.SHA256()))
    ciphertext = decrypts.public_key().encrypt(b"secret", OAEP)
    assert decrypts.decrypt(ciphertext, OAEP) == b"secret"
    number = int.from_bytes(ciphertext, "big") ^ 1
    with pytest.raises(ValueError, match=r"\ADecryption failed\Z"):
        decrypts.decrypt(number.to_bytes(len(ciphertext), "big"), OAEP)
    for wrong in (b"", ciphertext[1:], b"\xff" * len(ciphertext)):
        with pytest.raises(ValueError, match="no ciphertext"):
            decrypts.decrypt(wrong, OAEP)
    with pytest.raises(UnsupportedAlgorithm):
        decrypts.decrypt(ciphertext, padding.PKCS1v15())  # whose failures can be told apart
    with pytest.raises(WrongPurpose):
        decrypts.sign(b"contract", PSS, hashes.SHA256())
    with pytest.raises(WrongPurpose):
        signs.decrypt(ciphertext, OAEP)
    with pytest.raises(WrongPurpose):
        keys.ground.custody.keys.make("six", KeyKind.ECDSA_P384, Purpose.DECRYPT)

    one, two, four = stored["one"], stored["two"], stored["four"]
    for mixed in (
        Stored("one", one.purpose, one.public_key, two.sealed),
        Stored("two", one.purpose, one.public_key, one.sealed),
        Stored("one", one.purpose, two.public_key, one.sealed),
        Stored("four", Purpose.DECRYPT, four.public_key, four.sealed),
    ):
        with pytest.raises(SealBroken):
            keys.open(mixed)


def test_objects_in_the_token(token_keys: Keys, in_token: SoftToken, tmp_path: Path) -> None:
    """Software that knows nothing of us sees what may be done with each, and gets none out, PIN or not."""
    stored = [
        token_keys.new("on-curve", KeyKind.ECDSA_P384),
        token_keys.new("decrypts", KeyKind.RSA_3072, Purpose.DECRYPT),
    ]
    shown = in_token.tool("--list-objects", "--type", "privkey").split("Private Key Object")
    for name, usage in (("authority", "sign"), ("on-curve", "sign"), ("decrypts", "decrypt")):
        (found,) = (each for each in shown if f"fourseal {name}\n" in each)
        assert re.search(rf"Usage: *{usage}\n", found)
        assert re.search(r"Access: *sensitive, always sensitive, never extractable, local\n", found)
        (object_id,) = re.findall(r"ID: *([0-9a-f]{32})\n", found)
        in_token.tool("--read-object", "--type", "privkey", "--id", object_id, "--output-file", str(tmp_path / name))
        assert not (tmp_path / name).exists()
        prohibited = "PKCS11Error"  # CKR_ACTION_PROHIBITED, for which python-pkcs11 has no class
        assert list(in_token.export(object_id).values()) == ["AttributeSensitive", "KeyUnextractable", prohibited]
    for each in stored:
        key = token_keys.open(each)
        assert isinstance(key, TokenEcKey | TokenRsaKey)
        assert key.token_object.object_id in "".join(shown)
        assert len(each.sealed) < 64  # a name, and no numbers


def test_who_has_the_pin_puts_another_key_in_its_place(token_keys: Keys, in_token: SoftToken) -> None:
    """Neither a key that was brought, nor one made in the token like ours, signs for ours; beside it neither."""
    on_curve, with_rsa = token_keys.new("on-curve", KeyKind.ECDSA_P256), token_keys.new("with-rsa", KeyKind.RSA_3072)
    signed = token_keys.open(on_curve)
    assert isinstance(signed, TokenEcKey)
    signed.sign(b"contract", ec.ECDSA(hashes.SHA256()))
    object_id = signed.token_object.object_id

    def refused() -> None:
        with pytest.raises(ServiceError) as found:
            signed.sign(b"contract", ec.ECDSA(hashes.SHA256()))
        assert found.value.reason == "NAMED_KEY_DAMAGED"

    in_token.tool("--delete-object", "--type", "privkey", "--id", object_id)
    refused()
    holder = token_keys.ground.custody.shares.holder
    assert isinstance(holder, TokenHolder)
    holder.pool().ask("generate_on_curve", object_id=object_id, label="on-curve", curve="secp256r1")  # in all like ours
    refused()
    other = token_keys.open(with_rsa)
    assert isinstance(other, TokenRsaKey)
    in_token.plant(rsa.generate_private_key(65537, 3072), other.token_object.object_id)
    with pytest.raises(ServiceError) as found:
        other.sign(b"contract", PSS, hashes.SHA256())
    assert found.value.reason == "NAMED_KEY_DAMAGED"
