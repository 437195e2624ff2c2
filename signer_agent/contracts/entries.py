"""What this part keeps in the key store.

::

    login/current.json             the login; sealed: its token
    accounts/<name>.json           which pair of signer keys the account uses
    signer-keys/<request id>.json  a pair of signer keys with its certificates; sealed: both keys
    contacts/<name>.json           certificates of somebody else that were seen and accepted
    sessions/<session id>.json     the newest certificates of a session that were seen
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from contract.names import check_account_name, check_session_id
from mpc.four_prime_rsa import DecryptionShare, Purpose, Role, SigningShare, load_key_share
from mpc.secret import Secret
from signer_agent.keystore.drawer import Drawer
from signer_agent.keystore.store import KeyStore
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text
from wire.ids import check_request_id

CURRENT: Final = "current"
"""Name of the one login."""

_LENGTH_BYTES: Final = 4

SignKey = SigningShare | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
"""A half of joint keys, or a key for the separate scheme alone."""
EncryptKey = DecryptionShare | rsa.RSAPrivateKey | x25519.X25519PrivateKey
"""The same for encryption."""


class StoredLogin(Secret):
    """The login that this agent has.

    Args:
        account: whose.
        login_id: names it.
        proven: whether possession of the signer keys was proved.
        token: 43 characters, secret.
    """

    __slots__ = ("account", "login_id", "proven", "token")

    def __init__(self, account: str, login_id: str, token: str, *, proven: bool) -> None:
        self.account = account
        self.login_id = login_id
        self.token = token
        self.proven = proven

    def _public_summary(self) -> str:
        return f"account={self.account} login_id={self.login_id}"

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"account": self.account, "login_id": self.login_id, "proven": int(self.proven)}

    def to_secret_bytes(self) -> bytes:
        """The token."""
        return self.token.encode()

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo the two."""
        proven = fields.integer("proven") == 1
        return cls(fields.text("account"), fields.text("login_id"), secret.decode(), proven=proven)


