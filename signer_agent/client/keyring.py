"""The keys of an opened key store, by id or label, with their shares while they are in use.

A label that a key has in common with the one that it replaces stands for the new one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mpc.four_prime_rsa import KeyShare
from mpc.secret import Secret
from signer_agent.keystore.entries import KeyRecord
from signer_agent.keystore.store import KeyStore
from signer_agent.requests import checked_key_name, is_key_id
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OpenedKey(Secret):
    """A key with the client's share of it."""

    record: KeyRecord
    share: KeyShare

    def _public_summary(self) -> str:
        return f"key_id={self.record.key_id}"


class Keyring:
    """Finds keys. Safe to use from several threads; every method may read files.

    Args:
        store: the opened key store.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._opened: dict[str, OpenedKey] = {}
        self._labels: dict[str, list[str]] = {}
        self._labels_version = 0

    def key_id(self, key: str) -> str:
        """The id that ``key`` stands for: an id, of this store or not, or a label of this store.

        Raises:
            ServiceError: KEY_NOT_FOUND, LABEL_AMBIGUOUS, and those of the key store.
        """
        if is_key_id(checked_key_name(key)):
            return key
        found = self._ids_by_label(key)
        if not found:
            raise ServiceError("KEY_NOT_FOUND", key_id=key)
        if len(found) > 1:
            raise ServiceError("LABEL_AMBIGUOUS", label=key)
        return found[0]

    def opened(self, key: str) -> OpenedKey:
        """The key with its share.

        Raises:
            ServiceError: SHARE_MISSING, those of ``key_id``.
        """
        key_id = self.key_id(key)
        found = self._opened.get(key_id)
        if found is None:
            record, share = self._store.key(key_id), self._store.share(key_id)
            if record is None or share is None:
                raise ServiceError("SHARE_MISSING", key_id=key_id)
            found = self._opened[key_id] = OpenedKey(record, share)
        return found

    def erase(self, key_id: str) -> None:
        """Erase a key with its share, from memory and from disk. Raises those of the key store."""
        self._opened.pop(key_id, None)
        self._store.remove_key(key_id)

    def _ids_by_label(self, label: str) -> list[str]:
        version = self._store.records_version()
        if version != self._labels_version or label not in self._labels:
            labels: dict[str, list[str]] = {}
            records = self._store.records()
            replaced = {record.request.replaces_key_id for record in records}
            for record in (record for record in records if record.key_id not in replaced):
                labels.setdefault(record.request.label, []).append(record.key_id)
            self._labels, self._labels_version = labels, version  # of before: what came meanwhile is seen next time
        return self._labels.get(label, [])
