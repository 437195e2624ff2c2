"""Entries of one kind in one folder of the key store, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, Self, TypeVar

from wire.client.documents import Fields, Json
from wire.client.private_folder import PrivateFolder

_SUFFIX: Final = ".json"
_TURN: Final = ".turn"


class Entry(Protocol):
    """What a drawer keeps: a public part that is authenticated, a secret part that is sealed."""

    def to_public(self) -> Json:
        """As it stands in the file."""

    def to_secret_bytes(self) -> bytes:
        """What the store seals; may be empty."""

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """Undo the two. Raises ValueError or FoursealError for anything else."""


_Entry = TypeVar("_Entry", bound=Entry)
_Loaded = TypeVar("_Loaded")


class Files(Protocol):
    """The key store, as a drawer sees it: it opens and seals files."""

    def save(self, folder: PrivateFolder, kind: str, name: str, public: Json, secret: bytes) -> None:
        """Seal and write a file."""

    def open_file(
        self, folder: PrivateFolder, kind: str, name: str, content: bytes, load: Callable[[Fields, bytes], _Loaded]
    ) -> _Loaded:
        """Open a file's content."""


class Drawer(Generic[_Entry]):
    """One folder. Safe to use from several threads and processes. From ``KeyStore.drawer``.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        files: seals and opens.
        folder: where the files lie.
        kind: what they are: part of what their seals are bound to.
        entry: the type of the entries.
        check: returns a name that may name an entry, and raises for any other.
    """

    def __init__(
        self, files: Files, folder: PrivateFolder, kind: str, entry: type[_Entry], check: Callable[[str], str]
    ) -> None:
        self._files = files
        self._folder = folder
        self._kind = kind
        self._entry = entry
        self._check = check
        self._last: tuple[str, bytes, _Entry] | None = None

    def names(self) -> list[str]:
        """The names of all entries, sorted."""
        return [name.removesuffix(_SUFFIX) for name in self._folder.names(_SUFFIX)]

    def get(self, name: str) -> _Entry | None:
        """The entry of that name, or None. What is read again and again, as a login, is opened once."""
        file = self._check(name) + _SUFFIX
        content = self._folder.read(file)
        if content is None:
            return None
        last = self._last
        if last is None or last[:2] != (file, content):
            opened = self._files.open_file(self._folder, self._kind, file, content, self._entry.load)
            self._last = last = (file, content, opened)
        return last[2]

    def put(self, name: str, entry: _Entry) -> None:
        """Store an entry, durably, in place of an older one."""
        secret = entry.to_secret_bytes()
        self._files.save(self._folder, self._kind, self._check(name) + _SUFFIX, entry.to_public(), secret)

    def remove(self, name: str) -> None:
        """Erase an entry, if it is there."""
        self._folder.remove(self._check(name) + _SUFFIX)

    def update(self, name: str, change: Callable[[_Entry | None], _Entry]) -> _Entry:
        """Replace an entry by what ``change`` makes of it, with no other update in between; returns the new one.

        What ``change`` raises ends it, and nothing is changed.
        """
        with self._folder.lock(_TURN):
            before = self.get(name)
            after = change(before)
            if after is not before:
                self.put(name, after)
            return after
