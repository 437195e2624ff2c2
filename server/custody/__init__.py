"""Where the server's secrets live: database rows, sealed under a master key that is not in the database; or a token.

Who has the database alone has nothing, who has the master key alone has nothing. A sealed row opens only as what it was
sealed as: for another key id, purpose, role or modulus it does not open at all.
"""

from server.custody.coalescer import Coalescer
from server.custody.custody import Custody
from server.custody.holder import DatabaseHolder, Holder, OpenedShare, ShareEngine
from server.custody.listing import KeptObject, KeptShare, list_besides, list_kept_shares
from server.custody.master_key import MasterKeys, create_master_key, load_master_keys
from server.custody.ready_shares import ReadyShares
from server.custody.sealing import Context, SealBroken, Sealer
from server.custody.shares import ShareCustody

__all__ = [
    "Coalescer",
    "Context",
    "Custody",
    "DatabaseHolder",
    "Holder",
    "KeptObject",
    "KeptShare",
    "MasterKeys",
    "OpenedShare",
    "ReadyShares",
    "SealBroken",
    "Sealer",
    "ShareCustody",
    "ShareEngine",
    "create_master_key",
    "list_besides",
    "list_kept_shares",
    "load_master_keys",
]