class SignerKeys(Secret):
    """A pair of keys of an account, with the request for its certificates, and these once they were issued.

    Args:
        account: whose.
        request: IssueSignerCertificatesRequest, serialised: after a crash the same is sent again.
        sign_key: the key for signing.
        encrypt_key: the key for encryption.
        sign_certificate: DER; empty until it was issued.
        encrypt_certificate: DER; empty until it was issued.
    """

    __slots__ = ("account", "encrypt_certificate", "encrypt_key", "request", "sign_certificate", "sign_key")

    def __init__(
        self,
        account: str,
        request: bytes,
        sign_key: SignKey,
        encrypt_key: EncryptKey,
        sign_certificate: bytes = b"",
        encrypt_certificate: bytes = b"",
    ) -> None:
        self.account = account
        self.request = request
        self.sign_key = sign_key
        self.encrypt_key = encrypt_key
        self.sign_certificate = sign_certificate
        self.encrypt_certificate = encrypt_certificate

    @property
    def expire_time(self) -> datetime:
        """When the first of the certificates ends, UTC. Both must be there."""
        certificates = map(x509.load_der_x509_certificate, (self.sign_certificate, self.encrypt_certificate))
        return min(each.not_valid_after_utc for each in certificates)

    def _public_summary(self) -> str:
        return f"account={self.account}"

    def issued(self, sign_certificate: bytes, encrypt_certificate: bytes) -> SignerKeys:
        """The same with certificates."""
        return SignerKeys(
            self.account, self.request, self.sign_key, self.encrypt_key, sign_certificate, encrypt_certificate
        )

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {
            "account": self.account,
            "request": bytes_to_text(self.request),
            "sign_is_half": int(isinstance(self.sign_key, SigningShare)),
            "encrypt_is_half": int(isinstance(self.encrypt_key, DecryptionShare)),
            "sign_certificate": bytes_to_text(self.sign_certificate),
            "encrypt_certificate": bytes_to_text(self.encrypt_certificate),
        }

    def to_secret_bytes(self) -> bytes:
        """Both keys."""
        sign = _key_to_bytes(self.sign_key)
        return len(sign).to_bytes(_LENGTH_BYTES, "big") + sign + _key_to_bytes(self.encrypt_key)

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo the two."""
        end = _LENGTH_BYTES + int.from_bytes(secret[:_LENGTH_BYTES], "big")
        return cls(
            account=fields.text("account"),
            request=fields.data("request"),
            sign_key=_load_sign_key(secret[_LENGTH_BYTES:end], is_half=fields.integer("sign_is_half") == 1),
            encrypt_key=_load_encrypt_key(secret[end:], is_half=fields.integer("encrypt_is_half") == 1),
            sign_certificate=fields.data("sign_certificate"),
            encrypt_certificate=fields.data("encrypt_certificate"),
        )


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """Which pairs an account has, by request id. Older pairs stay: they open older messages.

    Args:
        active: the pair in use; empty if there is none.
        pending: the pair that certificates are asked for; empty if there is none.
        former: pairs that were used before.
        key_change: what proves that the key for signing of the pair before became that of the active one: DER of
            KeyChangeProof (``contract.announcements``); empty if no pair was active before.
        earlier_changes: the same of the pairs before, as far as an announcement has room for them, the earliest first.
    """

    active: str = ""
    pending: str = ""
    former: tuple[str, ...] = ()
    key_change: bytes = b""
    earlier_changes: tuple[bytes, ...] = ()

    def to_public(self) -> Json:
        """As it stands in the file."""
        change = {"key_change": bytes_to_text(self.key_change)} if self.key_change else {}
        earlier = {"earlier_changes": [each.hex() for each in self.earlier_changes]} if self.earlier_changes else {}
        return change | earlier | {"active": self.active, "pending": self.pending, "former": list(self.former)}

    def to_secret_bytes(self) -> bytes:
        """Nothing is secret."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """Undo ``to_public``."""
        key_change = fields.data("key_change") if fields.has("key_change") else b""
        earlier = fields.texts("earlier_changes") if fields.has("earlier_changes") else []
        names = fields.text("active"), fields.text("pending"), tuple(fields.texts("former"))
        return cls(*names, key_change, tuple(map(bytes.fromhex, earlier)))


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody else's certificates. A pair is "<sign fingerprint>:<encrypt fingerprint>", hex.

    Args:
        accepted: pairs that were accepted, the first of them because it was the first.
        offered: a pair that was seen later and waits for a person to accept it; empty if none does.
    """

    accepted: tuple[str, ...]
    offered: str = ""

    def with_offer(self, pair: str) -> Contact:
        """The same with another pair that was seen."""
        return replace(self, offered=pair)

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"accepted": list(self.accepted), "offered": self.offered}

    def to_secret_bytes(self) -> bytes:
        """Nothing is secret."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """Undo ``to_public``."""
        return cls(tuple(fields.texts("accepted")), fields.text("offered"))


@dataclass(frozen=True, slots=True)
class SessionPin:
    """The newest certificates of a session that were verified, DER. The certifications of its keys held.

    Args:
        sign_certificate: for signing.
        encrypt_certificate: for encryption.
    """

    sign_certificate: bytes
    encrypt_certificate: bytes

    def to_public(self) -> Json:
        """As it stands in the file."""
        return {"sign": bytes_to_text(self.sign_certificate), "encrypt": bytes_to_text(self.encrypt_certificate)}

    def to_secret_bytes(self) -> bytes:
        """Nothing is secret."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """Undo ``to_public``."""
        return cls(fields.data("sign"), fields.data("encrypt"))


class Drawers:
    """The drawers of this part.

    Args:
        store: the opened key store.
    """

    def __init__(self, store: KeyStore) -> None:
        self.logins: Drawer[StoredLogin] = store.drawer("login", "login", StoredLogin, lambda name: name)
        self.accounts: Drawer[AccountKeys] = store.drawer("accounts", "account", AccountKeys, check_account_name)
        self.signer_keys: Drawer[SignerKeys] = store.drawer("signer-keys", "signer keys", SignerKeys, check_request_id)
        self.contacts: Drawer[Contact] = store.drawer("contacts", "contact", Contact, check_account_name)
        self.sessions: Drawer[SessionPin] = store.drawer("sessions", "session", SessionPin, check_session_id)

    def pairs_of(self, account: str) -> list[SignerKeys]:
        """All pairs with certificates that an account has, the active one first; none if none is active."""
        found = self.accounts.get(account)
        if found is None or not found.active:
            return []
        pairs = [self.signer_keys.get(name) for name in (found.active, *reversed(found.former))]
        return [pair for pair in pairs if pair is not None]


def _key_to_bytes(key: SignKey | EncryptKey) -> bytes:
    if isinstance(key, SigningShare | DecryptionShare):
        return key.to_secret_bytes()
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _load_sign_key(secret: bytes, *, is_half: bool) -> SignKey:
    key = load_key_share(Role.CLIENT, Purpose.SIGN, secret) if is_half else _load_key(secret)
    if isinstance(key, SigningShare | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        return key
    raise DocumentError("no key for signing")


def _load_encrypt_key(secret: bytes, *, is_half: bool) -> EncryptKey:
    key = load_key_share(Role.CLIENT, Purpose.DECRYPT, secret) if is_half else _load_key(secret)
    if isinstance(key, DecryptionShare | rsa.RSAPrivateKey | x25519.X25519PrivateKey):
        return key
    raise DocumentError("no key for encryption")


def _load_key(secret: bytes) -> object:
    try:
        return load_der_private_key(secret, None)
    except (ValueError, TypeError):
        raise DocumentError("no private key") from None  # the cause could quote the bytes
