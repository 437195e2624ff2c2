"""A joint key where an RSAPrivateKey is taken, judged by OpenSSL and by ``cryptography``."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from mpc.errors import WrongPurpose
from mpc.four_prime_rsa import OaepParameters, Role, SignatureAlgorithm
from signer_agent.joint_private_key import JointPrivateKey, LoopSigner
from tests.mpc.parties import Decrypters, Signers, decryption_share, signing_share
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import NOW

SHA256, SHA384, SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
KEY_ID = "key-" + "a" * 26


def pss(hash_algorithm: hashes.HashAlgorithm) -> padding.PSS:
    """The PSS that a joint key makes."""
    return padding.PSS(padding.MGF1(hash_algorithm), padding.PSS.DIGEST_LENGTH)


def oaep(hash_algorithm: hashes.HashAlgorithm, mgf: hashes.HashAlgorithm, label: bytes | None = None) -> padding.OAEP:
    """Any OAEP."""
    return padding.OAEP(padding.MGF1(mgf), hash_algorithm, label)


class BothParties:
    """Signs and decrypts with both shares, in this process, as agent and server do together."""

    def __init__(self, signers: Signers, decrypters: Decrypters) -> None:
        self.signers = signers
        self.decrypters = decrypters

    def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """See ``Signer``."""
        assert key == KEY_ID
        return self.signers.sign(self.signers.message(algorithm, digest))

    def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """See ``Signer``."""
        assert key == KEY_ID
        return self.decrypters.decrypt(ciphertext, parameters)


@pytest.fixture(scope="module")
def parties() -> BothParties:
    """A key for each purpose."""
    return BothParties(
        Signers(signing_share(Role.CLIENT), signing_share(Role.SERVER)),
        Decrypters(decryption_share(Role.CLIENT), decryption_share(Role.SERVER)),
    )


@pytest.fixture
def signing(parties: BothParties) -> JointPrivateKey:
    """A key that signs."""
    return JointPrivateKey(parties, KEY_ID, parties.signers.key)


@pytest.fixture
def decrypting(parties: BothParties) -> JointPrivateKey:
    """A key that decrypts."""
    return JointPrivateKey(parties, KEY_ID, parties.decrypters.key)


def openssl(*arguments: str | Path) -> str:
    """Run OpenSSL; it must agree."""
    run = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def self_signed(key: JointPrivateKey, rsa_padding: padding.PSS | padding.PKCS1v15) -> x509.Certificate:
    """A certificate of the key, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "joint")])
    usage = x509.KeyUsage(True, True, False, False, False, True, True, False, False)  # noqa: FBT003
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256, rsa_padding=rsa_padding)
    )


def test_it_is_an_rsa_private_key(signing: JointPrivateKey) -> None:
    """With the joint public key and its size."""
    assert isinstance(signing, rsa.RSAPrivateKey)
    assert signing.key_size == signing.public_key().key_size == 4096
    assert signing.key_id == KEY_ID
    assert copy.copy(signing) is copy.deepcopy(signing) is signing
    assert repr(signing) == f"<JointPrivateKey {KEY_ID} sign 4096 bits>"


@pytest.mark.parametrize("hash_algorithm", [SHA256, SHA384, SHA512], ids=lambda found: found.name)
@pytest.mark.parametrize("kind", ["pss", "pkcs1"])
@pytest.mark.parametrize("prehashed", [False, True])
def test_signatures_hold(
    signing: JointPrivateKey, hash_algorithm: hashes.HashAlgorithm, kind: str, *, prehashed: bool
) -> None:
    """By both paddings, all hashes, of the data or of its digest."""
    chosen = pss(hash_algorithm) if kind == "pss" else padding.PKCS1v15()
    digest = hashlib.new(hash_algorithm.name, b"data").digest()
    if prehashed:
        signature = signing.sign(digest, chosen, Prehashed(hash_algorithm))
    else:
        signature = signing.sign(b"data", chosen, hash_algorithm)
    signing.public_key().verify(signature, b"data", chosen, hash_algorithm)


