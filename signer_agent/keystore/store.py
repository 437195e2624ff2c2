"""The key store: what is in which file, and how a file is opened and sealed.

::

    keystore.json                 argon2id parameters, wrapped data key, checksum
    identity.json                 server, certificates; sealed: TLS key
    enrolment.json                an enrolment under way; sealed: TLS key
    keys/<key id>.json            public shares, label; sealed: client share
    generations/<request id>.json a generation or re-key under way; sealed: client share and nonce
    <folder>/<name>.json          what ``signer_agent.contracts`` and ``signer_agent.log`` keep, see there

Every entry is sealed under a key of this store alone, with its kind, its name and its whole public part as associated
data: it opens only where it was written, as it was written. What this cannot show is a file put back to what it once
was, or removed; the server's list of keys shows the latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag

from mpc.errors import FoursealError
from mpc.four_prime_rsa import KeyShare, Purpose
from signer_agent.home import Home
from signer_agent.keystore.drawer import Drawer, Entry
from signer_agent.keystore.entries import Baton, KeyRecord, PendingGeneration
from signer_agent.keystore.header import Header, PinGuard, sealed_from_fields, sealed_to_json, write_header
from signer_agent.keystore.sealing import DataKey, KdfParameters, Passphrase
from wire.catalogue import ServiceError
from wire.client.documents import DocumentError, Fields, Json, decode, encode
from wire.client.identity import Identity, PendingEnrolment, tls_key_to_secret_bytes
from wire.client.private_folder import PrivateFolder, translated
from wire.ids import check_key_id, check_request_id

_HEADER: Final = "keystore.json"
_IDENTITY: Final = "identity.json"
_ENROLMENT: Final = "enrolment.json"
_BATON: Final = "baton.json"
_SUFFIX: Final = ".json"
_VERSION: Final = 1

_Loaded = TypeVar("_Loaded")
_Entry = TypeVar("_Entry", bound=Entry)


class KeyStore:
    """An opened key store. Use ``create`` or ``open``. Safe to use from several threads."""

    def __init__(self, home: Home, data_key: DataKey, *, wrong_pins: int = 0) -> None:
        self.home = home
        """Where it lies."""
        self.wrong_pins = wrong_pins
        """Attempts since the PIN was last right, before the one that opened it; as the server says."""
        self._data_key = data_key
        self._root = PrivateFolder.open(home.folder)
        self._keys = PrivateFolder.create(home.keys)
        self._generations = PrivateFolder.create(home.generations)

    @classmethod
    def create(cls, home: Home, passphrase: Passphrase) -> KeyStore:
        """Make a new key store.

        Raises:
            ServiceError: STORE_EXISTS, PASSPHRASE_UNSUITABLE (too short), STORE_UNUSABLE, STORE_PERMISSIONS.
        """
        passphrase.require_length()
        require_no_store(home)
        root = PrivateFolder.create(home.folder)
        data_key = DataKey.generate()
        root.write(_HEADER, _wrapped(data_key, passphrase))
        return cls(home, data_key)

    @classmethod
    def header(cls, home: Home) -> Header:
        """What opens a key store.

        Raises:
            ServiceError: STORE_MISSING, STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        require_store(home)
        root = PrivateFolder.open(home.folder)
        with _damage_of(root.path / _HEADER):
            return Header.read(root.read(_HEADER) or b"")

    @classmethod
    def open(cls, home: Home, passphrase: Passphrase) -> KeyStore:
        """Open an existing key store that a passphrase opens alone. Takes some 0.1 s.

        Raises:
            ServiceError: PASSPHRASE_WRONG, also for a store with a PIN; those of ``header``.
        """
        header = cls.header(home)
        try:
            return cls(home, header.open(passphrase.stretch(header.parameters)))
        except InvalidTag:
            raise ServiceError("PASSPHRASE_WRONG") from None

    def change_passphrase(self, passphrase: Passphrase) -> None:
        """Wrap the data key under a new passphrase. The old header file is gone after that, its backups are not.

        Raises:
            ServiceError: PASSPHRASE_UNSUITABLE (too short), STORE_UNUSABLE.
        """
        passphrase.require_length()
        self._root.write(_HEADER, _wrapped(self._data_key, passphrase))

    def wrap(self, wrapping_key: bytes, parameters: KdfParameters, guard: PinGuard) -> None:
        """Wrap the data key under what a PIN gave, in place of what wrapped it before.

        Raises:
            ServiceError: STORE_UNUSABLE.
        """
        self._root.write(_HEADER, write_header(self._data_key, wrapping_key, parameters, guard))

    def signature_salt(self, length: int, *request: str | bytes) -> bytes:
        """See ``DataKey.signature_salt``."""
        return self._data_key.signature_salt(length, *request)

    def identity(self) -> Identity | None:
        """Return the agent's identity, None before enrolment.

        Raises:
            ServiceError: STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        return self.load(self._root, "identity", _IDENTITY, Identity.load)

    def save_identity(self, identity: Identity) -> None:
        """Store the identity that an enrolment brought, in place of an older one, and forget the enrolment.

        Raises:
            ServiceError: STORE_UNUSABLE.
        """
        secret = tls_key_to_secret_bytes(identity.private_key)
        self.save(self._root, "identity", _IDENTITY, identity.to_public(), secret)
        self._root.remove(_ENROLMENT)  # a crash before this leaves an enrolment that nobody asks for again

    def baton(self) -> Baton | None:
        """Return what the next lease is taken with, None before the first. Raises as ``identity`` does."""
        return self.load(self._root, "baton", _BATON, Baton.load)

    def save_baton(self, baton: Baton) -> None:
        """Store what the next lease is taken with. Raises ServiceError (STORE_UNUSABLE)."""
        self.save(self._root, "baton", _BATON, baton.to_public(), baton.value)

    def pending_enrolment(self) -> PendingEnrolment | None:
        """Return the enrolment under way, or None. Raises as ``identity`` does."""
        return self.load(self._root, "enrolment", _ENROLMENT, PendingEnrolment.load)

    def save_pending_enrolment(self, pending: PendingEnrolment) -> None:
        """Store an enrolment under way, in place of another. Raises ServiceError (STORE_UNUSABLE)."""
        self.save(self._root, "enrolment", _ENROLMENT, pending.to_public(), pending.to_secret_bytes())

    def records(self) -> list[KeyRecord]:
        """Return all keys, sorted by id. Raises as ``identity`` does."""
        records = (self.key(name.removesuffix(_SUFFIX)) for name in self._keys.names(_SUFFIX))
        return [record for record in records if record is not None]

    def records_version(self) -> int:
        """Return a number that changes when a key is stored or removed. Raises ServiceError (STORE_UNUSABLE)."""
        return self._keys.version()

    def key(self, key_id: str) -> KeyRecord | None:
        """Return the key of that id, or None. Raises as ``identity`` does, and MalformedInput (KEY_ID_MALFORMED)."""

        def load(fields: Fields, _: bytes) -> KeyRecord:
            return KeyRecord.from_public(fields)

        return self.load(self._keys, "key", check_key_id(key_id) + _SUFFIX, load)

    def share(self, key_id: str) -> KeyShare | None:
        """Return the client share of that key, or None. Raises as ``key`` does."""

        def load(fields: Fields, secret: bytes) -> KeyShare:
            return KeyRecord.from_public(fields).load_share(secret)

        return self.load(self._keys, "key", check_key_id(key_id) + _SUFFIX, load)

    def remove_key(self, key_id: str) -> None:
        """Erase a key with its share, if it is there. Raises ServiceError (STORE_UNUSABLE)."""
        self._keys.remove(check_key_id(key_id) + _SUFFIX)

    def request_ids(self) -> list[str]:
        """Return the request ids of all generations under way, sorted. Raises ServiceError (STORE_UNUSABLE)."""
        return [name.removesuffix(_SUFFIX) for name in self._generations.names(_SUFFIX)]

    def pending_generation(self, request_id: str) -> PendingGeneration | None:
        """Return a generation under way, or None. Raises as ``identity`` does."""
        name = check_request_id(request_id) + _SUFFIX
        return self.load(self._generations, "generation", name, PendingGeneration.load)

    def save_pending_generation(self, pending: PendingGeneration) -> None:
        """Store a generation before anything of it leaves the process. Raises ServiceError (STORE_UNUSABLE)."""
        name = pending.request.request_id + _SUFFIX
        self.save(self._generations, "generation", name, pending.to_public(), pending.to_secret_bytes())

    def finish_generation(self, pending: PendingGeneration, record: KeyRecord) -> None:
        """Store the key that came of a generation, and forget the generation. Raises ServiceError (STORE_UNUSABLE).

        A signing key that was replaced is forgotten too: the server has destroyed it.
        """
        secret = pending.client.share.to_secret_bytes()
        self.save(self._keys, "key", record.key_id + _SUFFIX, record.to_public(), secret)
        if record.request.replaces_key_id and record.request.purpose is Purpose.SIGN:
            self.remove_key(record.request.replaces_key_id)
        self.remove_pending_generation(pending.request.request_id)  # a crash before this repeats the last steps

    def remove_pending_generation(self, request_id: str) -> None:
        """Erase a generation with its share, if it is there. Raises ServiceError (STORE_UNUSABLE)."""
        self._generations.remove(request_id + _SUFFIX)

    def drawer(self, folder: str, kind: str, entry: type[_Entry], check: Callable[[str], str]) -> Drawer[_Entry]:
        """Entries of one kind, in a folder of their own, which is made if need be; see ``Drawer``.

        Raises:
            ServiceError: STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        return Drawer(self, self.folder(folder), kind, entry, check)

    def folder(self, name: str) -> PrivateFolder:
        """A folder for files that are not secret, and prove themselves; made if need be.

        Raises:
            ServiceError: STORE_PERMISSIONS, STORE_UNUSABLE.
        """
        return PrivateFolder.create(self._root.path / name)

    def save(self, folder: PrivateFolder, kind: str, name: str, public: Json, secret: bytes) -> None:
        """Seal and write a file; ``kind``, ``name`` and ``public`` are authenticated with it."""
        sealed = self._data_key.seal(secret, self._context(kind, name, public))
        document = {"kind": kind, "version": _VERSION, "public": public, "sealed": sealed_to_json(sealed)}
        folder.write(name, encode(document))

    def load(
        self, folder: PrivateFolder, kind: str, name: str, load: Callable[[Fields, bytes], _Loaded]
    ) -> _Loaded | None:
        """Read and open a file that ``save`` wrote; None if there is none. Raises as ``identity`` does."""
        content = folder.read(name)
        return None if content is None else self.open_file(folder, kind, name, content, load)

    def open_file(
        self, folder: PrivateFolder, kind: str, name: str, content: bytes, load: Callable[[Fields, bytes], _Loaded]
    ) -> _Loaded:
        """Open the content of a file that ``save`` wrote. Raises as ``identity`` does."""
        with _damage_of(folder.path / name):
            fields = Fields(decode(content))
            if (fields.text("kind"), fields.integer("version")) != (kind, _VERSION):
                raise DocumentError(f"not {kind} of version {_VERSION}")
            public, sealed = fields.document("public"), sealed_from_fields(fields.fields("sealed"))
            fields.end()
            secret = self._data_key.open(sealed, self._context(kind, name, public))
            return load(Fields(public), secret)

    def _context(self, kind: str, name: str, public: Json) -> bytes:
        return encode({"kind": kind, "name": name, "version": _VERSION, "public": public})


def require_store(home: Home) -> None:
    """Raise ServiceError (STORE_MISSING) unless there is a key store; STORE_UNUSABLE if that cannot be seen."""
    with translated(home.folder):
        found = (home.folder / _HEADER).exists()
    if not found:
        raise ServiceError("STORE_MISSING", folder=str(home.folder))


def require_no_store(home: Home) -> None:
    """Raise ServiceError (STORE_EXISTS) if there is a key store; STORE_UNUSABLE if that cannot be seen."""
    with translated(home.folder):
        found = (home.folder / _HEADER).exists()
    if found:
        raise ServiceError("STORE_EXISTS", folder=str(home.folder))


def _wrapped(data_key: DataKey, passphrase: Passphrase) -> bytes:
    parameters = KdfParameters.fresh()
    return write_header(data_key, passphrase.stretch(parameters), parameters, None)


@contextmanager
def _damage_of(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a file's content into STORE_DAMAGED, which names the file."""
    try:
        yield
    except InvalidTag:
        raise ServiceError("STORE_DAMAGED", file=str(path), problem="its seal does not hold") from None
    except (ValueError, FoursealError) as error:
        raise ServiceError("STORE_DAMAGED", file=str(path), problem=str(error)) from error
