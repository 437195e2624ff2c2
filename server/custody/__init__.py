"""Where the server's secrets live: database rows, sealed under a master key that is not in the database; or a token.

Who has the database alone has nothing, who has the master key alone has nothing. A sealed row opens only as what it was
sealed as: for another key id, purpose, role or modulus it does not open at all.
"""

from server.custody.coalescer import Coalescer
from server.custody.custody import Custody
from server.custody.holder import DatabaseHolder, Holder, OpenedShare, ShareEngine
from server.custody.key_holder import KeyKind
from server.custody.listing import KeptObject, KeptSecret, find_kept, list_besides, list_kept_shares
from server.custody.master_key import MasterKeys, create_master_key, load_master_keys
from server.custody.named_keys import NamedKeys, named_key_works, try_named_keys
from server.custody.private_keys import NamedKey, NamedRsaKey
from server.custody.ready_shares import ReadyShares
from server.custody.sealed_keys import PublicKey, context_of_key, open_private_key, seal_private_key
from server.custody.sealing import Context, SealBroken, Sealer
from server.custody.shares import ShareCustody

__all__ = [
    "Coalescer",
    "Context",
    "Custody",
    "DatabaseHolder",
    "Holder",
    "KeptObject",
    "KeptSecret",
    "KeyKind",
    "MasterKeys",
    "NamedKey",
    "NamedKeys",
    "NamedRsaKey",
    "OpenedShare",
    "PublicKey",
    "ReadyShares",
    "SealBroken",
    "Sealer",
    "ShareCustody",
    "ShareEngine",
    "context_of_key",
    "create_master_key",
    "find_kept",
    "list_besides",
    "list_kept_shares",
    "load_master_keys",
    "named_key_works",
    "open_private_key",
    "seal_private_key",
    "try_named_keys",
]