@pytest.mark.parametrize("rsa_padding", [padding.PKCS1v15(), pss(SHA256)], ids=["pkcs1", "pss"])
def test_openssl_accepts_a_certificate_request(
    signing: JointPrivateKey, tmp_path: Path, rsa_padding: padding.PSS | padding.PKCS1v15
) -> None:
    """``openssl req -verify``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "joint")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = request.sign(signing, SHA256, rsa_padding=rsa_padding)
    (tmp_path / "request.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    said = openssl("req", "-verify", "-noout", "-in", tmp_path / "request.pem")
    assert "verify OK" in said


@pytest.mark.parametrize("rsa_padding", [padding.PKCS1v15(), pss(SHA256)], ids=["pkcs1", "pss"])
def test_openssl_accepts_a_self_signed_certificate(
    signing: JointPrivateKey, tmp_path: Path, rsa_padding: padding.PSS | padding.PKCS1v15
) -> None:
    """``openssl verify`` with the signature of the anchor itself checked."""
    path = tmp_path / "certificate.pem"
    path.write_bytes(self_signed(signing, rsa_padding).public_bytes(Encoding.PEM))
    said = openssl("verify", "-check_ss_sig", "-attime", str(int(NOW.timestamp()) + 60), "-CAfile", path, path)
    assert said.strip().endswith("OK")


@pytest.mark.parametrize("rsa_padding", [padding.PKCS1v15(), pss(SHA256)], ids=["pkcs1", "pss"])
def test_openssl_accepts_a_detached_cms_signature(
    signing: JointPrivateKey, tmp_path: Path, rsa_padding: padding.PSS | padding.PKCS1v15
) -> None:
    """``openssl cms -verify``, of a document that is not text."""
    certificate = self_signed(signing, padding.PKCS1v15())
    (tmp_path / "document").write_bytes(bytes(range(256)))
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(bytes(range(256)))
    builder = builder.add_signer(certificate, signing, SHA256, rsa_padding=rsa_padding)
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    (tmp_path / "signature").write_bytes(builder.sign(Encoding.DER, options))
    given: list[str | Path] = ["-in", tmp_path / "signature", "-content", tmp_path / "document"]
    anchor: list[str | Path] = ["-CAfile", tmp_path / "certificate.pem", "-no_check_time", "-purpose", "any"]
    openssl("cms", "-verify", "-binary", "-inform", "DER", *given, *anchor, "-out", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == bytes(range(256))


def test_openssl_accepts_a_revocation_list(signing: JointPrivateKey, tmp_path: Path) -> None:
    """``openssl crl`` with the issuer's certificate."""
    certificate = self_signed(signing, padding.PKCS1v15())
    builder = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
    builder = builder.last_update(NOW).next_update(NOW + timedelta(days=1))
    (tmp_path / "list.pem").write_bytes(builder.sign(signing, SHA256).public_bytes(Encoding.PEM))
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    said = openssl("crl", "-noout", "-in", tmp_path / "list.pem", "-CAfile", tmp_path / "certificate.pem")
    assert "verify OK" in said


@pytest.mark.parametrize(
    ("rsa_padding", "algorithm"),
    [
        (padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH), SHA256),
        (padding.PSS(padding.MGF1(SHA256), padding.PSS.AUTO), SHA256),
        (padding.PSS(padding.MGF1(SHA256), 20), SHA256),
        (padding.PSS(padding.MGF1(SHA256), 0), SHA256),
        (padding.PSS(padding.MGF1(SHA384), 32), SHA256),
        (padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303  # what must be refused
        (padding.PKCS1v15(), hashes.SHA224()),
        (padding.PKCS1v15(), hashes.SHA3_256()),
        (padding.PKCS1v15(), Prehashed(hashes.SHA1())),  # noqa: S303  # what must be refused
        (padding.PKCS1v15(), NoDigestInfo()),
        (oaep(SHA256, SHA256), SHA256),
    ],
)
def test_another_algorithm_is_unsupported(
    signing: JointPrivateKey,
    rsa_padding: padding.AsymmetricPadding,
    algorithm: hashes.HashAlgorithm | Prehashed | NoDigestInfo,
) -> None:
    """As ``cryptography`` says it, so that libraries built on it understand."""
    with pytest.raises(UnsupportedAlgorithm):
        signing.sign(b"data", rsa_padding, algorithm)


def test_a_salt_length_may_be_said_in_bytes(signing: JointPrivateKey) -> None:
    """32 bytes is the length of SHA-256."""
    chosen = padding.PSS(padding.MGF1(SHA256), 32)
    signing.public_key().verify(signing.sign(b"data", chosen, SHA256), b"data", chosen, SHA256)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_digest_of_wrong_length_is_refused(signing: JointPrivateKey, length: int) -> None:
    """Prehashed data is a digest of that hash."""
    with refused("DIGEST_LENGTH_WRONG"):
        signing.sign(bytes(length), padding.PKCS1v15(), Prehashed(SHA256))


