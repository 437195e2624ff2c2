"""Custody as a whole: opens with its master key file, and can tell at any time whether it still works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from server.custody import store
from server.custody.holder import DatabaseHolder, Holder
from server.custody.listing import list_kept_shares
from server.custody.master_key import load_master_keys
from server.custody.named_keys import NamedKeys
from server.custody.sealing import Context, SealBroken, Sealer
from server.custody.shares import ShareCustody
from server.errors import OperatorError
from server.storage import Database

_PROBE: Final = b"fourseal custody probe"
_OTHER_KEY = "Restore the master key file that belongs to this database."


class Custody:
    """The master key, and what is sealed under it.

    Args:
        database: where sealed secrets are.
        master_key_path: the master key file.
        random: randomness for nonces.
        capacity: how many shares stay open.
        open_holder: opens who has the numbers of the shares and named keys; by default this process.

    Raises:
        OperatorError: the master key file cannot be used.
    """

    def __init__(
        self,
        database: Database,
        master_key_path: Path,
        random: Callable[[int], bytes],
        *,
        capacity: int,
        open_holder: Callable[[Sealer], Holder] = lambda _: DatabaseHolder(),
    ) -> None:
        self._master_key_path = master_key_path
        self._random = random
        keys = load_master_keys(master_key_path)
        self._active = keys.active.hex()
        self.sealer = Sealer(keys, random)
        holder = open_holder(self.sealer)
        self.shares = ShareCustody(database, self.sealer, holder, capacity=capacity)
        self.keys = NamedKeys(self.sealer, holder.keys)

    def ensure_probe(self, connection: Connection, now: datetime) -> None:
        """Seal the probe of the active master key, if this database has none yet.

        Raises:
            OperatorError: the database has probes of other master keys only, and none of those is in the file.
        """
        probes = store.list_probes(connection)
        if self._active in probes:
            return
        if probes:
            self.check(connection)
        sealed = self.sealer.seal(_probe_context(self._active), _PROBE)
        store.insert_probe(connection, self._active, sealed, now)

    def check(self, connection: Connection) -> None:
        """Open every probe with the master key file as it is on the disk now, and see where the shares are.

        Raises:
            OperatorError: the file is missing or damaged, or does not belong to this database; or the shares are not
                with who is to hold them.
        """
        self._require_same_holder(connection)
        sealer = Sealer(load_master_keys(self._master_key_path), self._random)
        probes = store.list_probes(connection)
        if not probes:
            raise OperatorError("the database holds no probe of a master key", "Run fourseal-server init.")
        for master_key_id, sealed in probes.items():
            try:
                opened = sealer.open(_probe_context(master_key_id), sealed)
            except SealBroken:
                raise OperatorError("the master key does not belong to this database", _OTHER_KEY) from None
            if opened != _PROBE:
                raise OperatorError("the probe of the master key holds something else", _OTHER_KEY)

    def _require_same_holder(self, connection: Connection) -> None:
        """Look at one share: all are with the same holder."""
        shares = list_kept_shares(connection, after="", limit=1)
        holder = self.shares.holder
        if shares and bool(shares[0].object_id) is not holder.in_token:
            where = "in a token" if shares[0].object_id else "sealed in the database"
            action = "Set custody to what it was: shares can be moved neither into a token nor out of it."
            raise OperatorError(f"the key shares of this server are {where}, the configuration says otherwise", action)


def _probe_context(master_key_id: str) -> Context:
    return Context("probe", master_key_id)