@pytest.mark.parametrize("hash_algorithm", [SHA256, SHA384, SHA512], ids=lambda found: found.name)
@pytest.mark.parametrize("mgf", [SHA256, SHA512], ids=lambda found: found.name)
@pytest.mark.parametrize("label", [None, b"label"])
def test_what_cryptography_encrypts_is_decrypted(
    decrypting: JointPrivateKey, hash_algorithm: hashes.HashAlgorithm, mgf: hashes.HashAlgorithm, label: bytes | None
) -> None:
    """With every combination of hashes, with and without a label."""
    chosen = oaep(hash_algorithm, mgf, label)
    assert decrypting.decrypt(decrypting.public_key().encrypt(b"secret", chosen), chosen) == b"secret"


def test_what_openssl_encrypts_is_decrypted(decrypting: JointPrivateKey, tmp_path: Path) -> None:
    """``openssl pkeyutl -encrypt`` under the joint public key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "key.pem").write_bytes(decrypting.public_key().public_bytes(Encoding.PEM, form))
    (tmp_path / "plain").write_bytes(b"a content key")
    options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"]
    files: list[str | Path] = ["-in", tmp_path / "plain", "-out", tmp_path / "secret"]
    openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", tmp_path / "key.pem", *options, *files)
    assert decrypting.decrypt((tmp_path / "secret").read_bytes(), oaep(SHA256, SHA256)) == b"a content key"


def test_a_padding_that_fails_is_a_value_error(decrypting: JointPrivateKey) -> None:
    """As ``cryptography`` says it, with nothing about the cause."""
    ciphertext = decrypting.public_key().encrypt(b"secret", oaep(SHA256, SHA256))
    with pytest.raises(ValueError, match=r"\ADecryption failed\Z") as caught:
        decrypting.decrypt(ciphertext, oaep(SHA512, SHA512))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "chosen",
    [padding.PKCS1v15(), pss(SHA256), oaep(hashes.SHA1(), hashes.SHA1()), oaep(SHA256, hashes.SHA1())],  # noqa: S303
)
def test_another_decryption_is_unsupported(decrypting: JointPrivateKey, chosen: padding.AsymmetricPadding) -> None:
    """PKCS#1 v1.5 above all: its padding would be an oracle."""
    with pytest.raises(UnsupportedAlgorithm):
        decrypting.decrypt(bytes(512), chosen)


def test_a_key_does_one_thing(signing: JointPrivateKey, decrypting: JointPrivateKey) -> None:
    """A signing key does not decrypt, a decryption key does not sign; and no share is asked."""
    with pytest.raises(WrongPurpose):
        decrypting.sign(b"data", padding.PKCS1v15(), SHA256)
    with pytest.raises(WrongPurpose):
        signing.decrypt(bytes(512), oaep(SHA256, SHA256))


def test_the_private_key_cannot_be_taken_out(signing: JointPrivateKey) -> None:
    """Nobody has it, and that is said."""
    with refused("PRIVATE_KEY_DIVIDED", key_id=KEY_ID):
        signing.private_numbers()
    with refused("PRIVATE_KEY_DIVIDED", key_id=KEY_ID):
        signing.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class AsyncParties:
    """``BothParties`` for asyncio."""

    def __init__(self, parties: BothParties) -> None:
        self._parties = parties

    async def sign_digest(self, key: str, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """See ``AsyncSigner``."""
        return self._parties.sign_digest(key, digest, algorithm)

    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters) -> bytes:
        """See ``AsyncSigner``."""
        return self._parties.decrypt(key, ciphertext, parameters)


async def test_a_key_on_an_event_loop_is_used_from_other_threads(parties: BothParties) -> None:
    """On the loop's own thread it would wait for itself: refused. In another it works."""
    signer = LoopSigner(AsyncParties(parties), asyncio.get_running_loop())
    key = JointPrivateKey(signer, KEY_ID, parties.signers.key)
    with refused("LOOP_BLOCKED"):
        key.sign(b"data", padding.PKCS1v15(), SHA256)
    signature = await asyncio.to_thread(key.sign, b"data", padding.PKCS1v15(), SHA256)
    key.public_key().verify(signature, b"data", padding.PKCS1v15(), SHA256)


def test_a_key_outlives_its_event_loop_as_a_refusal(parties: BothParties) -> None:
    """Not as a call that never ends."""

    async def make() -> JointPrivateKey:
        return JointPrivateKey(
            LoopSigner(AsyncParties(parties), asyncio.get_running_loop()), KEY_ID, parties.signers.key
        )

    key = asyncio.run(make())
    with refused("AGENT_CLOSED"):
        key.sign(b"data", padding.PKCS1v15(), SHA256)
